"""The distributions that a guichet comes for, through a TLS socket and the real database."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from lxml import etree
from sqlalchemy import Engine, text

from certs.paire import Paire, load_paire
from certs.signature import ContenuVerifie, verify_signature
from dispatching import handlers_retrait, manifestes
from dispatching.handlers_retrait import Retraits
from dispatching.manifestes import produce
from filters.language import Filtre
from registry.clock import FixedClock
from registry.exchanges_store import Statut, get_echange
from registry.guichets import TypeGuichet
from registry.guichets_store import get_guichet
from registry.handlers import Traitement
from registry.traces import list_traces
from schemas.manifeste import Manifeste, read_manifeste
from soap.mime import split
from soap.operations_distribution import operations_distribution
from tests.dispatching.scene import LILLE, Scene
from tests.registry.fabrique import DecideurTemoin
from tests.soap.conftest import Hub, Pki, Reponse, start_server, stop_hub
from tests.soap.messages import WS, envelope

CHEMIN = "/services/DistributionsImplService"
MTOM = (
    'multipart/related; type="application/xop+xml"; start="<racine>"; start-info="application/soap+xml"; '
    f'boundary="LIMITE"; action="{WS}{{}}"'
)


@pytest.fixture
def scene(engine: Engine, clock: FixedClock) -> Scene:
    """Three distributions wait for G1104, which has no address."""
    scene = Scene(engine, clock)
    auteur = scene.guichet("G1226")
    scene.guichet("G1104", Filtre("Tout"), adresse="")
    scene.register([scene.recue(auteur) for _ in range(3)])
    return scene


@asynccontextmanager
async def serving(scene: Scene, pki: Pki) -> AsyncIterator[Hub]:
    """The hub over mutual TLS, where both guichets have a certificate."""
    traitement = Traitement(scene.engine, scene.clock, DecideurTemoin())
    retraits = Retraits(scene.engine, scene.clock)
    await traitement.start()
    await retraits.start()
    with scene.engine.connect() as conn:
        guichets = [found for code in ("G1104", "G1226") if (found := get_guichet(conn, code))]
    autres = operations_distribution(retraits)
    runner, port = await start_server(pki, traitement, scene.clock, guichets, autres=autres)
    try:
        yield Hub(port, pki)
    finally:
        await stop_hub(runner)
        await retraits.stop()
        await traitement.stop()


@pytest_asyncio.fixture
async def reel(scene: Scene, pki: Pki) -> AsyncIterator[Hub]:
    async with serving(scene, pki) as hub:
        yield hub


async def call(hub: Hub, operation: str, fields: str = "", client: str = "G1104") -> Reponse:
    body = envelope(f"<ws:{operation}Parametres>{fields}</ws:{operation}Parametres>")
    kind = f'application/soap+xml; charset=utf-8; action="{WS}{operation}"'
    return await hub.post(body, kind, chemin=CHEMIN, client=client)


def read(answer: Reponse, path: str) -> list[dict[str, str]]:
    """The groups of an answer, as dictionaries."""
    root = etree.fromstring(answer.corps)
    return [{str(child.tag): child.text or "" for child in group} for group in root.iter(path)]


def field(answer: Reponse, name: str) -> str:
    return etree.fromstring(answer.corps).findtext(f".//{name}") or ""


def acquits(*pairs: tuple[str, str]) -> str:
    return "".join(
        f"<acquit><sequence>{sequence}</sequence><empreinte>{empreinte}</empreinte></acquit>"
        for sequence, empreinte in pairs
    )


async def test_read_keep_acknowledge(reel: Hub, scene: Scene) -> None:
    """[DST-23] [DST-25] [DST-27] [DST-31]"""
    listed = await call(reel, "listerDistributions", "<nombreMax>2</nombreMax>")
    assert (listed.statut, field(listed, "derniereSequence"), field(listed, "suite")) == (200, "2", "OUI")
    first, second = read(listed, "distribution")
    contenu = base64.b64decode(first["fichierDemande"])
    assert hashlib.sha256(contenu).hexdigest() == first["empreinte"]
    assert b"<ns1:typeFichier>DIS<" in contenu
    assert (first["sequence"], first["etat"], first["typeFichier"]) == ("1", "EN_ATTENTE", "DIS")
    assert first["numUnique"].encode() in contenu
    assert first["nomFichierDemande"] == "DEMG1104-202607011130-000001.xml"
    done = await call(
        reel,
        "acquitterDistributions",
        acquits(("2", second["empreinte"]), ("1", second["empreinte"]), ("9", first["empreinte"])),
    )
    results = read(done, "resultat")
    assert [(r["sequence"], r["statut"], r.get("code")) for r in results] == [
        ("2", "ACQUITTEE", None),
        ("1", "REFUSE", "DIS205"),
        ("9", "REFUSE", "DIS203"),
    ]
    assert "n'est pas celle de son fichier" in results[1]["motif"]
    scene.clock.advance(timedelta(hours=2))
    again = await call(reel, "acquitterDistributions", acquits(("2", second["empreinte"])))
    assert read(again, "resultat") == [results[0]]
    stands = await call(reel, "situerDistributions")
    assert {name: field(stands, name) for name in ("canal", "enAttente", "enEchec", "derniereAcquittee")} == {
        "canal": "retrait",
        "enAttente": "2",
        "enEchec": "0",
        "derniereAcquittee": "2",
    }
    assert field(stands, "datePremiereEnAttente") == "2026-07-01T11:30:00.000+02:00"


async def test_what_is_given_is_traced(reel: Hub, scene: Scene) -> None:
    """[TRA-1] [TRA-2] [DST-29] With the other readings of these demandes; where one stands is no reading."""
    await call(reel, "situerDistributions")
    listed = await call(reel, "listerDistributions")
    numeros = {each["numUnique"] for each in read(listed, "distribution")}
    with scene.engine.connect() as conn:
        (trace,) = list_traces(conn, guichet="G1104")
    assert (trace.operation, set(trace.numeros)) == ("listerDistributions", numeros)
    assert numeros


async def test_files_are_parts_when_the_request_is_mtom(reel: Hub) -> None:
    """[DST-23] The answer has the form of the request: one part for each file."""
    inner = envelope("<ws:listerDistributionsParametres/>")
    body = (
        b'--LIMITE\r\nContent-Type: application/xop+xml; charset=utf-8; type="application/soap+xml"\r\n'
        b"Content-ID: <racine>\r\n\r\n" + inner + b"\r\n--LIMITE--\r\n"
    )
    answer = await reel.post(body, MTOM.format("listerDistributions"), chemin=CHEMIN)
    assert answer.statut == 200
    boundary = answer.entetes["Content-Type"].partition('boundary="')[2].partition('"')[0]
    parts = split(answer.corps, boundary)
    assert isinstance(parts, tuple)
    root = etree.fromstring(parts[0].contenu)
    announced = [found.text for found in root.iter("empreinte")]
    assert [hashlib.sha256(part.contenu).hexdigest() for part in parts[1:]] == announced
    assert len(announced) == 3


async def test_each_sees_and_acknowledges_its_own(reel: Hub) -> None:
    """[DST-25] [DST-27] The certificate alone says whose; nothing in the message does."""
    (first, *_) = read(await call(reel, "listerDistributions"), "distribution")
    assert read(await call(reel, "listerDistributions", client="G1226"), "distribution") == []
    theirs = await call(reel, "acquitterDistributions", acquits(("1", first["empreinte"])), client="G1226")
    assert [result["code"] for result in read(theirs, "resultat")] == ["DIS203"]


async def test_failed_for_good_is_sent_again_when_asked(reel: Hub, scene: Scene) -> None:
    """[DST-32] One, or all; what is not failed is left as it is."""
    with scene.engine.begin() as conn:
        conn.execute(text("UPDATE distribution SET etat = 'echec' WHERE sequence <= 2"))
    assert field(await call(reel, "rejouerDistributions", "<sequence>3</sequence>"), "nombre") == "0"
    assert field(await call(reel, "rejouerDistributions", "<sequence>1</sequence>"), "nombre") == "1"
    assert field(await call(reel, "rejouerDistributions", client="G1226"), "nombre") == "0"
    assert field(await call(reel, "rejouerDistributions"), "nombre") == "1"
    assert {item.etat for item in scene.distributions("G1104")} == {"en_attente"}


async def test_what_is_refused_is_kept_with_its_code(reel: Hub, engine: Engine) -> None:
    """[DST-23] A fault; the refusals of the corpus are its others."""
    many = acquits(*(("1", "0" * 64) for _ in range(101)))
    answer = await call(reel, "acquitterDistributions", many)
    assert (answer.statut, "ws:DIS207" in answer.texte) == (500, True)
    with engine.connect() as conn:
        kept = get_echange(conn, UUID(answer.entetes["Echange-Id"]))
    assert kept is not None
    assert (kept.operation, kept.statut, kept.code) == ("acquitterDistributions", Statut.REFUSE, "DIS207")


async def test_too_many_at_once_are_told_to_come_back(reel: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """[DST-33]"""
    monkeypatch.setattr(handlers_retrait, "APPELS_MAX", 0)
    assert "SOA091" in (await call(reel, "situerDistributions")).texte


def prove(scene: Scene, pki: Pki, days: int) -> Paire:
    """Make the manifests of that many days; the key that signs them."""
    folder = pki.dossier / "G1226"
    hub = load_paire((folder / "cert.pem").read_bytes(), (folder / "key.pem").read_bytes())
    scene.clock.advance(timedelta(days=days))
    list(produce(scene.engine, lambda: hub, scene.now))
    return hub


async def test_the_manifests_are_given_with_their_chain(reel: Hub, scene: Scene, pki: Pki) -> None:
    """[DST-65] In order, bounded, each its own; what is given is signed and names the one before."""
    hub = prove(scene, pki, 4)
    listed = await call(reel, "listerManifestes", "<nombreMax>3</nombreMax>")
    assert field(listed, "suite") == "OUI"
    given = read(listed, "manifeste")
    assert [(m["jour"], m["nombre"], m.get("derniereSequence")) for m in given] == [
        ("2026-07-01", "3", "3"),
        ("2026-07-02", "0", None),
        ("2026-07-03", "0", None),
    ]
    precedent = ""
    for each in given:
        verified = verify_signature(base64.b64decode(each["fichierManifeste"]))
        assert isinstance(verified, ContenuVerifie)
        assert (verified.signataire, verified.empreinte) == (hub.certificat, each["empreinte"])
        lu = read_manifeste(verified.octets)
        assert isinstance(lu, Manifeste)
        assert (lu.jour.isoformat(), lu.precedent) == (each["jour"], precedent)
        precedent = each["empreinte"]
    suite = await call(reel, "listerManifestes", "<apresJour>2026-07-03</apresJour>")
    assert [m["nomFichierManifeste"] for m in read(suite, "manifeste")] == ["MANG1104-20260704.xml.p7m"]
    assert field(suite, "suite") == "NON"
    assert read(await call(reel, "listerManifestes", client="G1226"), "manifeste") == []


async def test_an_answer_of_manifests_is_bounded_in_bytes(
    reel: Hub, scene: Scene, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[DST-65] One at least."""
    prove(scene, pki, 3)
    monkeypatch.setattr(manifestes, "OCTETS_MAX", 1)
    listed = await call(reel, "listerManifestes")
    assert ([m["jour"] for m in read(listed, "manifeste")], field(listed, "suite")) == (["2026-07-01"], "OUI")


