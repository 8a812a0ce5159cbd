"""Every bad input has its own answer: stable code, HTTP status, French text, correlation identifier, and
nothing of our internals. Over a real TLS socket."""

from __future__ import annotations

import asyncio
import re
import uuid
from pathlib import Path

import pytest
from lxml import etree

from registry.anomalies import CATALOGUE
from registry.anomalies_document import DOCUMENT_DEFENDU, DOCUMENT_INVALIDE
from registry.batching import Saturation
from registry.clock import FixedClock
from registry.echanges import Refus
from soap.faults import NS_FAUTE
from tests.soap.conftest import CHEMIN, FauxTraitement, Hub, Pki, Reponse, start_hub, stop_hub
from tests.soap.messages import (
    CLAIR,
    MTOM,
    PIECE,
    RACINE,
    SOAP,
    WS,
    envelope,
    inline_num_unique,
    mtom_num_unique,
    multipart,
    xop_num_unique,
)

NS = {"s": SOAP, "ws": WS, "f": NS_FAUTE}


def check_fault(answer: Reponse, code: str, soap_code: str = "Sender") -> etree._Element:
    """Assert a well-made fault that says `code`; return it."""
    assert answer.statut == 500
    assert answer.entetes["Content-Type"].startswith("application/soap+xml")
    (fault,) = etree.fromstring(answer.corps).findall("s:Body/s:Fault", NS)
    assert fault.findtext("s:Code/s:Value", None, NS) == f"soap:{soap_code}"
    prefix, _, subcode = (fault.findtext("s:Code/s:Subcode/s:Value", "", NS)).partition(":")
    assert fault.nsmap[prefix] == WS, "the subcode is qualified by a declared prefix"
    assert subcode == code
    text = fault.find("s:Reason/s:Text", NS)
    assert text is not None
    assert text.get("{http://www.w3.org/XML/1998/namespace}lang") == "fr"
    correlation = answer.entetes["Echange-Id"]
    assert uuid.UUID(correlation).version == 7
    message = fault.findtext("s:Detail/ws:demandeLogementException/message", "", NS)
    assert correlation in message
    assert f"[{code}]" in message
    detail = fault.find("s:Detail/f:anomalie", NS)
    assert detail is not None
    assert (detail.get("code"), detail.get("echange")) == (code, correlation)
    assert detail.findtext("f:conduite", "", NS) == CATALOGUE.types[code].conduite
    check_discretion(answer)
    return fault


def check_discretion(answer: Reponse) -> None:
    assert answer.entetes["Server"] == "echangeur"
    assert not re.search(
        r"Traceback|\.py|lxml|spyne|aiohttp|libxml|site-packages|psycopg|File \"", answer.texte
    )


TABLE = [
    ("content type of SOAP 1.1", inline_num_unique(), "text/xml", "SOA007", "Sender"),
    ("no content type", inline_num_unique(), None, "SOA007", "Sender"),
    ("malformed multipart", b"n'importe quoi", MTOM, "SOA010", "Sender"),
    ("truncated multipart", mtom_num_unique()[:-20], MTOM, "SOA010", "Sender"),
    ("no root part", multipart([(PIECE, b"")]), MTOM, "SOA011", "Sender"),
    ("missing part", multipart([(RACINE, xop_num_unique())]), MTOM, "SOA012", "Sender"),
    ("unknown cid", mtom_num_unique(href="cid:autre"), MTOM, "SOA013", "Sender"),
    ("twice the same cid", multipart([(RACINE, b""), (PIECE, b""), (PIECE, b"")]), MTOM, "SOA014", "Sender"),
    ("reference elsewhere", mtom_num_unique(href="http://x/"), MTOM, "SOA015", "Sender"),
    (
        "unknown encoding",
        multipart([(RACINE, xop_num_unique()), (PIECE.replace("7bit", "x"), b"")]),
        MTOM,
        "SOA016",
        "Sender",
    ),
    ("bad base64", inline_num_unique().replace(b"</fich", b"*</fich"), CLAIR, "SOA017", "Sender"),
    ("empty body", b"", CLAIR, "SOA020", "Sender"),
    ("malformed XML", inline_num_unique()[:-3], CLAIR, "SOA020", "Sender"),
    (
        "entity bomb",
        b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + inline_num_unique(),
        CLAIR,
        "SOA021",
        "Sender",
    ),
    ("too deep", envelope("<a>" * 50 + "</a>" * 50), CLAIR, "SOA022", "Sender"),
    (
        "SOAP 1.1",
        inline_num_unique().replace(SOAP.encode(), b"http://schemas.xmlsoap.org/soap/envelope/"),
        CLAIR,
        "SOA023",
        "VersionMismatch",
    ),
    (
        "header not understood",
        envelope("<ws:x/>", '<s:Header><ws:h s:mustUnderstand="1"/></s:Header>'),
        CLAIR,
        "SOA024",
        "MustUnderstand",
    ),
    ("empty soap:Body", envelope(""), CLAIR, "SOA025", "Sender"),
    (
        "schema-invalid",
        inline_num_unique().replace(b"nomCertificat", b"nomCertif"),
        CLAIR,
        "SOA026",
        "Sender",
    ),
    (
        "unknown operation",
        inline_num_unique(),
        CLAIR.replace("getNumUnique", "getTout"),
        "SOA030",
        "Sender",
    ),
    ("unknown wrapper", envelope("<ws:inconnu/>"), "application/soap+xml", "SOA030", "Sender"),
    (
        "action and wrapper disagree",
        inline_num_unique(),
        CLAIR.replace("getNumUnique", "getDoublons"),
        "SOA032",
        "Sender",
    ),
    (
        "operation not served yet",
        envelope(
            "<ws:nouveauxDaloDepuisLeParametres><dateNouveauDaloDepuisLe>2017-08-31T15:30:00.0+02:00"
            "</dateNouveauDaloDepuisLe><nomCertificat/><certificat/></ws:nouveauxDaloDepuisLeParametres>"
        ),
        "application/soap+xml",
        "SOA033",
        "Receiver",
    ),
    (
        "unusable certificate for the answer",
        inline_num_unique().replace(b"<certificat/>", b"<certificat>w6k=</certificat>"),
        CLAIR,
        "SOA040",
        "Sender",
    ),
]


