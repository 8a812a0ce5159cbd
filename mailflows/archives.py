"""Zip archives, bounded: what a partner joins when its files are many.

The directory is judged before anything is inflated, and inflating stops at what the directory announced.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailflows.anomalies import ARCHIVE_REFUSEE
from registry.anomalies import Anomalie
from registry.echanges import Fichier

SIGNATURES: Final = (b"PK\x03\x04", b"PK\x05\x06")
"""How a zip begins: with a file, or empty."""

_METHODES: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NOM_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class LimitesArchive:
    """Caps on an archive.

    fichiers: number. Threat: time and rows; a système particulier sends tens of thousands a day.
    octets: total once inflated. Threat: memory; all of it is held while the message is handled.
    rapport: inflated to packed, beyond 1 MB. Threat: a bomb; XML deflates by 10 to 20, a bomb by 1,000.
    """

    fichiers: int = 50_000
    octets: int = 512 << 20
    rapport: int = 200


def is_archive(octets: bytes) -> bool:
    """True when these bytes begin as a zip does."""
    return octets.startswith(SIGNATURES)


def read_archive(octets: bytes, limites: LimitesArchive) -> tuple[Fichier, ...] | Anomalie:
    """The files of a zip in the order of its directory, under their last name; or why it is refused.

    Folders count for nothing; an archive in the archive, a name twice, a password are refused.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            # Not `is_dir`: it raises on an empty name, which is refused below.
            entrees = [entree for entree in archive.infolist() if not entree.filename.endswith("/")]
            refus = _judge(entrees, len(octets), limites)
            return refus if refus is not None else _inflate(archive, entrees)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError, OSError, EOFError, RuntimeError):
        return ARCHIVE_REFUSEE("elle est abîmée ou n'est pas un zip", "un fichier zip")


def write_archive(fichiers: Iterator[Fichier]) -> bytes:
    """A zip of these files, the same bytes each time: no instant of ours is in it."""
    sortie = io.BytesIO()
    with zipfile.ZipFile(sortie, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for fichier in fichiers:
            archive.writestr(zipfile.ZipInfo(fichier.nom), fichier.contenu, zipfile.ZIP_DEFLATED)
    return sortie.getvalue()


def _judge(entrees: list[zipfile.ZipInfo], taille: int, limites: LimitesArchive) -> Anomalie | None:
    if not entrees:
        return ARCHIVE_REFUSEE("elle est vide", "au moins un fichier")
    if len(entrees) > limites.fichiers:
        return ARCHIVE_REFUSEE(f"{len(entrees)} fichiers", f"{limites.fichiers} fichiers au plus")
    total = sum(entree.file_size for entree in entrees)
    if total > limites.octets:
        return ARCHIVE_REFUSEE(f"{total} octets une fois ouverte", f"{limites.octets} octets au plus")
    if total > max(1 << 20, taille * limites.rapport):
        return ARCHIVE_REFUSEE(
            f"{total} octets annoncés pour {taille} reçus", f"un rapport de {limites.rapport} au plus"
        )
    noms: set[str] = set()
    for entree in entrees:
        nom = _name(entree.filename)
        if entree.flag_bits & 0x1:
            return ARCHIVE_REFUSEE("un mot de passe la protège", "une archive sans mot de passe")
        if entree.compress_type not in _METHODES:
            return ARCHIVE_REFUSEE("méthode de compression inconnue", "deflate, ou aucune compression")
        if not nom or len(nom) > _NOM_MAX or any(ord(car) < 32 for car in nom):
            return ARCHIVE_REFUSEE("un nom de fichier est vide, trop long ou illisible", "1 à 255 caractères")
        if nom in noms:
            return ARCHIVE_REFUSEE(f"deux fichiers du même nom {nom[:100]}", "un nom par fichier")
        noms.add(nom)
    return None


def _inflate(archive: zipfile.ZipFile, entrees: list[zipfile.ZipInfo]) -> tuple[Fichier, ...] | Anomalie:
    fichiers = []
    for entree in entrees:
        with archive.open(entree) as flux:
            # Never more than was announced and judged; the CRC is checked at the end of the content.
            contenu = flux.read(entree.file_size + 1)
        if len(contenu) != entree.file_size:
            return ARCHIVE_REFUSEE("un fichier n'a pas la taille annoncée", "un fichier zip")
        if is_archive(contenu):
            return ARCHIVE_REFUSEE("elle contient une archive", "des fichiers XML")
        fichiers.append(Fichier(_name(entree.filename), contenu))
    return tuple(fichiers)


def _name(chemin: str) -> str:
    return chemin.replace("\\", "/").rpartition("/")[2].strip()
