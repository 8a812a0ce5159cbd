"""The edge on the real handlers and the real database: what a partner gets for its document, by the poorest
client there is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import Engine, select

from conformance.client_reference import ClientReference, Lecture, num_unique_request
from registry.clock import FixedClock
from registry.exchanges_store import Statut
from registry.handlers import Traitement
from registry.tables import ECHANGE
from tests.registry.fabrique import AUTRE_BAILLEUR, BAILLEUR, DecideurTemoin, generate, horloge
from tests.soap.conftest import Hub, Pki, start_server, stop_hub
from tests.soap.messages import CLAIR, inline_num_unique

NOM = "DEMG1226-201708311530-000000.xml"
"""interface/wire §3: the reference client always sends this name; nothing is made of it."""


@pytest.fixture
def clock() -> FixedClock:
    return horloge()


@pytest_asyncio.fixture
async def reel(engine: Engine, clock: FixedClock, pki: Pki) -> AsyncIterator[Hub]:
    traitement = Traitement(engine, clock, DecideurTemoin())
    await traitement.start()
    runner, port = await start_server(pki, traitement, clock, [BAILLEUR, AUTRE_BAILLEUR])
    yield Hub(port, pki)
    await stop_hub(runner)
    await traitement.stop()


def ascii_of(document: bytes) -> bytes:
    """As the reference client writes it: accents as decimal references, CRLF, no XML declaration."""
    text = re.sub(r"^\ufeff?<\?xml[^>]*\?>\s*", "", document.decode("utf-8"))
    return text.encode("ascii", "xmlcharrefreplace")


def client(hub: Hub, code: str = "G1104") -> ClientReference:
    return ClientReference(hub.adresse, hub.pki.client(code), nom_certificat="CERG1226-201708311530.pem")


async def register(hub: Hub, document: bytes, code: str = "G1104") -> Lecture:
    return await asyncio.to_thread(client(hub, code).num_unique, NOM, ascii_of(document))


async def test_register_read_and_search(reel: Hub) -> None:
    """[ENR-30] [SOA-15] The three operations in a row: a number, the demande by it, the doublons of a
    second guichet."""
    document = generate(1)
    first = await register(reel, document)
    assert not first.anomalies, first.anomalies
    number = first.find("demande/demandeLogement/numUnique")
    assert re.fullmatch(r"111\d{4}\d{6}G1104", number)
    read = await asyncio.to_thread(client(reel).demande_logement, number)
    assert read.find("demande/demandeLogement/numUnique") == number
    assert read.find("entete/typeFichier") == "RET"
    found = await asyncio.to_thread(
        client(reel, "G1226").doublons, NOM, ascii_of(generate(1, AUTRE_BAILLEUR))
    )
    assert number in found.document


async def test_the_same_message_again_gets_the_same_answer(reel: Hub) -> None:
    """Replay: byte for byte the first document."""
    document = generate(2)
    assert (await register(reel, document)).document == (await register(reel, document)).document


async def test_certificate_of_another_guichet(reel: Hub) -> None:
    """[ENR-4] A well-made demande of G1104 sent with the certificate of G1226: a functional anomaly."""
    read = await register(reel, generate(3), "G1226")
    assert [code for code, _ in read.anomalies] == ["GUI101"]


async def test_unknown_code(reel: Hub) -> None:
    """[ENR-6]"""
    document = re.sub(rb'(typeLogement\b[^>]*code=")[^"]*', rb"\g<1>ZZ", generate(4), count=1)
    read = await register(reel, document)
    assert "COD101" in [code for code, _ in read.anomalies]


BOMBE = b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><a>&b;</a>'
INVALIDE = (
    b'<n:interfaceNuu xmlns:n="http://nuu.application.i2/" versionInterface="02.01">'
    b"<n:entete/><n:demande/></n:interfaceNuu>"
)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "XML101"),
        (b"<a", "XML101"),
        (BOMBE, "XML102"),
        (b"<a>" + b"x" * (1 << 20) + b"</a>", "XML103"),
        (b"<autre/>", "XML104"),
        (INVALIDE, "XML105"),
    ],
    ids=["empty", "malformed", "entity bomb", "oversize", "another document", "schema-invalid"],
)
async def test_file_that_is_no_demande(reel: Hub, engine: Engine, document: bytes, code: str) -> None:
    """[SOA-21] What no document can answer for is a fault, and the outcome of the exchange is kept."""
    answer = await reel.post(inline_num_unique(document), CLAIR)
    assert answer.statut == 500
    assert f"ws:{code}" in answer.texte
    with engine.connect() as conn:
        (kept,) = conn.execute(select(ECHANGE)).all()
    assert str(kept.id) == answer.entetes["Echange-Id"]
    assert (kept.statut, kept.code) == (Statut.REFUSE, code)


async def test_raw_bytes_of_what_cannot_be_read_are_kept(reel: Hub, engine: Engine) -> None:
    """[SOA-32] design, decision 8: kept before anything is parsed."""
    body = num_unique_request(NOM, b"<a/>", "")[:-30]
    answer = await reel.post(body, 'multipart/related; type="application/xop+xml"; boundary=MIME_BOUNDARY')
    assert "SOA010" in answer.texte
    with engine.connect() as conn:
        (kept,) = conn.execute(select(ECHANGE)).all()
    assert (str(kept.id), kept.taille) == (answer.entetes["Echange-Id"], len(body))


async def test_unknown_number_is_a_fault(reel: Hub) -> None:
    """[ENR-32] getDemandeLogement has no document to carry the anomaly."""
    read = await asyncio.to_thread(client(reel).demande_logement, "1110318016982G1104")
    assert "GUI103" in read.erreur


async def test_sixteen_clients_at_once(reel: Hub) -> None:
    """Concurrent registrations through the socket: as many numbers as demandes."""
    documents = [generate(f"seize-{rank}") for rank in range(48)]
    clients = asyncio.Semaphore(16)

    async def one(document: bytes) -> str:
        async with clients:
            return (await register(reel, document)).find("demande/demandeLogement/numUnique")

    numbers = await asyncio.gather(*(one(document) for document in documents))
    assert len(set(numbers)) == len(documents)
    assert all(numbers)
