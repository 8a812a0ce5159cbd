"""Names of the files that the hub answers with (interface/wire §3, regles §4).

Prefix, guichet, local time to the minute, six digits: ``DEMG1226-202611220557-000042.xml``. Partners may keep
answers under these names, so two answers of one process in one minute never bear the same.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from enum import StrEnum
from itertools import count
from typing import Final

from registry.controles import PARIS

_MODULO: Final = 1_000_000


class Prefixe(StrEnum):
    """What a file holds."""

    DEMANDE = "DEM"
    DOUBLONS = "DBL"
    PIECES = "PIL"
    HISTORIQUE_PIECES = "PIH"
    DALO = "DAL"
    RADIATIONS = "RAD"
    RECHERCHE = "RCH"
    EVENEMENTS = "EVT"
    TYPES_EVENEMENTS = "TEV"
    DEPOTS = "DEP"
    RAPPROCHEMENT = "RAP"


class NomsFichiers:
    """Gives the names. The six digits count from a random start: two processes seldom meet."""

    def __init__(self, depart: int | None = None) -> None:
        self._suite = count(secrets.randbelow(_MODULO) if depart is None else depart)

    def name(self, prefixe: Prefixe, guichet: str, instant: datetime) -> str:
        """A name never given before by this process in that minute. instant: aware ([SOA-15])."""
        minute = instant.astimezone(PARIS).strftime("%Y%m%d%H%M")
        # next() of itertools.count is atomic: threads may share this object.
        return f"{prefixe}{guichet}-{minute}-{next(self._suite) % _MODULO:06d}.xml"
