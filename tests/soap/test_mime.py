"""Multipart bodies: what RFC 2046 says, what partners send, what nobody should."""

from __future__ import annotations

import email
import email.policy

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from registry.anomalies import Anomalie
from schemas.mime import (
    Partie,
    PartieEmise,
    decode,
    decode_base64,
    free_boundary,
    join,
    read_type,
    strip_brackets,
)
from soap.mime import MAX_PARTIES, split
from tests.soap.messages import multipart

PARTENAIRE = (
    b"--MIME_BOUNDARY\r\n"
    b'Content-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"; '
    b'action="getNumUnique"\r\n'
    b"Content-Transfer-Encoding: 8bit\r\nContent-ID: <soaproot>\r\n\r\n<e/>\r\n"
    b"--MIME_BOUNDARY\r\nContent-Type: application/octet-stream\r\nContent-ID: <certificate>\r\n"
    b"Content-Transfer-Encoding: BASE64\r\nContent-Disposition: attachment\r\n\r\n\r\n"
    b"--MIME_BOUNDARY\r\nContent-Type: text/xml; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n"
    b"Content-ID: <xml_id>\r\nContent-Disposition: attachment\r\n\r\n<a>\r\n</a>\r\n--MIME_BOUNDARY--"
)


def parts_of(body: bytes, boundary: str = "B") -> tuple[Partie, ...]:
    parts = split(body, boundary)
    assert not isinstance(parts, Anomalie), parts.message
    return parts


def test_packaging_of_partners_is_read() -> None:
    """interface/wire §2: header order differs, BASE64 in capitals, empty part, no final line end."""
    root, certificate, document = parts_of(PARTENAIRE, "MIME_BOUNDARY")
    assert (root.identifiant, root.encodage, root.contenu) == ("soaproot", "8bit", b"<e/>")
    assert root.type.valeur == "application/xop+xml"
    assert root.type.get("action") == "getNumUnique"
    assert (certificate.encodage, decode(certificate)) == ("base64", b"")
    assert (document.identifiant, document.contenu) == ("xml_id", b"<a>\r\n</a>")


@pytest.mark.parametrize(
    "body",
    [
        b"preambule\r\n--B\r\nContent-ID: <a>\r\n\r\nx\r\n--B--\r\nepilogue",
        b"--B\nContent-ID: <a>\n\nx\n--B--",
        b"--B  \r\ncontent-id:<a>\r\n\r\nx\r\n--B-- \r\n",
        b"--B\r\nContent-ID:\r\n <a>\r\n\r\nx\r\n--B--\r\n",
    ],
    ids=["preamble and epilogue", "LF alone", "padding, lower case", "folded header"],
)
def test_tolerances(body: bytes) -> None:
    (part,) = parts_of(body)
    assert (part.identifiant, part.contenu) == ("a", b"x")


def test_a_delimiter_inside_a_line_is_content() -> None:
    (part,) = parts_of(b"--B\r\n\r\nx--B--\r\n--Bis\r\n--B--")
    assert part.contenu == b"x--B--\r\n--Bis"


@pytest.mark.parametrize(
    ("body", "boundary", "word"),
    [
        (b"", "B", "ne figure pas"),
        (b"--B\r\n\r\nx\r\n", "B", "tronqué"),
        (b"--B--", "B", "aucune partie"),
        (b"--B\r\nContent-ID: <a>\r\n--B--", "B", ""),
        (b"--B\r\n" + b"a" * 5000 + b"\r\n\r\n\r\n--B--", "B", "en-têtes"),
        (multipart([("Content-ID: <a>", b"")] * (MAX_PARTIES + 1)), "B", "trop de parties"),
        (b"x", "", "boundary"),
        (b"x", "é", "boundary"),
        (b"x", "b" * 71, "boundary"),
    ],
)
def test_what_is_malformed_is_told(body: bytes, boundary: str, word: str) -> None:
    parts = split(body, boundary)
    if word:
        assert isinstance(parts, Anomalie)
        assert parts.code == "SOA010"
        assert word in parts.message


@pytest.mark.parametrize(
    ("encoding", "content", "expected"),
    [
        ("7bit", b"a\r\n", b"a\r\n"),
        ("binary", b"\xff", b"\xff"),
        ("base64", b"w6k=\r\n", b"\xc3\xa9"),
        ("base64", b"w6k", None),
        ("base64", b"w6k=!", None),
        ("quoted-printable", b"=C3=A9", b"\xc3\xa9"),
        ("x-uuencode", b"a", None),
    ],
)
def test_transfer_encodings(encoding: str, content: bytes, expected: bytes | None) -> None:
    """[SOA-13]"""
    assert decode(Partie(read_type(""), "", encoding, content)) == expected


