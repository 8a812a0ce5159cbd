"""The filters in force, in memory, kept equal to the database by whoever decides.

`refresh` is given the generation that the deciding transaction has just read, and the instant of its
decision: it loads only the versions made since, and puts those to come in force when their instant is
reached, filter by filter. `learn` and `advance` are its two halves, for who loads ahead. What was loaded was
committed by others: it stays true when the deciding transaction is rolled back. Not thread-safe: the caller
decides under its own lock.
"""

from __future__ import annotations

import gc
import heapq
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection

from filters.index import FilterIndex
from filters.naive import retains
from filters.store import VersionFiltre, versions_between
from filters.traits import Traits


@contextmanager
def _without_collector() -> Iterator[None]:
    """While many filters are loaded: all of them stay, and the collector would walk them again and again, a
    third of the processor time at 20,000."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class FiltresEnVigueur:
    """The filters in force at the instant of the last `refresh`."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self.generation = 0
        self._last_effect: datetime | None = None
        self._index = FilterIndex()
        # Keys of the index are our own: filter identifiers of the database may outgrow 32 bits.
        self._keys: dict[int, int] = {}
        self._versions: dict[int, VersionFiltre] = {}
        self._of_guichet: dict[str, dict[int, VersionFiltre]] = {}
        self._learnt: list[VersionFiltre] = []
        self._to_come: list[tuple[datetime, int, int, VersionFiltre]] = []
        self._next_key = 0

    def __len__(self) -> int:
        return len(self._versions)

    @property
    def criteres(self) -> frozenset[str]:
        """The criteria that some filter in force uses."""
        return self._index.criteres

    def refresh(self, conn: Connection, generation: int, instant: datetime) -> None:
        """Make this the filters in force at `instant` with the versions up to `generation`.

        A generation older than the one known (a restored database), or an instant before the last entry in
        force (a clock set back), reloads all.
        """
        if generation < self.generation or (self._last_effect is not None and instant < self._last_effect):
            self._forget()
        with _without_collector():
            if generation > self.generation:
                self.learn(versions_between(conn, self.generation, generation), generation)
            self.advance(instant)

    def learn(self, versions: Iterable[VersionFiltre], generation: int) -> None:
        """Know the versions up to `generation`, those known already skipped. In force from `advance` on.

        versions: all those between the generation known and this one, in the order in which they were made.
        """
        self._learnt += [version for version in versions if version.generation > self.generation]
        self.generation = max(generation, self.generation)

    def advance(self, instant: datetime) -> None:
        """Put in force what has reached its instant."""
        # By filter: the last version counts. Those to come were made before those just learnt.
        due: dict[int, VersionFiltre] = {}
        while self._to_come and self._to_come[0][0] <= instant:
            version = heapq.heappop(self._to_come)[3]
            due[version.identifiant] = version
        for version in self._learnt:
            if version.effet_le <= instant:
                due[version.identifiant] = version
            else:
                entry = (version.effet_le, version.identifiant, version.version, version)
                heapq.heappush(self._to_come, entry)
        self._learnt = []
        if due:
            last = max(version.effet_le for version in due.values())
            self._last_effect = last if self._last_effect is None else max(last, self._last_effect)
            self._put_in_force(due.values())

    def match(self, traits: Traits) -> list[VersionFiltre]:
        """The versions in force that this demande satisfies, by age of the filter in this memory."""
        return [self._versions[key] for key in self._index.match(traits)]

    def retains(self, guichet: str, traits: Traits) -> bool:
        """Whether a filter of the guichet takes the demande whatever happened to it ([DST-110])."""
        versions = self._of_guichet.get(guichet, {}).values()
        return any(each.filtre is not None and retains(each.filtre, traits) for each in versions)

    def _put_in_force(self, versions: Iterable[VersionFiltre]) -> None:
        """One version of each of these filters, in place of the one in force."""
        added = []
        for version in versions:
            replaced = self._keys.pop(version.identifiant, None)
            if replaced is not None:
                self._index.remove(replaced)
                del self._versions[replaced]
                del self._of_guichet[version.guichet][version.identifiant]
            if version.filtre is None:
                continue
            self._of_guichet.setdefault(version.guichet, {})[version.identifiant] = version
            key = self._next_key
            self._next_key += 1
            self._keys[version.identifiant] = key
            self._versions[key] = version
            added.append((key, version.filtre))
        self._index.add_all(added)
