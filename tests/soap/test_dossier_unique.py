"""The dossier unique through the socket, mutual TLS and the real database: MTOM streamed, and zeep."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
import requests
import zeep
from lxml import etree
from sqlalchemy import Engine, func, select

from registry import handlers_pieces
from registry.clock import FixedClock
from registry.exchanges_store import Statut, get_echange, list_echanges, read_octets
from registry.handlers import Traitement
from registry.handlers_pieces import DossierUnique
from registry.registration import Enregistrement
from registry.tables_pieces import PIECE_BLOC
from soap import flux
from soap.mime import split
from soap.operations_pieces import operations_pieces
from soap.server import create_app, create_runner
from tests.registry.documents_pieces import jpeg, pdf, png
from tests.registry.fabrique import (
    AUTRE_BAILLEUR,
    BAILLEUR,
    DecideurTemoin,
    generate,
    horloge,
    recue_of,
    register_all,
)
from tests.soap.conftest import FauxIdentites, Hub, Pki, Reponse, stop_hub
from tests.soap.messages import INCLUDE, WS, envelope

CHEMIN = "/services/DossierUniqueImplService"
MTOM = (
    'multipart/related; type="application/xop+xml"; start="<racine>"; start-info="application/soap+xml"; '
    f'boundary="LIMITE"; action="{WS}{{}}"'
)


@pytest.fixture
def clock() -> FixedClock:
    return horloge()


@pytest.fixture
def numero(engine: Engine) -> str:
    (resultat,) = register_all(engine, [recue_of(generate(1))])
    assert isinstance(resultat, Enregistrement)
    return resultat.numero


@pytest_asyncio.fixture
async def reel(engine: Engine, clock: FixedClock, pki: Pki) -> AsyncIterator[Hub]:
    from registry.echanges import Emetteur

    traitement, dossier = Traitement(engine, clock, DecideurTemoin()), DossierUnique(engine, clock)
    await traitement.start()
    await dossier.start()
    identites = FauxIdentites(
        {
            pki.empreinte(each.code): Emetteur(each, pki.empreinte(each.code))
            for each in (BAILLEUR, AUTRE_BAILLEUR)
        }
    )
    app = create_app(traitement, identites, clock, autres=operations_pieces(dossier))
    runner = create_runner(app)
    await runner.setup()
    from aiohttp import web

    await web.TCPSite(runner, "localhost", 0, ssl_context=pki.serveur()).start()
    yield Hub(runner.addresses[0][1], pki)
    await stop_hub(runner)
    await dossier.stop()
    await traitement.stop()


def mtom(root: bytes, piece: bytes | None = None) -> bytes:
    body = b'--LIMITE\r\nContent-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\n'
    body += b"Content-ID: <racine>\r\n\r\n" + root
    if piece is not None:
        body += b"\r\n--LIMITE\r\nContent-Type: application/octet-stream\r\nContent-ID: <piece>\r\n"
        body += b"Content-Transfer-Encoding: binary\r\n\r\n" + piece
    return body + b"\r\n--LIMITE--\r\n"


def depot_of(numero: str, categorie: str = "FIS01") -> bytes:
    return envelope(
        f'<ws:deposerPieceParametres><numUnique>{numero}</numUnique><categorie code="{categorie}"/>'
        f"<nomFichier>avis.pdf</nomFichier><fichierPiece>{INCLUDE.format('piece')}</fichierPiece>"
        "<utilisateur>a.martin</utilisateur></ws:deposerPieceParametres>"
    )


def lecture_of(numero: str, piece: str) -> bytes:
    return envelope(
        f"<ws:consulterPieceParametres><numUnique>{numero}</numUnique><idPiece>{piece}</idPiece>"
        "<utilisateur>a.martin</utilisateur></ws:consulterPieceParametres>"
    )


async def put(hub: Hub, numero: str, piece: bytes, client: str = "G1104") -> Reponse:
    return await hub.post(
        mtom(depot_of(numero), piece), MTOM.format("deposerPiece"), chemin=CHEMIN, client=client
    )


def field(answer: Reponse, name: str) -> str:
    return answer.texte.partition(f"<{name}>")[2].partition(f"</{name}>")[0]


async def test_twenty_megabytes_go_in_and_out_byte_for_byte(reel: Hub, engine: Engine, numero: str) -> None:
    """[PIE-2] [PIE-30] [PIE-31] [PIE-33] Streamed both ways; what is kept of the message is small."""
    piece = pdf(poids=20_000_000)
    stored = await put(reel, numero, piece)
    assert stored.statut == 200, stored.texte
    assert field(stored, "empreinte") == hashlib.sha256(piece).hexdigest()
    assert (field(stored, "typeContenu"), field(stored, "taille")) == ("application/pdf", str(len(piece)))
    with engine.connect() as conn:
        (kept,) = [e for e in list_echanges(conn) if e.operation == "deposerPiece"]
        octets = read_octets(conn, kept.id)
    assert (kept.statut, kept.numero) == (Statut.ACCEPTE, numero)
    assert octets is not None
    assert len(octets) < 2000
    assert b"sha256:" + hashlib.sha256(piece).hexdigest().encode() in octets
    read = await reel.post(
        mtom(lecture_of(numero, field(stored, "idPiece"))),
        MTOM.format("consulterPiece"),
        chemin=CHEMIN,
        client="G1226",
    )
    assert read.statut == 200
    assert int(read.entetes["Content-Length"]) == len(read.corps)
    boundary = read.entetes["Content-Type"].partition('boundary="')[2].partition('"')[0]
    parts = split(read.corps, boundary)
    assert isinstance(parts, tuple)
    assert parts[1].contenu == piece
    assert (parts[1].type.valeur, parts[1].encodage) == ("application/pdf", "binary")


@pytest.mark.parametrize(
    ("piece", "code"),
    [
        (pdf(b"<</S/JavaScript/JS(1)>>", poids=400_000), "PIE224"),
        (b"MZ" + bytes(500_000), "PIE223"),
        (pdf(poids=20 << 20), "PIE220"),
        (bytes(31 << 20), "SOA005"),
    ],
    ids=["script", "program", "too large", "far too large"],
)
async def test_what_is_refused_leaves_nothing(
    reel: Hub, engine: Engine, numero: str, piece: bytes, code: str
) -> None:
    """[PIE-12] [PIE-21] [PIE-32]"""
    try:
        answer = await put(reel, numero, piece)
    except OSError:
        # The hub had answered and closed before the whole was sent.
        assert code in ("PIE220", "SOA005")
        return
    assert (answer.statut, f"ws:{code}" in answer.texte) == (500, True), answer.texte
    with engine.connect() as conn:
        assert conn.scalar(select(func.count()).select_from(PIECE_BLOC)) == 0


async def test_a_truncated_body_is_a_fault(reel: Hub, numero: str) -> None:
    """[PIE-32]"""
    body = mtom(depot_of(numero), png())[:-12]
    answer = await reel.post(body, MTOM.format("deposerPiece"), chemin=CHEMIN)
    assert "SOA010" in answer.texte


async def test_too_many_at_once_are_told_to_come_back(
    reel: Hub, numero: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[PIE-33] Bounded reading, bounded writing: temporary files cannot fill the disk."""
    monkeypatch.setattr(flux, "SIMULTANES", 0)
    assert "SOA091" in (await put(reel, numero, png())).texte
    monkeypatch.setattr(flux, "SIMULTANES", 1)
    monkeypatch.setattr(handlers_pieces, "DEPOTS_MAX", 0)
    assert "SOA091" in (await put(reel, numero, png())).texte