GENRES = {
    TypeGuichet.BAILLEUR: "",
    TypeGuichet.ETAT: "",
    TypeGuichet.AUTRE: "",
    TypeGuichet.COMMUNE: LILLE,
    TypeGuichet.EPCI: "200093201",
}
"""The perimeter of each type of guichet; the portal, which is GDPUB alone, takes what it holds."""


@pytest.mark.parametrize("genre", GENRES)
async def test_every_type_of_guichet_comes_for_what_it_may_read(
    engine: Engine, clock: FixedClock, pki: Pki, genre: TypeGuichet
) -> None:
    """[DST-27] docs/droits.md: any guichet, for what the rights of its type have had distributed to it."""
    scene = Scene(engine, clock)
    auteur = scene.guichet("G1226")
    scene.guichet("G1104", Filtre("Tout"), genre=genre, perimetre=GENRES[genre])
    # Dunkerque is in the same territory, outside the EPCI of Lille.
    scene.register([scene.recue(auteur, [LILLE]), scene.recue(auteur, ["59183"])])
    async with serving(scene, pki) as hub:
        found = read(await call(hub, "listerDistributions"), "distribution")
    assert len(found) == (1 if GENRES[genre] else 2)


async def test_what_a_guichet_has_is_compared(reel: Hub) -> None:
    """[DST-70] Its own only; nothing changes by it."""
    first, second, _ = read(await call(reel, "listerDistributions"), "distribution")
    tranches = (
        f"<tranche><premiere>1</premiere><derniere>2</derniere>"
        f"<empreintes>{first['empreinte']}\n {'0' * 64}</empreintes></tranche>"
        "<tranche><premiere>9</premiere><derniere>9</derniere></tranche>"
    )
    found = await call(reel, "rapprocherDistributions", tranches)
    assert read(found, "manquante") == [{"premiere": "3", "derniere": "3", "etat": "EN_ATTENTE"}]
    assert read(found, "enTrop") == [{"premiere": "9", "derniere": "9"}]
    assert read(found, "differente") == [{"sequence": "2"}]
    assert {name: field(found, name) for name in ("derniereSequence", "jusqua", "suite")} == {
        "derniereSequence": "3",
        "jusqua": "3",
        "suite": "NON",
    }
    assert second["empreinte"] not in found.texte
    theirs = await call(reel, "rapprocherDistributions", tranches, client="G1226")
    assert [len(read(theirs, each)) for each in ("manquante", "enTrop", "differente")] == [0, 2, 0]
    assert len(read(await call(reel, "listerDistributions"), "distribution")) == 3


async def test_a_comparison_that_is_refused_is_a_fault(reel: Hub) -> None:
    """[DST-72]"""
    many = "".join(f"<tranche><premiere>{n}</premiere><derniere>{n}</derniere></tranche>" for n in range(201))
    answer = await call(reel, "rapprocherDistributions", many)
    assert (answer.statut, "ws:DIS208" in answer.texte) == (500, True)
