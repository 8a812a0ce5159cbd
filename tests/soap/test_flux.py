"""Bodies read as they arrive: the same parts as the reader that holds them, whatever the cutting."""

from __future__ import annotations

import base64
import hashlib
import random
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from registry.annexes import token_of
from registry.anomalies import Anomalie
from registry.controle_pieces import Nature, check_contenu
from registry.limites import LIMITES_PIECES
from schemas.mime import Partie
from soap import flux
from soap.flux import Arrivee
from soap.mime import split
from soap.mime_flux import LecteurMultipart, PartieFermee, PartieOuverte, open_multipart
from tests.registry.documents_pieces import pdf

TETE = b"Content-Type: application/xop+xml\r\nContent-ID: <racine>"


def stream(body: bytes, boundary: str, cuts: list[int]) -> list[Partie] | Anomalie:
    """The parts as the streaming reader sees them, `body` being cut at these places."""
    reader = LecteurMultipart(boundary)
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    parts: list[Partie] = []
    content = b""
    opened: PartieOuverte | None = None
    for start, end in [*pairwise(places), (0, 0)]:
        events = reader.feed(body[start:end]) if end else reader.close()
        if isinstance(events, Anomalie):
            return events
        for event in events:
            if isinstance(event, PartieOuverte):
                opened, content = event, b""
            elif isinstance(event, PartieFermee):
                assert opened is not None
                parts.append(Partie(opened.type, opened.identifiant, opened.encodage, content))
            else:
                content += event
    return parts


CONTENTS = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from(
            [b"", b"\r\n", b"\r\n--B", b"--B--", b"\n--B x\r\n", b"\r\n--Bc\r\n", b"\r", b"-" * 200]
        ),
    ),
    max_size=4,
).map(b"".join)


@given(
    st.lists(CONTENTS, min_size=1, max_size=4),
    st.sampled_from([b"\r\n", b"\n"]),
    st.sampled_from([b"", b"pr\xc3\xa9ambule\r\n"]),
    st.sampled_from([b"", b"\r\n", b"\r\nfin\r\n--B\r\n"]),
    st.sampled_from([b"", TETE, TETE + b"\r\nContent-Transfer-Encoding: BASE64"]),
    st.lists(st.integers(0, 500), max_size=8),
)
@example([b""], b"\r\n", b"", b"", TETE, list(range(120)))
def test_streaming_sees_the_parts_that_the_other_reader_sees(
    contents: list[bytes], line: bytes, before: bytes, after: bytes, head: bytes, cuts: list[int]
) -> None:
    """[PIE-30] Differential, on bodies cut anywhere, delimiters look-alikes included."""
    head = head.replace(b"\r\n", line)
    body = before
    for content in contents:
        body += b"--B" + line + head + (line if head else b"") + line + content + line
    body += b"--B--" + after
    expected = split(body, "B")
    found = stream(body, "B", cuts)
    assume(not isinstance(expected, Anomalie))  # a look-alike that is the real thing
    assert not isinstance(expected, Anomalie)
    assert found == list(expected)


@given(st.binary(max_size=200), st.lists(st.integers(0, 300), max_size=5), st.integers(0, 200))
def test_damaged_bodies_give_values(noise: bytes, cuts: list[int], place: int) -> None:
    """[PIE-30] Only anomalies come out of damage, and of the same kind as from the other reader."""
    body = b"--B\r\n" + TETE + b"\r\n\r\n<a/>\r\n--B\r\n\r\nx\r\n--B--"
    body = body[:place] + noise + body[place + 3 :]
    expected, found = split(body, "B"), stream(body, "B", cuts)
    if not isinstance(expected, Anomalie) and not isinstance(found, Anomalie):
        assert found == list(expected)


def test_a_header_that_does_not_end_is_refused_early() -> None:
    reader = LecteurMultipart("B")
    events = reader.feed(b"--B\r\nX: " + b"x" * 5000)
    assert isinstance(events, Anomalie)
    assert events.code == "SOA010"


@pytest.mark.parametrize("boundary", ["", "é", "x" * 71])
def test_boundaries_that_are_none(boundary: str) -> None:
    assert isinstance(open_multipart(boundary), Anomalie)


def arrive(body: bytes, start: str = "", step: int = 1000) -> tuple[bytes, flux.Annexes] | Anomalie:
    arrival = Arrivee(LecteurMultipart("B"), "B", start)
    for place in range(0, len(body), step):
        refus = arrival.feed(body[place : place + step])
        if refus is not None:
            arrival.drop()
            return refus
    result = arrival.close()
    if isinstance(result, Anomalie):
        arrival.drop()
    return result