@pytest.mark.parametrize(
    ("body", "content_type", "code", "soap_code"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
async def test_bad_message(
    hub: Hub, body: bytes, content_type: str | None, code: str, soap_code: str
) -> None:
    """[SOA-30] [SOA-32] What can be said of the message itself: kept raw first, refused with its code, the
    refusal kept too."""
    answer = await hub.post(body, content_type)
    check_fault(answer, code, soap_code)
    assert hub.traitement.suite == ["receive", "refuse"], "raw bytes are kept before anything is read"
    (received,) = hub.traitement.echanges
    assert received.octets == body
    assert str(received.id) == answer.entetes["Echange-Id"]
    ((_, (anomalie, *_)),) = hub.traitement.refus
    assert anomalie.code == code


async def test_ambiguous_operation(hub: Hub) -> None:
    """[SOA-11] The seven operations with one wrapper need an action (interface/services)."""
    body = envelope(
        "<ws:fichierXmlParametres><nomFichier/><fichierXml/><nomCertificat/></ws:fichierXmlParametres>"
    )
    chemin = "/services/GestionPartageeEVTImplService"
    check_fault(await hub.post(body, "application/soap+xml", chemin=chemin), "SOA031")
    served = await hub.post(body, 'application/soap+xml; action="ajouterEvenementDemande"', chemin=chemin)
    assert "ajouterEvenementDemande" in served.texte
    check_fault(served, "SOA033", "Receiver")


async def test_no_certificate(hub: Hub) -> None:
    """[SOA-1]"""
    check_fault(await hub.post(mtom_num_unique(), MTOM, client=None), "SOA001")
    assert hub.traitement.suite == [], "nothing is kept of who did not say who he is"


async def test_unknown_certificate(hub: Hub) -> None:
    """[SOA-2]"""
    check_fault(await hub.post(mtom_num_unique(), MTOM, client="INCON"), "GUI001")
    assert hub.traitement.suite == []


async def test_the_certificate_names_the_guichet(hub: Hub) -> None:
    """[SOA-2] What the document says of the guichet is for the handlers to judge (« certificate of another
    guichet », tests/soap/test_bout_en_bout.py): they get the one that the certificate names."""
    assert (await hub.post(mtom_num_unique(), MTOM, client="G1226")).statut == 200
    assert {echange.emetteur.guichet.code for echange in hub.traitement.echanges} == {"G1226"}


@pytest.mark.parametrize("chemin", ["/", "/services", "/services/Autre", CHEMIN + "/x", "/..%2f", "//"])
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_wrong_path(hub: Hub, method: str, chemin: str) -> None:
    """[SOA-4]"""
    answer = await hub.send(method, chemin, b"x" if method == "POST" else None)
    assert answer.statut == 404
    assert answer.texte.startswith("SOA002 : Aucun service")
    assert answer.entetes["Echange-Id"] in answer.texte
    check_discretion(answer)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "GET"])
async def test_wrong_method(hub: Hub, method: str) -> None:
    answer = await hub.send(method, CHEMIN)
    assert answer.statut == 405
    assert answer.entetes["Allow"] == "GET, HEAD, POST"
    assert answer.texte.startswith(f"SOA003 : La méthode HTTP {method}")
    check_discretion(answer)


async def test_no_length(hub: Hub) -> None:
    check_fault(await hub.post(mtom_num_unique(), MTOM, chunked=True), "SOA004")


