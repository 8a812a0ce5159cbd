"""The exchanges of the last seven days, as columns in the memory of the console.

Steering counts them by hour, outcome and code for any set of guichets, with exact centiles of their times: no
sum kept in the base gives that for every perimeter, and reading hundreds of thousands of rows for each page
takes half a second. An exchange that has its answer never changes: it is read once. Some fifteen bytes each.

They are kept hour by hour, and in each hour from the shortest to the longest: a part of them is in that order
too, whatever the perimeter, so that a centile is read at its rank. What comes, however late, puts in order
again its hour and those that follow.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Row, text

from registry.exchanges_store import Statut
from registry.fenetres import first_id

DUREE: Final = timedelta(days=7, hours=1)
"""What is kept: seven whole days, and the hour in progress."""
_RECUL: Final = timedelta(minutes=2)
"""Identifiers follow time, but an exchange may be written a moment after a later one: that much is read
again each time."""
_STATUTS: Final = tuple(Statut)
_LOT: Final = 20_000

_READ: Final = """
    SELECT id, guichet, statut, code, floor(extract(epoch FROM recu_le) / 3600)::int AS heure,
        extract(epoch FROM termine_le - recu_le)::float8 AS duree
    FROM echange WHERE """
_LUS: Final = text(f"{_READ} id >= :premier")
_FINIS: Final = text(f"{_READ} id = ANY(CAST(:ids AS uuid[]))")


def rank_of(statut: Statut) -> int:
    """What `Colonnes.statuts` has for it. Pure."""
    return _STATUTS.index(statut)


def hour_of(instant: datetime) -> int:
    """Its hour, since 1970: at Paris an hour begins with one. Pure."""
    return int(instant.timestamp() // 3600)


@dataclass(slots=True)
class _Mots:
    """Words as small numbers."""

    rangs: dict[str, int] = field(default_factory=dict)

    def __getitem__(self, mot: str) -> int:
        return self.rangs.setdefault(mot, len(self.rangs))

    @property
    def mots(self) -> list[str]:
        return list(self.rangs)


@dataclass(frozen=True, slots=True)
class Colonnes:
    """Exchanges that have their answer, each at the same rank of every column, by hour then length. heures:
    of reception, since 1970. durees: seconds from reception to answer. guichets, codes: ranks in the
    words."""

    heures: npt.NDArray[np.int32]
    durees: npt.NDArray[np.float32]
    guichets: npt.NDArray[np.int32]
    statuts: npt.NDArray[np.int8]
    codes: npt.NDArray[np.int16]

    def where(self, kept: npt.NDArray[np.bool_] | npt.NDArray[np.intp] | slice) -> Colonnes:
        """Those of that mask, those ranks or that slice."""
        return Colonnes(*(getattr(self, nom)[kept] for nom in self.__slots__))

    def since(self, heure: int) -> Colonnes:
        """Those of that hour and after."""
        return self.where(slice(self._rank(heure), None))

    def add(self, others: Colonnes) -> Colonnes:
        """These and others, which come in any order."""
        if not len(others.heures):
            return self
        cut = self._rank(int(others.heures.min()))
        tail = Colonnes.join(self.where(slice(cut, None)), others)
        ordre = np.lexsort((tail.durees, tail.heures))
        return Colonnes.join(self.where(slice(cut)), tail.where(ordre))

    def _rank(self, heure: int) -> int:
        return int(np.searchsorted(self.heures, heure))

    @classmethod
    def join(cls, *parts: Colonnes) -> Colonnes:
        return cls(*(np.concatenate([getattr(part, nom) for part in parts]) for nom in cls.__slots__))


@dataclass(frozen=True, slots=True)
class Echanges:
    """Those of a perimeter, since an hour. codes: what `Colonnes.codes` are ranks of."""

    colonnes: Colonnes
    codes: list[str]

    def said(self, *statuts: Statut) -> npt.NDArray[np.bool_]:
        """Which of them ended so."""
        return np.isin(self.colonnes.statuts, [rank_of(each) for each in statuts])


class Releve:
    """The columns of one console process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._guichets, self._codes = _Mots(), _Mots()
        self._gardes = self._columns([])
        # What has no answer yet, from before what is read again.
        self._en_cours: set[uuid.UUID] = set()
        self._jusque: datetime | None = None

    def read(
        self, conn: Connection, depuis: datetime, maintenant: datetime, guichets: Collection[str] | None
    ) -> Echanges:
        """The exchanges received since the hour of `depuis`, `DUREE` ago at most, by those guichets, or by
        all."""
        with self._lock:
            found = self._follow(conn, maintenant).since(hour_of(depuis))
            if guichets is not None:
                known = self._guichets.rangs
                ranks = [known[code] for code in guichets if code in known]
                seen = np.zeros(len(known) + 1, np.bool_)
                seen[ranks] = True
                found = found.where(seen[found.guichets])
            return Echanges(found, self._codes.mots)

    def follow(self, conn: Connection, maintenant: datetime) -> None:
        """Read what has come, so that the next page need not."""
        with self._lock:
            self._follow(conn, maintenant)

    def _follow(self, conn: Connection, maintenant: datetime) -> Colonnes:
        debut = maintenant - DUREE
        if self._jusque is None or self._jusque > maintenant:
            # Never read, or the clock of the machine was put back.
            self._gardes, self._en_cours, self._jusque = self._columns([]), set(), debut
        rows = self._fetch(conn, _LUS, premier=first_id(self._jusque))
        if self._en_cours:
            rows += self._fetch(conn, _FINIS, ids=list(self._en_cours))
        self._jusque = max(self._jusque, maintenant - _RECUL)
        # What has no answer after a day was interrupted, and will have none.
        oubli, fixe = first_id(maintenant - timedelta(days=1)), first_id(self._jusque)
        self._en_cours = {row.id for row in rows if row.duree is None and oubli <= row.id < fixe}
        answered = [row for row in rows if row.duree is not None]
        added = self._columns([row for row in answered if row.id < fixe])
        self._gardes = self._gardes.since(hour_of(debut)).add(added)
        return self._gardes.add(self._columns([row for row in answered if row.id >= fixe]))

    def _fetch(self, conn: Connection, query: Any, **values: object) -> list[Row[Any]]:
        options = {"stream_results": True, "yield_per": _LOT}
        with conn.execute(query, values, execution_options=options) as rows:
            return list(rows)

    def _columns(self, rows: list[Row[Any]]) -> Colonnes:
        return Colonnes(
            np.array([row.heure for row in rows], np.int32),
            np.array([row.duree for row in rows], np.float32),
            np.array([self._guichets[row.guichet] for row in rows], np.int32),
            np.array([_STATUTS.index(row.statut) for row in rows], np.int8),
            np.array([self._codes[row.code or ""] for row in rows], np.int16),
        )
