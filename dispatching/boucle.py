"""The loop of a process that does what is due: heard of by notification, found by a regular look.

Any number of processes run the same loop on the same database. Each proves by its session that it lives
(`dispatching.liveness`): what a dead one had taken is taken back by the others. Failures of the database are
waited out; without its lock a process is held for dead, so what it has in progress is dropped, and done again
from what the database says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from dispatching.liveness import Session

_LOG: Final = structlog.get_logger()


class Boucle:
    """Calls `tour` at each notification and at each look, between `start` and `stop`, on one event loop.

    canal: of NOTIFY. classe: first key of the advisory locks of such processes.
    tour: given the key of this process, begins (`begin`) what it finds due.
    annonce: given the text of each notification, before the turn that it causes.
    releve: seconds between two turns without a notification. grace: seconds left at `stop` to what is in
    progress; what is left then is cut.
    """

    def __init__(
        self,
        engine: Engine,
        nom: str,
        tour: Callable[[int], Awaitable[None]],
        *,
        canal: str,
        classe: int,
        annonce: Callable[[str], None] | None = None,
        releve: float = 1.0,
        grace: float = 10.0,
    ) -> None:
        self._engine = engine
        self._nom = nom
        self._tour = tour
        self._canal = canal
        self._classe = classe
        self._annonce = annonce
        self._releve = releve
        self._grace = grace
        self._wake = asyncio.Event()
        self._taches: set[asyncio.Task[None]] = set()
        self._main: asyncio.Task[None] | None = None
        self.porteur: int | None = None
        """Key of this process while its session lasts."""
        self.stopping = False

    @property
    def vivante(self) -> bool:
        """Whether it holds a session, hence may take something."""
        return self.porteur is not None and not self.stopping

    @property
    def en_cours(self) -> int:
        """How much is in progress."""
        return len(self._taches)

    async def start(self) -> None:
        """Start. Raises psycopg.OperationalError when the database cannot be reached."""
        self.stopping = False
        session = await self._open()
        self._main = asyncio.create_task(self._run(session), name=self._nom)

    async def stop(self) -> None:
        """Let what is in progress end, within the grace, then end. Harmless when not started."""
        if self._main is None:
            return
        self.stopping = True
        self._wake.set()
        await self._main
        self._main = None

    def wake(self) -> None:
        """Make a turn at once. From the event loop."""
        self._wake.set()

    def begin(self, travail: Coroutine[Any, Any, None], nom: str) -> asyncio.Task[None]:
        """Do something until it ends, or until the session or this loop does."""
        tache = asyncio.create_task(travail, name=nom)
        self._taches.add(tache)
        tache.add_done_callback(self._ended)
        return tache

    async def _open(self) -> Session:
        return await Session.open(self._engine, canal=self._canal, classe=self._classe)

    async def _run(self, first: Session) -> None:
        session: Session | None = first
        while session is not None:
            self.porteur = session.porteur
            try:
                await self._serve(session)
            except (DBAPIError, psycopg.Error) as error:
                _LOG.warning("boucle.base_injoignable", boucle=self._nom, erreur=type(error).__name__)
            await self._end(self._grace if self.stopping else 0)
            self.porteur = None
            with suppress(psycopg.Error):
                await session.close()
            session = await self._reopen()

    async def _reopen(self) -> Session | None:
        """A new session as soon as the database is back; None when stopped meanwhile."""
        while not self.stopping:
            with suppress(psycopg.Error):
                return await self._open()
            # The end of the session has set it: left so, this loop would never let go of the event loop.
            self._wake.clear()
            await self._pause()
        return None

    async def _serve(self, session: Session) -> None:
        listener = asyncio.create_task(session.listen(self._told), name=f"{self._nom}.notifications")
        listener.add_done_callback(lambda _: self._wake.set())
        try:
            while not self.stopping and not listener.done():
                self._wake.clear()
                await self._tour(session.porteur)
                await self._pause()
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener

    def _told(self, texte: str) -> None:
        if self._annonce is not None:
            self._annonce(texte)
        self._wake.set()

    def _ended(self, tache: asyncio.Task[None]) -> None:
        self._taches.discard(tache)
        if not tache.cancelled() and (error := tache.exception()) is not None:
            _LOG.warning(
                "boucle.interrompu", boucle=self._nom, tache=tache.get_name(), erreur=type(error).__name__
            )

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