@given(st.binary())
def test_base64_goes_through(data: bytes) -> None:
    import base64

    assert decode_base64(base64.encodebytes(data)) == data


@pytest.mark.parametrize(
    ("text", "data"), [(b"YQ==", b"a"), (b"YWI=", b"ab"), (b"YR==", None), (b"YWJ=", None)]
)
def test_unused_bits_of_base64_are_zero(text: bytes, data: bytes | None) -> None:
    """RFC 4648 §3.5, as xs:base64Binary has it: two texts for the same bytes would be damage or a message."""
    assert decode_base64(text) == data


def test_type_with_quoted_separators() -> None:
    kind = read_type('Multipart/Related; start-info="a; b=\\"c\\""; Boundary=B; start="<x>"')
    assert kind.valeur == "multipart/related"
    assert kind.get("start-info") == 'a; b="c"'
    assert kind.get("boundary") == "B"
    assert strip_brackets(kind.get("start")) == "x"


CONTENTS = st.lists(
    st.tuples(
        st.text(
            st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='<>:;,()"\\'), min_size=1
        ),
        st.binary(max_size=200) | st.sampled_from([b"", b"\r\n", b"\n", b"--", b"--B", b"\r\n--", b"\r"]),
    ),
    min_size=1,
    max_size=MAX_PARTIES,
)


@given(CONTENTS, st.text("abcdef0123456789", min_size=1, max_size=32))
def test_what_is_written_is_read_back(contents: list[tuple[str, bytes]], seed: str) -> None:
    """Writer and reader are inverse for any bytes: line ends at the edges of a part are kept."""
    boundary = free_boundary(seed, [content for _, content in contents])
    body = join(
        [PartieEmise((("Content-ID", f"<{name}>"),), content) for name, content in contents], boundary
    )
    assert [(part.identifiant, part.contenu) for part in parts_of(body, boundary)] == contents


@given(CONTENTS)
@example([("a", b"line\r\n"), ("b", b"")])
def test_agrees_with_the_standard_library(contents: list[tuple[str, bytes]]) -> None:
    """Differential: `email` reads the same parts. It is told 8-bit text only, its only way to keep bytes."""
    texts = [(name, content.replace(b"\r", b"").replace(b"\x00", b"")) for name, content in contents]
    boundary = free_boundary("x", [content for _, content in texts])
    body = join([PartieEmise((("Content-ID", f"<{name}>"),), content) for name, content in texts], boundary)
    header = f'Content-Type: multipart/related; boundary="{boundary}"\r\n\r\n'.encode()
    message = email.message_from_bytes(header + body, policy=email.policy.compat32)
    theirs = [(str(part["Content-ID"]), part.get_payload(decode=True)) for part in message.get_payload()]
    ours = [(f"<{part.identifiant}>", part.contenu) for part in parts_of(body, boundary)]
    assert ours == theirs


@given(st.binary(max_size=400), st.text(max_size=80))
@example(b"--B\r\nContent-Type: text/xml; charset*=x'y'%FF\r\nContent-ID: \xff\r\n\r\n--B--", "B")
@example(b"--B\r\nContent-Type: \xe9\r\n\r\n--B--", "B")
def test_nothing_escapes_but_values(body: bytes, boundary: str) -> None:
    """Fuzz: any body gives parts or an anomaly."""
    parts = split(body, boundary)
    if not isinstance(parts, Anomalie):
        for part in parts:
            decode(part)


@given(st.lists(st.sampled_from([b"--B", b"--", b"\r\n", b"\n", b" ", b"Content-ID: <a>", b"x", b"\xff"])))
def test_nothing_escapes_near_the_grammar(pieces: list[bytes]) -> None:
    """Fuzz with the tokens of the grammar, where the cutting goes wrong if anywhere."""
    parts = split(b"".join(pieces), "B")
    if not isinstance(parts, Anomalie):
        assert sum(len(part.contenu) for part in parts) <= sum(map(len, pieces))


@given(st.text(max_size=200))
def test_any_content_type_is_read(header: str) -> None:
    assert isinstance(read_type(header).valeur, str)