def body_of(content: bytes, encoding: bytes = b"binary", root: bytes = b"<racine/>") -> bytes:
    return (
        b"--B\r\n" + TETE + b"\r\n\r\n" + root + b"\r\n--B\r\nContent-ID: <p>\r\n"
        b"content-TRANSFER-encoding: " + encoding + b"\r\nContent-Type: application/pdf\r\n\r\n"
        + content + b"\r\n--B--"
    )  # fmt: skip


@pytest.mark.parametrize("size", [0, 1, 2, 3, 100, flux._TENU, flux._TENU + 1, 1 << 20])
@pytest.mark.parametrize("encoding", [b"binary", b"BASE64"])
def test_contents_are_put_aside_and_proven_by_their_token(size: int, encoding: bytes) -> None:
    """[PIE-30] [PIE-31] What is kept of the message holds the SHA-256 in place of the content."""
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    sent = base64.encodebytes(content).replace(b"\n", b"\r\n") if encoding == b"BASE64" else content
    result = arrive(body_of(sent, encoding))
    assert not isinstance(result, Anomalie)
    message, annexes = result
    token = token_of(hashlib.sha256(content).digest())
    (found,) = annexes.entrees.values()
    assert annexes.entrees == {token: found}
    assert b"".join(found.blocs()) == content
    assert (found.fichier is not None) == (size > flux._TENU)
    parts = split(message, "B")
    assert not isinstance(parts, Anomalie)
    assert [part.contenu for part in parts] == [b"<racine/>", token]
    assert (parts[1].encodage, parts[1].identifiant) == ("binary", "p")
    assert parts[1].type.valeur == "application/pdf"
    annexes.close()


def test_the_root_may_come_last() -> None:
    """interface/wire §2: parts in any order, `start` names the root."""
    body = b"--B\r\nContent-ID: <p>\r\n\r\nxyz\r\n--B\r\n" + TETE + b"\r\n\r\n<racine/>\r\n--B--\r\n"
    result = arrive(body, "racine")
    assert not isinstance(result, Anomalie)
    assert b"<racine/>" in result[0]
    assert [found.octets for found in result[1].entrees.values()] == [b"xyz"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (body_of(b"abc=d", b"base64"), "SOA016"),
        (body_of(b"ab\xc3\xa9", b"base64"), "SOA016"),
        (body_of(b"abcde", b"base64"), "SOA016"),
        (body_of(b"YR==", b"base64"), "SOA016"),
        (body_of(b"x", b"quoted-printable"), "SOA016"),
        (body_of(b"x", root=b"x" * (flux.RACINE_MAX + 1)), "SOA022"),
        (body_of(b"x")[:-5], "SOA010"),
    ],
    ids=[
        "padding inside",
        "not ascii",
        "cut",
        "loose bits",
        "unknown encoding",
        "huge envelope",
        "truncated",
    ],
)
def test_what_cannot_be_taken(body: bytes, code: str) -> None:
    """[PIE-32]"""
    found = arrive(body)
    assert isinstance(found, Anomalie)
    assert found.code == code


def test_a_piece_too_large_stops_the_reading() -> None:
    """[PIE-12] At the limit, not at the end of what is sent."""
    arrival = Arrivee(LecteurMultipart("B"), "B", "")
    arrival.feed(body_of(b"")[:-7])
    bloc, sent = bytes(1 << 20), 0
    while (refus := arrival.feed(bloc)) is None:
        sent += len(bloc)
    arrival.drop()
    assert refus.code == "PIE220"
    assert sent <= LIMITES_PIECES.taille_max + len(bloc)


def test_memory_does_not_depend_on_the_size_of_the_piece() -> None:
    """[PIE-30] 20 MB arrive, are judged and read back by blocks; 3 MB of Python memory at most."""
    bloc = random.Random(1).randbytes(64 << 10)
    head, tail = pdf(poids=3).split(random.Random(0).randbytes(3))
    before, after = body_of(b"|").split(b"|")
    tracemalloc.start()
    try:
        arrival = Arrivee(LecteurMultipart("B"), "B", "")
        assert arrival.feed(before + head) is None
        for _ in range(300):
            assert arrival.feed(bloc) is None
        assert arrival.feed(tail + after) is None
        result = arrival.close()
        assert not isinstance(result, Anomalie)
        (found,) = result[1].entrees.values()
        with found.opened() as content:
            assert check_contenu(content) is Nature.PDF
        read = sum(len(each) for each in found.blocs())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        result[1].close()
    assert read == found.taille > 18 << 20
    assert peak < 3 << 20
