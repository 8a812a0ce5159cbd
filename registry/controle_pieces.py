"""What a pièce really is, by its content; what looks like malware is refused ([PIE-20] and following).

The name and the announced type count for nothing. A PDF, a JPEG or a PNG is admitted when it is that from its
first byte to its last and nothing else. This is no antivirus: it refuses the shapes that a document of a
household never has, so that what is shared with two thousand guichets is inert.

Data are `bytes` or a mapped file: the checks go through windows of `FENETRE` bytes, so that neither memory
nor the time during which a thread keeps the others waiting depends on the size.
"""

from __future__ import annotations

import mmap
import re
import zlib
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from registry.anomalies import Anomalie
from registry.anomalies_pieces import FICHIER_ABIME, FICHIER_DOUBLE, FORMAT_REFUSE, PROGRAMME_REFUSE
from registry.controle_pdf import check_pdf

Donnees = bytes | mmap.mmap

FENETRE: Final = 256 << 10

PIXELS_MAX: Final = 200_000_000
"""An A3 page at 600 points an inch has 70 million; beyond, the viewer is attacked (4 bytes a pixel)."""

_RECOUVREMENT: Final = 128
"""Longer than the longest signature below: one that straddles two windows is seen whole in the second."""


class Nature(StrEnum):
    """What is admitted, by media type."""

    PDF = "application/pdf"
    JPEG = "image/jpeg"
    PNG = "image/png"


_PNG: Final = b"\x89PNG\r\n\x1a\n"

# First bytes of what a processor, a virtual machine or a shell would run.
_PROGRAMMES: Final = (
    (b"MZ", "programme Windows"),
    (b"\x7fELF", "programme Linux"),
    (b"\xca\xfe\xba\xbe", "classe Java ou programme macOS"),
    (b"\xfe\xed\xfa", "programme macOS"),
    (b"\xce\xfa\xed\xfe", "programme macOS"),
    (b"\xcf\xfa\xed\xfe", "programme macOS"),
    (b"\x00asm", "programme WebAssembly"),
    (b"dex\n", "programme Android"),
    (b"#!", "script"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "raccourci Windows"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "document ou installateur à macros possibles"),
    (b"PK\x03\x04", "archive ou document à macros possibles"),
    (b"Rar!", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"MSCF", "archive"),
)

# Anywhere in the file. Each is long enough never to occur by chance in 20 MB (below 1 in 10^9).
_PARTOUT: Final = re.compile(
    rb"(?P<eicar>X5O!P%@AP\[4\\PZX54\(P\^\)7CC\)7\}\$EICAR)"
    rb"|(?P<windows>This program (?:cannot|must) be run (?:in DOS mode|under Win))"
)
# In an image: text that a browser or a server would execute, a document hidden behind the image.
_DANS_IMAGE: Final = re.compile(
    rb"(?P<page><script[\s>]|<html[\s>]|<!doctype\s+html|<iframe[\s>]|<svg[\s>])"
    rb"|(?P<php><\?php\s)|(?P<pdf>%PDF-\d\.\d)",
    re.IGNORECASE,
)
_EN_TETE_PDF: Final = re.compile(rb"<script[\s>]|<html[\s>]|<!doctype\s+html|<\?php\s", re.IGNORECASE)

_QUEUE_ZIP: Final = 22 + 65_535
"""A ZIP reader looks for the end of the archive in the last 22 bytes, or before a comment of 64 KB."""


def check_contenu(donnees: Donnees) -> Nature | Anomalie:
    """What the pièce is, or why it is refused. Costs about 20 ms a megabyte for a PDF ([PIE-22])."""
    if not len(donnees):
        return FORMAT_REFUSE("le fichier est vide")
    for debut, nom in _PROGRAMMES:
        if donnees[: len(debut)] == debut:
            return PROGRAMME_REFUSE(nom)
    for trouve in search(_PARTOUT, donnees):
        eicar = trouve.lastgroup == "eicar"
        return PROGRAMME_REFUSE("fichier d'essai EICAR" if eicar else "programme Windows inclus")
    if donnees[:5] == b"%PDF-":
        return _pdf(donnees)
    if donnees[: len(_PNG)] == _PNG:
        return _png(donnees) or _image(donnees, Nature.PNG)
    if donnees[:3] == b"\xff\xd8\xff":
        return _jpeg(donnees) or _image(donnees, Nature.JPEG)
    return FORMAT_REFUSE("les premiers octets ne sont d'aucun des trois formats")


def search(motif: re.Pattern[bytes], donnees: Donnees, debut: int = 0) -> Iterator[re.Match[bytes]]:
    """The matches, by windows; one that straddles two windows may come twice."""
    taille = len(donnees)
    while debut < taille:
        fin = min(debut + FENETRE, taille)
        yield from motif.finditer(donnees, debut, min(fin + _RECOUVREMENT, taille))
        debut = fin


def _archive(donnees: Donnees) -> Anomalie | None:
    """An archive at the end of a document: a Java or Office program that also opens as an image."""
    queue = donnees[max(0, len(donnees) - _QUEUE_ZIP) :]
    place = queue.rfind(b"PK\x05\x06")
    if place < 0 or len(queue) < place + 22:
        return None
    commentaire = int.from_bytes(queue[place + 20 : place + 22], "little")
    # Random bytes may hold the four of the signature; not the zeros and the comment length that follow.
    disques = queue[place + 4 : place + 8]
    if disques == bytes(4) and place + 22 + commentaire <= len(queue):
        return FICHIER_DOUBLE("une archive est ajoutée au document")
    return None


