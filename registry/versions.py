"""What a guichet is given, in the version of the demande that it reads ([SOA-44])."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from registry.echanges import Fichier
from registry.guichets import Guichet
from schemas.emission import as_0200

ANCIENNE: Final = "02.00"


def in_version(contenu: bytes, guichet: Guichet) -> bytes:
    """A demande that the hub emits, as that guichet reads it."""
    return as_0200(contenu) if guichet.version == ANCIENNE else contenu


def file_in_version(fichier: Fichier, guichet: Guichet) -> Fichier:
    """A file that holds such a demande."""
    contenu = in_version(fichier.contenu, guichet)
    return fichier if contenu is fichier.contenu else replace(fichier, contenu=contenu)
