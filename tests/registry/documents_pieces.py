"""Documents as households have them, and the hostile ones, made here byte by byte."""

from __future__ import annotations

import random
import zlib

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
ARCHIVE_VIDE = b"PK\x05\x06" + bytes(18)


def pdf(*objets: bytes, avant: bytes = b"", apres: bytes = b"\n", poids: int = 0, graine: int = 0) -> bytes:
    """A PDF of one page and these further objects; with an image of `poids` random bytes."""
    corps = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + avant
    corps += b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    corps += b"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n"
    corps += b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>\nendobj\n"
    corps += flux(b"/Type/XObject/Subtype/Image/Width 1/Height 1", random.Random(graine).randbytes(poids), 4)
    for rang, objet in enumerate(objets, start=10):
        corps += b"%d 0 obj\n%s\nendobj\n" % (rang, objet)
    return corps + b"trailer\n<</Root 1 0 R/Size 5>>\nstartxref\n9\n%%EOF" + apres


def flux(dictionnaire: bytes, contenu: bytes, numero: int = 5) -> bytes:
    return b"%d 0 obj\n<<%s/Length %d>>\nstream\n%s\nendstream\nendobj\n" % (
        numero,
        dictionnaire,
        len(contenu),
        contenu,
    )


def objstm(contenu: bytes, filtre: bytes = b"/Filter/FlateDecode") -> bytes:
    """An object stream, deflated."""
    return flux(b"/Type/ObjStm/N 1/First 4" + filtre, zlib.compress(contenu))


def morceau(genre: bytes, contenu: bytes) -> bytes:
    somme = zlib.crc32(genre + contenu).to_bytes(4, "big")
    return len(contenu).to_bytes(4, "big") + genre + contenu + somme


def png(*morceaux: bytes, largeur: int = 1, hauteur: int = 1) -> bytes:
    entete = largeur.to_bytes(4, "big") + hauteur.to_bytes(4, "big") + b"\x08\x00\x00\x00\x00"
    return (
        b"\x89PNG\r\n\x1a\n"
        + morceau(b"IHDR", entete)
        + b"".join(morceaux)
        + morceau(b"IDAT", zlib.compress(b"\x00\x00"))
        + morceau(b"IEND", b"")
    )


def segment(marqueur: int, contenu: bytes) -> bytes:
    return bytes((0xFF, marqueur)) + (len(contenu) + 2).to_bytes(2, "big") + contenu


def jpeg(*segments: bytes, balayage: bytes = b"\x12\xff\x00\x34", hauteur: int = 1) -> bytes:
    trame = b"\x08" + hauteur.to_bytes(2, "big") + b"\x00\x01\x01\x01\x11\x00"
    return (
        b"\xff\xd8"
        + segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
        + b"".join(segments)
        + segment(0xC0, trame)
        + segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
        + balayage
        + b"\xff\xd9"
    )