def _pdf(donnees: Donnees) -> Nature | Anomalie:
    if _EN_TETE_PDF.search(donnees, 0, 1024):
        return FICHIER_DOUBLE("une page web est mêlée à l'en-tête du PDF")
    return _archive(donnees) or check_pdf(donnees) or Nature.PDF


def _image(donnees: Donnees, nature: Nature) -> Nature | Anomalie:
    for trouve in search(_DANS_IMAGE, donnees):
        quoi = {"page": "une page web", "php": "un script de serveur", "pdf": "un PDF"}[
            trouve.lastgroup or ""
        ]
        return FICHIER_DOUBLE(f"{quoi} est caché dans l'image")
    return _archive(donnees) or nature


def _png(donnees: Donnees) -> Anomalie | None:
    """Chunk by chunk, each with its checksum (PNG §5.3), from IHDR to IEND, and nothing after ([PIE-23])."""
    place, taille, premier = len(_PNG), len(donnees), True
    while True:
        if place + 12 > taille:
            return FICHIER_ABIME("la fin manque", "PNG")
        longueur = int.from_bytes(donnees[place : place + 4], "big")
        genre = donnees[place + 4 : place + 8]
        fin = place + 12 + longueur
        if longueur > 0x7FFFFFFF or fin > taille:
            return FICHIER_ABIME("la fin manque", "PNG")
        if premier != (genre == b"IHDR") or (premier and longueur != 13):
            return FICHIER_ABIME("l'en-tête n'est pas à sa place", "PNG")
        if premier:
            largeur = int.from_bytes(donnees[place + 8 : place + 12], "big")
            hauteur = int.from_bytes(donnees[place + 12 : place + 16], "big")
            if not 0 < largeur * hauteur <= PIXELS_MAX:
                return FICHIER_ABIME(f"{largeur} × {hauteur} points", "PNG")
        if _crc(donnees, place + 4, fin - 4) != int.from_bytes(donnees[fin - 4 : fin], "big"):
            return FICHIER_ABIME("une somme de contrôle est fausse", "PNG")
        premier, place = False, fin
        if genre == b"IEND":
            break
    return None if place == taille else FICHIER_DOUBLE("des données suivent la fin de l'image")


def _crc(donnees: Donnees, debut: int, fin: int) -> int:
    somme = 0
    for place in range(debut, fin, FENETRE):
        somme = zlib.crc32(donnees[place : min(place + FENETRE, fin)], somme)
    return somme


# A marker of the entropy-coded data: neither a stuffed zero, nor a restart, nor a fill byte (T.81 §B.1.1).
_MARQUEUR: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_TRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


def _jpeg(donnees: Donnees) -> Anomalie | None:
    """Segment by segment (T.81 annex B). After the end: nothing, blanks, or further images (CIPA DC-007)
    ([PIE-23])."""
    place = 0
    while place < len(donnees):
        fin = _jpeg_end(donnees, place)
        if isinstance(fin, Anomalie):
            return fin
        place = _skip_padding(donnees, fin)
        if place < len(donnees) and donnees[place : place + 3] != b"\xff\xd8\xff":
            return FICHIER_DOUBLE("des données suivent la fin de l'image")
    return None


def _skip_padding(donnees: Donnees, place: int) -> int:
    while place < len(donnees):
        bloc = donnees[place : place + FENETRE]
        reste = bloc.lstrip(b"\x00\r\n \xff") if bloc[:3] != b"\xff\xd8\xff" else bloc
        if reste:
            fin = place + len(bloc) - len(reste)
            # 0xFF pads, and also begins the image that follows.
            return fin - 1 if reste[:1] == b"\xd8" and fin > place else fin
        place += len(bloc)
    return place


def _jpeg_end(donnees: Donnees, debut: int) -> int | Anomalie:
    """Where the image that begins at `debut` ends."""
    place, taille, trame, lignes = debut + 2, len(donnees), False, False
    while place + 2 <= taille:
        if donnees[place] != 0xFF:
            return FICHIER_ABIME("un segment n'est pas à sa place", "JPEG")
        marqueur = donnees[place + 1]
        if marqueur == 0xFF:
            place += 1
            continue
        if marqueur == 0xD9:
            return place + 2 if trame and lignes else FICHIER_ABIME("aucune image", "JPEG")
        if marqueur == 0x01 or 0xD0 <= marqueur <= 0xD7:
            place += 2
            continue
        longueur = int.from_bytes(donnees[place + 2 : place + 4], "big")
        if longueur < 2 or place + 2 + longueur > taille:
            break
        if marqueur in _TRAMES:
            trame = True
            hauteur = int.from_bytes(donnees[place + 5 : place + 7], "big")
            largeur = int.from_bytes(donnees[place + 7 : place + 9], "big")
            if largeur * hauteur > PIXELS_MAX:
                return FICHIER_ABIME(f"{largeur} × {hauteur} points", "JPEG")
        place += 2 + longueur
        if marqueur == 0xDA:
            lignes = True
            suivant = next(search(_MARQUEUR, donnees, place), None)
            if suivant is None:
                break
            place = suivant.start()
    return FICHIER_ABIME("la fin manque", "JPEG")
