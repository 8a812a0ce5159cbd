"""The push to partners over real mutual TLS, against the reference partner at its best and at its worst."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.partenaire_reference import Comportement, PartenaireReference
from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Statut
from schemas.emission import emit_demande
from schemas.generation import generate_demande
from soap.client import Delais, DistributionClient, _Messages
from tests.conformance.pki import Pki
from tests.registry.fabrique import demande_of

NUMERO = "0590726000001G1104"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest_asyncio.fixture
async def partner(pki: Pki) -> AsyncIterator[PartenaireReference]:
    partner = PartenaireReference(pki.serveur())
    await partner.start()
    yield partner
    await partner.stop()


@pytest_asyncio.fixture
async def client(pki: Pki) -> AsyncIterator[DistributionClient]:
    client = DistributionClient(pki.client())
    await client.start()
    yield client
    await client.stop()


def envoi_to(adresse: str, seed: int = 1) -> Envoi:
    root = demande_of(generate_demande(seed)).root
    instant = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
    contenu = emit_demande(root, type_fichier="DIS", date_fichier=instant, num_unique=NUMERO)
    identifier = uuid.UUID(int=seed)
    return Envoi(identifier, 1, "G0002", seed, NUMERO, adresse, "DEMG0002-202607011130-000001.xml", contenu)


async def test_a_partner_is_told_of_the_trace_only_when_there_is_one(
    pki: Pki, client: DistributionClient
) -> None:
    """[TEL-2]"""
    seen = []

    async def note(request: web.Request) -> web.Response:
        seen.append(request.headers.get("traceparent"))
        return web.Response(status=500)

    app = web.Application()
    app.router.add_post("/", note)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "localhost", 0, ssl_context=pki.serveur())
    await site.start()
    envoi = envoi_to(f"https://localhost:{runner.addresses[0][1]}/")
    context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await client.send(envoi)
    await client.send(replace(envoi, traceparent=context))
    await runner.cleanup()
    assert seen == [None, context]


async def test_what_is_sent_is_what_is_received_and_acknowledged(
    partner: PartenaireReference, client: DistributionClient
) -> None:
    envoi = envoi_to(partner.adresse)
    assert await client.send(envoi) == Accuse(Statut.RECU)
    (received,) = partner.receptions.values()
    assert received.contenu == envoi.contenu
    assert (received.id, received.sequence, received.nom_fichier) == (
        str(envoi.id),
        envoi.sequence,
        envoi.nom_fichier,
    )
    assert (received.numero, received.type_fichier) == (NUMERO, "DIS")


async def test_a_repeated_sending_is_acknowledged_as_such(
    partner: PartenaireReference, client: DistributionClient
) -> None:
    """[DST-13] After an answer lost on the way: same identifier, DEJA_RECU, received once."""
    envoi = envoi_to(partner.adresse)
    partner.comportement = Comportement.PERD_LA_REPONSE
    lost = await client.send(envoi)
    assert isinstance(lost, Echec)
    assert lost.genre is GenreEchec.INJOIGNABLE
    # A connection closed without an answer is tried once more at once: most often it was only idle.
    assert partner.deliveries == {str(envoi.id): 2}
    partner.comportement = Comportement.NORMAL
    assert await client.send(replace(envoi, rang=2)) == Accuse(Statut.DEJA_RECU)
    assert len(partner.receptions) == 1


@pytest.mark.parametrize(
    ("comportement", "genre", "detail"),
    [
        (Comportement.PANNE, GenreEchec.PANNE, "erreur SOAP : le guichet est en panne"),
        (Comportement.REFUS, GenreEchec.REFUS, "erreur SOAP : le guichet refuse ce document"),
        (Comportement.AUTRE_EMPREINTE, GenreEchec.REPONSE_INVALIDE, "empreinte d'un autre fichier"),
        (Comportement.AUTRE_DISTRIBUTION, GenreEchec.REPONSE_INVALIDE, "accusé d'une autre distribution"),
        (Comportement.BAVARD, GenreEchec.REPONSE_INVALIDE, "réponse de plus de 65536 octets"),
        (Comportement.REDIRIGE, GenreEchec.REPONSE_INVALIDE, "HTTP 307, réponse qui n'est pas du XML"),
        (Comportement.ILLISIBLE, GenreEchec.REPONSE_INVALIDE, "HTTP 200, réponse qui n'est pas du XML"),
        (Comportement.HORS_CONTRAT, GenreEchec.REPONSE_INVALIDE, "HTTP 200, accusé non conforme au WSDL"),
    ],
)
async def test_what_is_no_acknowledgement_is_a_failure(
    partner: PartenaireReference,
    client: DistributionClient,
    comportement: Comportement,
    genre: GenreEchec,
    detail: str,
) -> None:
    """[DST-12]"""
    partner.comportement = comportement
    found = await client.send(envoi_to(partner.adresse))
    assert isinstance(found, Echec)
    assert found.genre is genre
    assert found.detail.startswith(detail)


async def test_a_partner_that_does_not_answer_in_time_is_a_failure(
    pki: Pki, partner: PartenaireReference
) -> None:
    partner.comportement = Comportement.MUET
    client = DistributionClient(pki.client(), delais=Delais(total=timedelta(milliseconds=300)))
    await client.start()
    found = await client.send(envoi_to(partner.adresse))
    await client.stop()
    assert found == Echec(GenreEchec.DELAI, "pas de réponse dans les délais (0.3 s au plus)")


async def test_a_partner_that_is_not_there_is_a_failure(client: DistributionClient) -> None:
    found = await client.send(envoi_to("https://127.0.0.1:9/services/"))
    assert found == Echec(GenreEchec.INJOIGNABLE, "connexion impossible à 127.0.0.1:9")


async def test_a_partner_of_another_authority_is_not_spoken_to(pki: Pki, client: DistributionClient) -> None:
    """[DST-15]"""
    partner = PartenaireReference(pki.serveur("autre"))
    found = await client.send(envoi_to(await partner.start()))
    await partner.stop()
    assert isinstance(found, Echec)
    assert found.genre is GenreEchec.CERTIFICAT
    assert found.detail.startswith("le certificat du guichet n'est pas accepté")
    assert partner.receptions == {}


async def test_a_partner_that_refuses_our_certificate_is_a_failure(
    pki: Pki, partner: PartenaireReference
) -> None:
    client = DistributionClient(pki.stranger())
    await client.start()
    found = await client.send(envoi_to(partner.adresse))
    await client.stop()
    assert isinstance(found, Echec)
    assert found.genre in {GenreEchec.CERTIFICAT, GenreEchec.INJOIGNABLE}
    assert partner.receptions == {}


async def test_connections_are_kept_and_a_closed_one_is_no_failure(
    pki: Pki, client: DistributionClient
) -> None:
    """The partner restarts between two sendings: the idle connection is dead, another one is opened."""
    partner = PartenaireReference(pki.serveur())
    adresse = await partner.start()
    port = int(adresse.split(":")[2].split("/")[0])
    assert await client.send(envoi_to(adresse, 1)) == Accuse(Statut.RECU)
    await partner.stop()
    again = PartenaireReference(pki.serveur())
    await again.start(port=port)
    assert await client.send(envoi_to(adresse, 2)) == Accuse(Statut.RECU)
    await again.stop()


async def test_the_connections_of_a_burst_are_left_alone_afterwards(
    pki: Pki, client: DistributionClient
) -> None:
    """Four sendings at once take four connections; those that follow one by one, the same one each time: the
    three others are idle from then on, and close."""
    ports: list[int] = []
    together = asyncio.Barrier(4)

    async def receive(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport is not None
        ports.append(request.transport.get_extra_info("peername")[1])
        if len(ports) <= 4:
            await together.wait()
        return web.Response(status=503)

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=pki.serveur()).start()
    adresse = f"https://127.0.0.1:{runner.addresses[0][1]}/"
    await asyncio.gather(*(client.send(envoi_to(adresse, seed)) for seed in range(1, 5)))
    for seed in range(5, 13):
        await client.send(envoi_to(adresse, seed))
    await runner.cleanup()
    assert len(ports) == 12
    assert (len(set(ports[:4])), len(set(ports[4:]))) == (4, 1)


async def test_many_guichets_are_served_at_once(
    partner: PartenaireReference, client: DistributionClient
) -> None:
    sent = [envoi_to(partner.adresse, seed) for seed in range(1, 21)]
    assert set(await asyncio.gather(*map(client.send, sent))) == {Accuse(Statut.RECU)}
    assert len(partner.receptions) == 20


async def test_a_client_that_is_not_started_says_so(pki: Pki) -> None:
    with pytest.raises(RuntimeError, match="démarré"):
        await DistributionClient(pki.client()).send(envoi_to("https://127.0.0.1:9/"))


_MESSAGES = _Messages()
_ENVOI = envoi_to("https://127.0.0.1:9/")
_TEXTS = st.sampled_from(
    ["", str(_ENVOI.id), "RECU", "DEJA_RECU", hashlib.sha256(_ENVOI.contenu).hexdigest(), "é", "a" * 64]
)
_NAMES = st.sampled_from(["idDistribution", "statut", "empreinte", "x", "ws:statut", "s:Fault", "s:Reason"])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(100, 599), st.lists(st.tuples(_NAMES, _TEXTS), max_size=4), st.binary(max_size=30))
def test_any_answer_is_an_acknowledgement_or_a_failure_never_raised(
    status: int, fields: list[tuple[str, str]], raw: bytes
) -> None:
    """An acknowledgement is returned only for the three right fields, in order, with status 200."""
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in fields)
    answer = (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:ws="http://ws.metier.nuu.application.i2/"><s:Body><ws:distributionReponse>'
        f"{inner}</ws:distributionReponse></s:Body></s:Envelope>"
    ).encode()
    found = _MESSAGES.read(_ENVOI, status, answer)
    right = [
        [
            ("idDistribution", str(_ENVOI.id)),
            ("statut", statut),
            ("empreinte", hashlib.sha256(_ENVOI.contenu).hexdigest()),
        ]
        for statut in ("RECU", "DEJA_RECU")
    ]
    assert isinstance(found, Accuse) == (status == 200 and fields in right)
    assert isinstance(_MESSAGES.read(_ENVOI, status, raw), Echec)
    assert isinstance(_MESSAGES.read(_ENVOI, status, answer[: len(answer) // 2] + raw), Echec)
