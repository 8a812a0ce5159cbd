"""The file of a distribution: the same name and bytes at each sending and at each reading ([DST-10])."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from registry.controles import PARIS
from schemas.emission import rehead

TYPE_DISTRIBUTION: Final = "DIS"
"""typeFichier of what is distributed (ListeTypeFichier)."""

TYPE_SUPPRESSION: Final = "SUP"
"""typeFichier of a suppression: nothing in its document would tell it ([VIE-51])."""


def type_of(nature: str) -> str:
    """typeFichier of the distribution of a change of that nature."""
    return TYPE_SUPPRESSION if nature == TYPE_SUPPRESSION else TYPE_DISTRIBUTION


def write_contenu(document: bytes, nature: str, cree_le: datetime) -> bytes:
    """The bytes. document: the emitted form of the version; cree_le: when the distribution was made."""
    return rehead(document, type_fichier=type_of(nature), date_fichier=cree_le)


def name_of(guichet: str, sequence: int, cree_le: datetime) -> str:
    """The name (interface/wire §3), of the instant when it was made, not of the attempt."""
    minute = cree_le.astimezone(PARIS).strftime("%Y%m%d%H%M")
    return f"DEM{guichet}-{minute}-{sequence % 1_000_000:06d}.xml"
