"""`multipart/related` bodies as the contract has them: `schemas.mime`, with the anomalies of this edge."""

from __future__ import annotations

from typing import Final

from registry.anomalies import Anomalie
from schemas import mime
from schemas.mime import Malforme, Partie
from soap.faults import MULTIPART_MALFORME

MAX_PARTIES: Final = 16
"""The contract needs three parts. Each part costs one header parse (about 50 µs): 16 bound it to 1 ms."""


def split(body: bytes, boundary: str) -> tuple[Partie, ...] | Anomalie:
    """The parts of a multipart body, in order; or what makes it unreadable (`MULTIPART_MALFORME`)."""
    found = mime.split(body, boundary, MAX_PARTIES)
    return MULTIPART_MALFORME(found.constat, found.attendu) if isinstance(found, Malforme) else found
