"""A loop that does what is due: heard of by notification, found by a regular look, taken back from the dead.

Any number of processes run the same loop on the same database. Failures of the database are waited out: what
is in progress is dropped, since without our lock others hold us for dead and do it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, Generic, TypeVar

import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from dispatching.liveness import Session
from mailflows.entrants import CANAL_NOTIFICATION, CLASSE_VERROU

_LOG: Final = structlog.get_logger()

T = TypeVar("T")


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
        self._engine = engine
        self._nom = nom
        self._look = look
        self._work = work
        self._places = places
        self._releve = releve
        self._grace = grace
        self._wake = asyncio.Event()
        self._taches: set[asyncio.Task[None]] = set()
        self._main: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Start. Raises psycopg.OperationalError when the database cannot be reached."""
        self._stopping = False
        session = await self._open()
        self._main = asyncio.create_task(self._run(session), name=self._nom)

    async def stop(self) -> None:
        """Let what is in progress end, within the grace. Harmless when not started."""
        if self._main is None:
            return
        self._stopping = True
        self._wake.set()
        await self._main
        self._main = None

    def wake(self) -> None:
        """Look at once. From the event loop."""
        self._wake.set()

    async def _open(self) -> Session:
        return await Session.open(self._engine, canal=CANAL_NOTIFICATION, classe=CLASSE_VERROU)

    async def _run(self, first: Session) -> None:
        session: Session | None = first
        while session is not None:
            try:
                await self._serve(session)
            except (DBAPIError, psycopg.Error) as error:
                _LOG.warning("courrier.base_injoignable", ouvrier=self._nom, erreur=type(error).__name__)
            await self._end(self._grace if self._stopping else 0)
            with suppress(psycopg.Error):
                await session.close()
            session = await self._reopen()

    async def _reopen(self) -> Session | None:
        while not self._stopping:
            with suppress(psycopg.Error):
                return await self._open()
            self._wake.clear()
            await self._pause()
        return None

    async def _serve(self, session: Session) -> None:
        listener = asyncio.create_task(session.listen(self._wake.set), name=f"{self._nom}.notifications")
        listener.add_done_callback(lambda _: self._wake.set())
        try:
            while not self._stopping and not listener.done():
                self._wake.clear()
                free = self._places - len(self._taches)
                found: Sequence[T] = ()
                if free > 0:
                    found = await asyncio.to_thread(self._look, session.porteur, free)
                for item in found:
                    self._begin(item)
                # A full hand may leave more to take: its first end wakes the loop.
                await self._pause()
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener

    def _begin(self, item: T) -> None:
        tache = asyncio.ensure_future(self._work(item))
        assert isinstance(tache, asyncio.Task)
        self._taches.add(tache)
        tache.add_done_callback(self._ended)

    def _ended(self, tache: asyncio.Task[None]) -> None:
        self._taches.discard(tache)
        self._wake.set()
        if not tache.cancelled() and (error := tache.exception()) is not None:
            _LOG.warning("courrier.interrompu", ouvrier=self._nom, erreur=type(error).__name__)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), self._releve)

    async def _end(self, grace: float) -> None:
        taches = list(self._taches)
        if taches and grace:
            await asyncio.wait(taches, timeout=grace)
        for tache in taches:
            tache.cancel()
        if taches:
            await asyncio.wait(taches)
