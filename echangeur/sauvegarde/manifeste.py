"""The manifest of a backup: what it holds, and what a restoration must find again. Nothing nominative."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from echangeur.sortie import MauvaisUsage

NOM: Final = "manifeste.json"
"""Written last: a folder without it is no backup."""

FORME: Final = 1


class Fichier(msgspec.Struct, frozen=True):
    """A file of the backup. octets: its size; empreinte: its SHA-256, hexadecimal."""

    nom: str
    octets: int
    empreinte: str


class Journal(msgspec.Struct, frozen=True):
    """Head of the chain: sequence of the last entry, and its empreinte in hexadecimal."""

    sequence: int
    tete: str


class Manifeste(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A backup.

    forme: of this file. programme, schema, postgresql: versions. instant: of the picture of the base.
    lignes: rows by table. base, dossier: files, in the order in which their contents follow each other.
    destinataires: SHA-256 of the certificates for whom all is encrypted. hors_dossier: files that the
    configuration names and that are not in the folder of the instance: they are not in the backup.
    """

    forme: int
    programme: str
    schema: str
    postgresql: str
    instant: datetime
    journal: Journal
    lignes: dict[str, int]
    base: tuple[Fichier, ...]
    dossier: tuple[Fichier, ...]
    destinataires: tuple[str, ...]
    hors_dossier: tuple[str, ...]


def render(manifeste: Manifeste) -> bytes:
    """The bytes whose SHA-256 is the empreinte of the backup."""
    return msgspec.json.format(msgspec.json.encode(manifeste, order="deterministic"), indent=1) + b"\n"


def empreinte_of(octets: bytes) -> str:
    """Empreinte of a backup, from the bytes of its manifest."""
    return hashlib.sha256(octets).hexdigest()


def read_manifeste(sauvegarde: Path, attendue: str = "") -> Manifeste:
    """That of a backup. attendue: the empreinte that it must have, or empty.

    Raises MauvaisUsage when there is none, or another.
    """
    try:
        octets = (sauvegarde / NOM).read_bytes()
    except OSError:
        raise MauvaisUsage(
            f"{sauvegarde} n'est pas une sauvegarde entière (fichier {NOM} absent).",
            "Une sauvegarde interrompue se recommence.",
        ) from None
    if attendue and empreinte_of(octets) != attendue.lower():
        raise MauvaisUsage(
            f"L'empreinte de cette sauvegarde est {empreinte_of(octets)}, pas celle qui est demandée.",
            "Prenez la sauvegarde dont vous avez noté l'empreinte, ou cherchez qui a changé celle-ci.",
        )
    try:
        manifeste = msgspec.json.decode(octets, type=Manifeste)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MauvaisUsage(f"Le manifeste de {sauvegarde} n'est pas lisible.") from None
    if manifeste.forme != FORME:
        raise MauvaisUsage(
            f"Cette sauvegarde est de la forme {manifeste.forme}, ce programme lit la forme {FORME}.",
            "Restaurez-la avec le programme qui l'a faite, ou un plus récent.",
        )
    return manifeste
