"""The walk over BER: definite lengths out, bounds kept, and nothing but its own refusal."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.ber import BerIllisible, Limites, normalise


@pytest.mark.parametrize(
    ("ber", "der"),
    [
        # Indefinite lengths, nested.
        ("3080 3080 020101 0000 0000", "3005 3003 020101"),
        # A string in chunks, one of them in chunks itself.
        ("2480 0401aa 2406 0401bb 0401cc 0000", "0403 aabbcc"),
        ("2400", "0400"),
        # EncryptedContentInfo: [0] in chunks becomes one primitive [0].
        ("3080 06012a 3000 a080 040101 04020203 0000 0000", "300a 06012a 3000 8003 010203"),
        ("300b 06012a 3000 a004 0402aabb", "3009 06012a 3000 8002 aabb"),
        ("3080 06012a 3000 a080 0000 0000", "3007 06012a 3000 8000"),
        # EncapsulatedContentInfo: [0] is explicit and stays constructed.
        ("3080 06012a a080 2480 0401aa 0000 0000 0000", "3008 06012a a003 0401aa"),
        # What is definite comes out byte for byte, even with a length longer than needed.
        ("30820003 020101", "30820003 020101"),
        ("1f8101 01 aa", "1f8101 01 aa"),
    ],
)
def test_longueurs_definies(ber: str, der: str) -> None:
    """[CER-12] What foreign agents send comes out in one form, and DER comes out as it went in."""
    assert normalise(bytes.fromhex(ber)).hex() == der.replace(" ", "")


@pytest.mark.parametrize(
    "ber",
    [
        "",
        "30",
        "3005 0201",
        "0480 0000",
        "3080 020101",
        "2403 020101",
        "3001 00 00",
        "3085 0000000001 00",
        "1fffffffffff 00",
        "1f81",
        "0401aa 00",
    ],
)
def test_octets_mal_formes(ber: str) -> None:
    with pytest.raises(BerIllisible):
        normalise(bytes.fromhex(ber))


def test_bornes() -> None:
    """[CER-13] Elements, depth and size are counted before anything else reads the message."""
    limites = Limites(octets=100, elements=5, profondeur=3)
    assert normalise(bytes.fromhex("3008" + "0500" * 4), limites)
    with pytest.raises(BerIllisible, match="5 éléments"):
        normalise(bytes.fromhex("300a" + "0500" * 5), limites)
    assert normalise(bytes.fromhex("3006 3004 3002 3000"), limites)
    with pytest.raises(BerIllisible, match="3 niveaux"):
        normalise(bytes.fromhex("3008 3006 3004 3002 3000"), limites)
    with pytest.raises(BerIllisible, match="101 octets"):
        normalise(b"\x04\x63" + bytes(99), limites)


def test_profondeur_hostile_ne_deborde_pas_la_pile() -> None:
    """[CER-13] A million levels are a refusal, not a crash."""
    with pytest.raises(BerIllisible, match="24 niveaux"):
        normalise(b"\x30\x80" * 1_000_000)


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def _header(der: bytes) -> tuple[int, int]:
    """Where the content begins, and its length."""
    if der[1] < 128:
        return 2, der[1]
    head = 2 + (der[1] & 0x7F)
    return head, int.from_bytes(der[2:head])


_DER = st.recursive(
    st.binary(max_size=20).map(lambda data: _tlv(0x04, data)),
    lambda children: st.lists(children, max_size=4).map(lambda each: _tlv(0x30, b"".join(each))),
    max_leaves=12,
)


def _indefinite(der: bytes) -> bytes:
    """The same value with indefinite lengths and strings in chunks."""
    head, _ = _header(der)
    content = der[head:]
    if der[0] == 0x04:
        half = len(content) // 2
        return b"\x24\x80" + _tlv(4, content[:half]) + _tlv(4, content[half:]) + b"\0\0"
    out, pos = b"", 0
    while pos < len(content):
        head, size = _header(content[pos:])
        out += _indefinite(content[pos : pos + head + size])
        pos += head + size
    return b"\x30\x80" + out + b"\0\0"


@given(_DER)
def test_meme_valeur_sous_toute_forme(der: bytes) -> None:
    """[CER-12] The indefinite form of a value and its definite form come out equal."""
    assert normalise(der) == der
    assert normalise(_indefinite(der)) == der


@given(st.binary(max_size=400))
def test_octets_quelconques(data: bytes) -> None:
    """[CER-13] Fuzz: a value, or its own refusal."""
    with suppress(BerIllisible):
        normalise(data)
