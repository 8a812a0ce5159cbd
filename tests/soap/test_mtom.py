"""MTOM in and out: the tolerances of interface/wire §2, and one code for each way to get it wrong."""

from __future__ import annotations

import email

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from registry.anomalies import Anomalie
from soap.mtom import MessageRecu, PieceEmise, announced_action, open_message, take_file, write_message
from tests.soap.messages import CLAIR, MTOM, PIECE, RACINE, WS, XOP, mtom_num_unique, multipart


def opened(content_type: str, body: bytes, soap_action: str = "") -> MessageRecu:
    message = open_message(content_type, soap_action, body)
    assert not isinstance(message, Anomalie), message.message
    return message


def refused(content_type: str, body: bytes) -> str:
    message = open_message(content_type, "", body)
    assert isinstance(message, Anomalie)
    return message.code


@pytest.mark.parametrize("start", ['start="<racine>"; ', "start=racine; ", ""])
def test_start_with_brackets_without_or_absent(start: str) -> None:
    """[SOA-13]"""
    kind = f'multipart/related; type="application/xop+xml"; {start}boundary=B'
    assert opened(kind, mtom_num_unique()).racine.startswith(b"<s:Envelope")


def test_parts_in_any_order() -> None:
    """[SOA-13]"""
    body = multipart([(PIECE, b"<d/>"), (RACINE, b"<e/>")])
    message = opened(MTOM, body)
    assert message.racine == b"<e/>"
    assert list(message.parties) == ["xml_id"]


@pytest.mark.parametrize(
    ("content_type", "racine", "soap_action"),
    [
        (MTOM + f'; action="{WS}getDoublons"', RACINE, ""),
        (MTOM, RACINE.replace("soap+xml", "soap+xml").replace("\n", '; action="getDoublons"\n', 1), ""),
        (MTOM + '; start-info="application/soap+xml; action=\\"getDoublons\\""', RACINE, ""),
        (MTOM, RACINE.replace('soap+xml"', 'soap+xml; action=\\"getDoublons\\""', 1), ""),
        (MTOM, RACINE, '"getDoublons"'),
    ],
    ids=["outer", "root part", "start-info", "type of root part", "SOAPAction"],
)
def test_where_the_action_may_be(content_type: str, racine: str, soap_action: str) -> None:
    """[SOA-11]"""
    message = opened(content_type, multipart([(racine, b"<e/>")]), soap_action)
    assert message.actions[0].removeprefix(WS) == "getDoublons"


def test_outer_action_wins() -> None:
    racine = RACINE.replace("\n", '; action="getNumUnique"\n', 1)
    assert opened(MTOM + "; action=un", multipart([(racine, b"")]), "deux").actions[0] == "un"
    assert announced_action(MTOM + "; action=un", '"deux"') == "un"
    assert announced_action(MTOM, '"deux"') == "deux"
    # As JAX-WS does, and nowhere else.
    assert announced_action(MTOM + '; start-info="application/soap+xml;action=\\"trois\\""', "") == "trois"


def test_plain_soap() -> None:
    message = opened(CLAIR, b"<e/>")
    assert (message.mtom, message.charset, message.actions) == (False, "utf-8", (f"{WS}getNumUnique",))


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("text/xml; charset=utf-8", b"", "SOA007"),
        ("", b"", "SOA007"),
        ("application/json", b"", "SOA007"),
        ('multipart/form-data; boundary="B"', b"", "SOA007"),
        ('multipart/related; type="text/xml"; boundary="B"', b"", "SOA007"),
        (MTOM, multipart([(RACINE.replace("application/xop+xml", "text/xml"), b"")]), "SOA007"),
        (MTOM, b"rien", "SOA010"),
        (MTOM, mtom_num_unique()[:-3], "SOA010"),
        (MTOM, multipart([(PIECE, b"")]), "SOA011"),
        (MTOM, multipart([(RACINE, b""), (PIECE, b""), (PIECE, b"")]), "SOA014"),
        (MTOM, multipart([(RACINE, b""), (RACINE, b"")]), "SOA014"),
        (MTOM, multipart([(RACINE.replace("8bit", "x-rot13"), b"")]), "SOA016"),
    ],
)
def test_each_bad_message_has_its_code(content_type: str, body: bytes, code: str) -> None:
    assert refused(content_type, body) == code


