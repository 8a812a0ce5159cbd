"""A loop that does what is due, a few at a time (`dispatching.boucle`)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy import Engine

from dispatching.boucle import Boucle
from mailflows.entrants import CANAL_NOTIFICATION, CLASSE_VERROU

T = TypeVar("T")


class Cadence:
    """What need not be done at each look, several for each message: true at most once in `secondes`."""

    def __init__(self, secondes: float = 0.5) -> None:
        self._secondes = secondes
        self._prochaine = 0.0

    def due(self) -> bool:
        """Whether it is to be done now; then not again for a while."""
        now = time.monotonic()
        if now < self._prochaine:
            return False
        self._prochaine = now + self._secondes
        return True


class Ouvrier(Generic[T]):
    """Does what `look` finds, `places` at a time, between `start` and `stop`, on one event loop.

    look: given the key of this process and how many more it may take, takes them, in a thread.
    work: does one. It raises nothing but a failure of the database.
    releve: seconds between two looks without a notification. grace: seconds left at `stop` to what is in
    progress; beyond, it is dropped, and done again by another process.
    """

    def __init__(
        self,
        engine: Engine,
        nom: str,
        look: Callable[[int, int], Sequence[T]],
        work: Callable[[T], Awaitable[None]],
        *,
        places: int = 4,
        releve: float = 1.0,
        grace: float = 10.0,
    ) -> None:
        self._nom = nom
        self._look = look
        self._work = work
        self._places = places
        self._boucle = Boucle(
            engine,
            nom,
            self._tour,
            canal=CANAL_NOTIFICATION,
            classe=CLASSE_VERROU,
            releve=releve,
            grace=grace,
        )

    async def start(self) -> None:
        """Start. Raises psycopg.OperationalError when the database cannot be reached."""
        await self._boucle.start()

    async def stop(self) -> None:
        """Let what is in progress end, within the grace. Harmless when not started."""
        await self._boucle.stop()

    def wake(self) -> None:
        """Look at once. From the event loop."""
        self._boucle.wake()

    async def _tour(self, porteur: int) -> None:
        free = self._places - self._boucle.en_cours
        found = await asyncio.to_thread(self._look, porteur, free) if free > 0 else ()
        for item in found:
            tache = self._boucle.begin(self._do(item), self._nom)
            # A full hand may leave more to take: its first end wakes the loop.
            tache.add_done_callback(lambda _: self._boucle.wake())
        # What was taken has begun before the next look, and is counted by whoever takes.
        await asyncio.sleep(0)

    async def _do(self, item: T) -> None:
        await self._work(item)