async def test_oversize_is_refused_on_its_announced_length(hub: Hub) -> None:
    check_fault(await hub.post(b"x" * (65 << 10), MTOM), "SOA005")
    assert hub.traitement.suite == []


async def test_compressed(hub: Hub) -> None:
    answer = await hub.post(mtom_num_unique(), MTOM, headers={"Content-Encoding": "deflate"})
    check_fault(answer, "SOA008")


async def test_body_that_does_not_come(hub: Hub) -> None:
    """A declared body that never arrives is bounded in time, and answered."""
    reader, writer = await asyncio.open_connection("localhost", hub.port, ssl=hub.pki.client("G1104"))
    writer.write(f"POST {CHEMIN} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    assert length is not None
    body = await reader.readexactly(int(length[1]))
    assert b"SOA006" in body
    assert hub.traitement.suite == []
    writer.close()


async def test_invalid_document_is_refused_by_a_fault(hub: Hub) -> None:
    """[SOA-21] A file that no document can answer for: the anomalies of the handlers become one fault."""
    hub.traitement.reponse = Refus((DOCUMENT_INVALIDE("« x » & <y>"), DOCUMENT_DEFENDU("z")))
    answer = await hub.post(mtom_num_unique(), MTOM)
    fault = check_fault(answer, "XML105")
    codes = [each.get("code") for each in fault.findall("s:Detail/f:anomalie", NS)]
    assert codes == ["XML105", "XML102"]
    assert hub.traitement.suite == ["receive", "get_num_unique"], "the handlers keep their own outcomes"


async def test_what_should_not_happen_leaks_nothing(hub: Hub) -> None:
    """[SOA-31] interface/wire §4: partners search for this very sentence; nothing of the cause is told."""
    hub.traitement.reponse = RuntimeError("le secret de Mme DUPONT")
    answer = await hub.post(mtom_num_unique(), MTOM)
    check_fault(answer, "SOA090", "Receiver")
    assert "Une erreur inattendue est survenue lors du traitement de la demande." in answer.texte
    assert "DUPONT" not in answer.texte


async def test_unexpected_errors_are_logged_without_what_they_say(
    hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    """The text of an exception may quote a demande: only its type and its place are logged."""
    hub.traitement.reponse = RuntimeError("le secret de Mme DUPONT")
    answer = await hub.post(mtom_num_unique(), MTOM)
    logged = "".join(capsys.readouterr())
    assert answer.entetes["Echange-Id"] in logged
    assert "RuntimeError" in logged
    assert "DUPONT" not in logged


async def test_saturation_says_to_come_back(hub: Hub) -> None:
    """[SOA-31]"""
    hub.traitement.reponse = Saturation("plein")
    fault = check_fault(await hub.post(mtom_num_unique(), MTOM), "SOA091", "Receiver")
    detail = fault.find("s:Detail/f:anomalie", NS)
    assert detail is not None
    assert detail.get("rejouable") == "true"


async def test_what_cannot_be_xml_is_not_echoed(hub: Hub) -> None:
    """The fault stays well-formed whatever it quotes."""
    kind = 'multipart/related; boundary="\u00ff"; type="<&>\u0001"'
    body = multipart([(RACINE.replace("racine", "a\x01\x0b&<"), b""), (PIECE, b"")])
    answer = await hub.post(body, 'multipart/related; start="\u00ffabsent&<"; boundary=B')
    check_fault(answer, "SOA011")
    check_fault(await hub.post(body, kind.replace("\u0001", "")), "SOA007")


async def test_large_bodies_are_read_in_a_thread(pki: Pki, clock: FixedClock) -> None:
    """A document of 3 MB goes through, MTOM or inline, whatever libxml2 thinks of long text nodes."""
    runner, hub = await start_hub(pki, FauxTraitement(), clock)
    try:
        document = b"<a>" + b"x" * (3 << 20) + b"</a>"
        assert (await hub.post(mtom_num_unique(document), MTOM)).statut == 200
        assert (await hub.post(inline_num_unique(document), CLAIR)).statut == 200
        assert hub.traitement.fichiers == [document, document]
        bad = inline_num_unique(document).replace(b"</fich", b"*</fich")
        check_fault(await hub.post(bad, CLAIR), "SOA017")
    finally:
        await stop_hub(runner)


def test_every_code_of_the_edge_is_tested_and_documented() -> None:
    """A new entry of the catalogue needs its test in this folder and its row in docs/entrees-refusees.md."""
    source = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    page = (Path(__file__).parents[2] / "docs" / "entrees-refusees.md").read_text(encoding="utf-8")
    edge = [code for code in CATALOGUE.types if code.startswith("SOA")]
    assert [code for code in edge if code not in source] == []
    assert [code for code in edge if page.count(code) != 1] == []