def include(inside: str, parties: dict[str, str] | None = None) -> bytes | Anomalie:
    """What `take_file` gives for an element that holds `inside`."""
    element = etree.fromstring(f'<fichier xmlns:xop="{XOP}">{inside}</fichier>')
    parts = [(RACINE, b"")] + [
        (PIECE.replace("xml_id", name).replace("7bit", encoding), b"w6k=")
        for name, encoding in (parties or {}).items()
    ]
    found = take_file(element, opened(MTOM, multipart(parts)).parties)
    if isinstance(found, bytes):
        assert len(element) == 0
        assert not element.text, "the bytes are out of the tree"
    return found


@pytest.mark.parametrize(
    ("identifiant", "href"),
    [
        ("xml_id", "cid:xml_id"),
        ("a@b", "cid:a@b"),
        ("a@b", "cid:a%40b"),
        ("a@b", "CID:a%40b"),
        ("a%40b", "cid:a%40b"),
        ("http://x/1", "cid:http%3A%2F%2Fx%2F1"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "\r\n  {}\n"])
def test_any_syntax_of_cid_and_white_space_around(identifiant: str, href: str, around: str) -> None:
    """[SOA-13]"""
    inside = around.format(f'<xop:Include href="{href}"/>')
    assert include(inside, {identifiant: "base64"}) == "é".encode()


@pytest.mark.parametrize(
    ("inside", "parties", "code"),
    [
        ('<xop:Include href="cid:absent"/>', {}, "SOA012"),
        ('<xop:Include href="cid:absent"/>', {"xml_id": "7bit"}, "SOA013"),
        ('<xop:Include href="http://ailleurs/x"/>', {}, "SOA015"),
        ('<xop:Include href="file:///etc/passwd"/>', {}, "SOA015"),
        ('<xop:Include href="cid:"/>', {}, "SOA015"),
        ("<xop:Include/>", {}, "SOA015"),
        ('<xop:Include href="cid:a"/><xop:Include href="cid:a"/>', {"a": "7bit"}, "SOA015"),
        ('texte<xop:Include href="cid:a"/>', {"a": "7bit"}, "SOA015"),
        ('<xop:Include href="cid:a">x</xop:Include>', {"a": "7bit"}, "SOA015"),
        ("<autre/>", {}, "SOA017"),
        ("w6k", {}, "SOA017"),
        ("w6k=*", {}, "SOA017"),
        ("é", {}, "SOA017"),
        ('<xop:Include href="cid:a"/>', {"a": "x-inconnu"}, "SOA016"),
    ],
)
def test_each_bad_include_has_its_code(inside: str, parties: dict[str, str], code: str) -> None:
    found = include(inside, parties)
    assert isinstance(found, Anomalie)
    assert found.code == code


def test_inline_base64_on_several_lines() -> None:
    assert include("\r\n w6k\r\n=\n") == "é".encode()


@given(
    st.lists(st.binary(max_size=300), max_size=4),
    st.sampled_from([b"<e/>", "<é/>".encode()]),
)
def test_what_leaves_is_read_by_the_standard_library_and_by_us(files: list[bytes], racine: bytes) -> None:
    """The whole body decodes as UTF-8 whatever the files hold (interface/wire §4)."""
    pieces = [PieceEmise(f"piece{rank}@echangeur", "text/xml", file) for rank, file in enumerate(files)]
    content_type, body = write_message(racine, pieces, graine="0")
    body.decode("utf-8")
    message = opened(content_type, body)
    assert message.racine == racine
    for piece in pieces:
        element = etree.fromstring(f'<f><x:Include xmlns:x="{XOP}" href="cid:{piece.identifiant}"/></f>')
        assert take_file(element, message.parties) == piece.contenu
    theirs = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    first = theirs.get_payload()[0]
    assert isinstance(first, email.message.Message)
    assert f"<{first['Content-ID'].strip('<>')}>" == theirs.get_param("start")


@given(st.text(max_size=100), st.text(max_size=50), st.binary(max_size=300))
def test_nothing_escapes_but_values(content_type: str, soap_action: str, body: bytes) -> None:
    open_message(content_type, soap_action, body)
    open_message(MTOM, soap_action, b"--B\r\n" + body + b"\r\n--B--")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60))
def test_any_href_gives_a_value(href: str) -> None:
    element = etree.Element("f")
    etree.SubElement(element, f"{{{XOP}}}Include", href=href)
    assert isinstance(take_file(element, {}), Anomalie)
