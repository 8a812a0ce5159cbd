"""The documents that a household brings, made here: an avis d'imposition in PDF, an identity card in JPEG.

Real files, that any viewer opens; nobody's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import typst

_AVIS: Final = """
#set document(title: "Avis d'imposition (spécimen)")
#set text(lang: "fr")
= Avis d'imposition
Spécimen de démonstration : il ne dit rien de personne.
#table(columns: 2, [Revenu fiscal de référence], [18 250 €], [Nombre de parts], [2])
"""

_LARGEUR: Final = 40
_HAUTEUR: Final = 25
"""Of the card, in blocks of 8 by 8 pixels."""


def print_avis() -> bytes:
    """A PDF of one page."""
    pdf = typst.Compiler(_AVIS.encode(), ignore_system_fonts=True).compile(format="pdf")
    assert isinstance(pdf, bytes)
    return pdf


def draw_carte() -> bytes:
    """A grey JPEG of 320 by 200 pixels: blocks of one shade each, which the format writes in a few bits."""
    return (
        b"\xff\xd8"
        + _segment(0xE0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0")
        # Everything divided by 8: a flat block of shade s is then the one number s - 128.
        + _segment(0xDB, b"\0" + b"\x08" * 64)
        + _segment(0xC0, bytes((8, 0, 8 * _HAUTEUR, 8 * _LARGEUR >> 8, 8 * _LARGEUR & 255, 1, 1, 0x11, 0)))
        # Nine sizes of difference, four bits each; a single code, one bit, for "nothing else in this block".
        + _segment(0xC4, b"\0" + bytes((0, 0, 0, 9)) + bytes(12) + bytes(range(9)))
        + _segment(0xC4, b"\x10" + bytes((1,)) + bytes(15) + b"\0")
        + _segment(0xDA, bytes((1, 1, 0, 0, 63, 0)))
        + _scan()
        + b"\xff\xd9"
    )


def _segment(marque: int, contenu: bytes) -> bytes:
    return bytes((0xFF, marque)) + (len(contenu) + 2).to_bytes(2, "big") + contenu


def _shades() -> Iterator[int]:
    for y in range(_HAUTEUR):
        for x in range(_LARGEUR):
            portrait = 3 <= x < 13 and 5 <= y < 21
            ligne = 16 <= x < 36 and y in (6, 10, 14, 18)
            yield 90 + 5 * abs(y - 12) if portrait else 60 if ligne else 225


def _scan() -> bytes:
    bits = ""
    avant = 0
    for teinte in _shades():
        ecart, avant = teinte - 128 - avant, teinte - 128
        taille = abs(ecart).bit_length()
        bits += f"{taille:04b}"
        if taille:
            bits += f"{ecart if ecart > 0 else ecart + (1 << taille) - 1:0{taille}b}"
        bits += "0"
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
