"""The guichets to which no distribution is sent meanwhile: their production is closed ([CNF-14])."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from registry.conformite import SANS_EXIGENCE, ReglesConformite
from registry.generations import Generation, read
from registry.production import closings

_FRAICHE: Final = timedelta(seconds=1)
"""As what the edges keep in memory (registry.certificats): both ways are closed at once."""


@dataclass(frozen=True, slots=True)
class _Copie:
    generation: int
    lue_le: datetime
    fins: Mapping[str, datetime]

    def closed(self, instant: datetime) -> frozenset[str]:
        return frozenset(guichet for guichet, fin in self.fins.items() if fin <= instant)


class Fermees:
    """Keeps in memory when each guichet is closed, and asks the base each second whether that has changed.

    May be used from several threads: at worst two of them read the same.
    """

    def __init__(self, regles: ReglesConformite = SANS_EXIGENCE) -> None:
        self._regles = regles
        self._copie: _Copie | None = None

    def at(self, conn: Connection, instant: datetime) -> frozenset[str]:
        """The guichets that are closed at that instant, as the base said a second ago at most. Raises what
        the database raises."""
        copie = self._copie
        # abs: a clock that is set back must not make the copy eternal.
        if copie is not None and abs(instant - copie.lue_le) < _FRAICHE:
            return copie.closed(instant)
        return self.read(conn, instant)

    def read(self, conn: Connection, instant: datetime) -> frozenset[str]:
        """As `at`, as the base says now."""
        generation = read(conn, Generation.IDENTITES)
        copie = self._copie
        if copie is None or copie.generation != generation:
            fins = closings(conn, self._regles, instant=instant)
        else:
            fins = copie.fins
        self._copie = copie = _Copie(generation, instant, fins)
        return copie.closed(instant)
