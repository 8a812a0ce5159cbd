"""What a process answers of itself at `/pret`: as it says it, and as whoever asks reads it."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Constat(Struct, frozen=True):
    """What a proof found. code: empty when it passed. millisecondes: what it took."""

    epreuve: str
    code: str
    message: str
    a_faire: str
    millisecondes: int


class Etat(Struct, frozen=True):
    """What a process answers. pret: every proof passed, at `mesure_le`, and it is in service. avertissements:
    what is wrong and keeps it from nothing: it goes on serving."""

    pret: bool
    phase: str
    roles: tuple[str, ...]
    mesure_le: datetime
    constats: tuple[Constat, ...]
    avertissements: tuple[Constat, ...] = ()