def zeep_talk(hub: Hub, code: str, talk: Callable[[zeep.proxy.ServiceProxy], object]) -> object:
    session = requests.Session()
    session.trust_env = False
    folder = hub.pki.dossier / code
    session.cert = (str(folder / "cert.pem"), str(folder / "key.pem"))
    session.verify = str(folder / "ca.pem")
    client = zeep.Client(f"{hub.adresse}{CHEMIN}?wsdl", transport=zeep.Transport(session=session))
    try:
        return talk(client.service)
    finally:
        session.close()


async def test_zeep_from_the_published_wsdl_alone(reel: Hub, engine: Engine, numero: str) -> None:
    """[PIE-1] [PIE-2] The six operations, knowing the address of the WSDL only; contents inline in base64."""
    octets = jpeg(balayage=b"\x12" * 600_000)
    who = {"numUnique": numero, "utilisateur": "a.martin"}

    def talk(service: zeep.proxy.ServiceProxy) -> None:
        stored = service.deposerPiece(
            categorie={"code": "IDE01"},
            nomFichier="carte.jpg",
            fichierPiece=octets,
            empreinte=hashlib.sha256(octets).hexdigest(),
            **who,
        )
        piece = stored["idPiece"]
        assert stored["typeContenu"] == "image/jpeg"
        listed = service.listerPieces(**who)
        root = etree.fromstring(listed["listePieces"]["_value_1"])
        assert root.findtext(".//{*}idPiece") == piece
        read = service.consulterPiece(idPiece=piece, **who)
        assert read["fichierPiece"]["_value_1"] == octets
        assert read["fichierPiece"]["contentType"] == "image/jpeg"
        assert service.marquerPiece(idPiece=piece, marque={"code": "OBSOL"}, **who)["idPiece"] == piece
        assert service.supprimerPiece(idPiece=piece, motif="remplacée", **who)["idPiece"] == piece
        history = service.historiquePieces(**who)
        natures = etree.fromstring(history["historiquePieces"]["_value_1"]).iterfind(".//{*}nature")
        assert [nature.text for nature in natures] == [
            "DEPOT",
            "LISTE",
            "CONSULTATION",
            "MARQUE",
            "SUPPRESSION",
            "HISTORIQUE",
        ]

    await asyncio.to_thread(zeep_talk, reel, "G1104", talk)


async def test_a_refusal_is_a_fault_that_says_whose_turn_it_is(
    reel: Hub, engine: Engine, numero: str
) -> None:
    """[PIE-1] No document of this service carries anomalies: they leave by a fault, and are kept."""
    await put(reel, numero, png())
    answer = await put(reel, numero, png(), client="G1226")
    assert (answer.statut, "ws:PIE207" in answer.texte, 'tour="partenaire"' in answer.texte) == (
        500,
        True,
        True,
    )
    with engine.connect() as conn:
        from uuid import UUID

        kept = get_echange(conn, UUID(answer.entetes["Echange-Id"]))
    assert kept is not None
    assert (kept.statut, kept.code) == (Statut.REFUSE, "PIE207")
