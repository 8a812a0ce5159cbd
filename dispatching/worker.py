"""The worker: sends the distributions that are due, one lane per guichet.

A lane is a task that serves one guichet: take the next distribution, send it, record the end and take the
next in one step, until nothing is due. A guichet that hangs holds its own lane and nothing else. The steps of
all lanes go through one Batcher, so a transaction serves many guichets. New work is heard of by notification;
a regular look finds what was postponed, or missed.

Any number of workers, in any number of processes, share the same database. Each serves the guichets whose
channel it has a transport for.

Failures of the database are waited out: lanes end, and the loop starts again from what the database says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from dispatching.attempts import Bail, Fin, due_guichets, finish, take, take_back
from dispatching.liveness import Session
from dispatching.rebut import expire
from dispatching.retry import REGLES, ReglesRemise
from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Remis, Transports
from registry.batching import Batcher
from registry.clock import Clock

_LOG: Final = structlog.get_logger()

LOT_MAX: Final = 64
"""Steps of one transaction; each holds the locks of its own rows only."""

VOIES_MAX: Final = 4_000
"""Guichets served at once: more than the 1,600 there are, so that hung ones never take the place of others.

A lane costs a task and one document of some 8 KB: 32 MB at the very most.
"""


_ECHEANCES: Final = timedelta(minutes=1)
"""Between two looks for what its deadline has caught."""


@dataclass(frozen=True, slots=True)
class _Pas:
    """One step of a lane: what ended, and whether to take the next."""

    guichet: str
    fin: Fin | None
    suite: bool


class Worker:
    """Sends distributions between `start` and `stop`. Lives on one event loop.

    releve: how often to look for what no notification announced.
    grace: at `stop`, how long to wait for the sendings in progress; those left are cut, and sent again later
        under the same identifier.
    """

    def __init__(
        self,
        engine: Engine,
        transports: Transports,
        clock: Clock,
        *,
        bail: Bail | None = None,
        regles: ReglesRemise = REGLES,
        releve: timedelta = timedelta(seconds=1),
        grace: timedelta = timedelta(seconds=10),
    ) -> None:
        self._engine = engine
        self._transports = transports
        self._clock = clock
        self._bail = bail or Bail()
        self._regles = regles
        self._echeances = clock.now()
        self._releve = releve.total_seconds()
        self._grace = grace.total_seconds()
        self._wake = asyncio.Event()
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._steps: Batcher[_Pas, Envoi | None] = Batcher(
            self._step, LOT_MAX, "envois", max_pending=VOIES_MAX
        )
        self._porteur: int | None = None
        self._main: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Start serving. Raises psycopg.OperationalError when the database cannot be reached."""
        self._stopping = False
        session = await Session.open(self._engine)
        self._steps.start()
        self._main = asyncio.create_task(self._run(session), name="envois")

    async def stop(self) -> None:
        """Let the sendings in progress end, within `grace`, then end. Harmless when not started."""
        if self._main is None:
            return
        self._stopping = True
        self._wake.set()
        await self._main
        self._main = None
        await self._steps.stop()

    def wake(self) -> None:
        """Look at once for what is due, without waiting for a notification. From the event loop."""
        self._wake.set()

    async def _run(self, first: Session) -> None:
        session: Session | None = first
        while session is not None:
            self._porteur = session.porteur
            try:
                await self._serve(session)
            except (DBAPIError, psycopg.Error) as error:
                _LOG.warning("envois.base_injoignable", erreur=type(error).__name__)
            # Stopping, or the session is lost: without our lock others hold us for dead, and send again what
            # we are sending; so nothing of ours goes on.
            await self._end_lanes(self._grace if self._stopping else 0)
            self._porteur = None
            with suppress(psycopg.Error):
                await session.close()
            session = await self._reopen()

    async def _reopen(self) -> Session | None:
        """A new session as soon as the database is back; None when stopped meanwhile."""
        while not self._stopping:
            with suppress(psycopg.Error):
                return await Session.open(self._engine)
            # The end of the session has set it: left so, this loop would never let go of the event loop.
            self._wake.clear()
            await self._pause()
        return None

    async def _serve(self, session: Session) -> None:
        """Start lanes for whoever has something due, until stopped or until the session is lost."""
        listener = asyncio.create_task(session.listen(self._wake.set), name="envois.notifications")
        listener.add_done_callback(lambda _: self._wake.set())
        try:
            while not self._stopping and not listener.done():
                self._wake.clear()
                for guichet in await asyncio.to_thread(self._look, frozenset(self._lanes)):
                    if len(self._lanes) < VOIES_MAX:
                        self._open_lane(guichet)
                await self._pause()
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), self._releve)

    def _look(self, served: frozenset[str]) -> Sequence[str]:
        instant = self._clock.now()
        with self._engine.begin() as conn:
            take_back(conn, instant=instant)
            if instant >= self._echeances:
                expire(conn, instant=instant, regles=self._regles)
                self._echeances = instant + _ECHEANCES
            return due_guichets(conn, instant=instant, canaux=self._transports, sauf=served)

    def _open_lane(self, guichet: str) -> None:
        lane = asyncio.create_task(self._lane(guichet), name=f"envois.{guichet}")
        self._lanes[guichet] = lane
        lane.add_done_callback(lambda _: self._lane_ended(guichet))

    def _lane_ended(self, guichet: str) -> None:
        lane = self._lanes.pop(guichet)
        # Something may have become due after its last step and before now: one more look.
        self._wake.set()
        if not lane.cancelled() and (error := lane.exception()) is not None:
            _LOG.warning("envois.voie_interrompue", guichet=guichet, erreur=type(error).__name__)

    async def _lane(self, guichet: str) -> None:
        fin: Fin | None = None
        while True:
            suite = not self._stopping
            if fin is None and not suite:
                return
            envoi = await self._submit(_Pas(guichet, fin, suite))
            if envoi is None:
                return
            fin = Fin(envoi, await self._send(envoi))

    async def _submit(self, pas: _Pas) -> Envoi | None:
        try:
            return await self._steps.submit(pas)
        except DBAPIError:
            # A connection lost, a deadlock of another step of the batch: the step is harmless to repeat, and
            # losing it would have an acknowledged distribution sent again.
            return await self._steps.submit(pas)

    async def _send(self, envoi: Envoi) -> Accuse | Remis | Echec:
        # The transport bounds its own time; this is the promise made by the lease, kept whatever it does.
        limit = self._bail.envoi_max.total_seconds()
        try:
            return await asyncio.wait_for(self._transports[envoi.canal].send(envoi), limit)
        except TimeoutError:
            return Echec(GenreEchec.DELAI, f"le guichet n'a pas répondu en {limit:g} s")

    def _step(self, pas: Sequence[_Pas]) -> list[Envoi | None]:
        porteur = self._porteur
        instant = self._clock.now()
        with self._engine.begin() as conn:
            fins = [step.fin for step in pas if step.fin is not None]
            finish(conn, fins, instant=instant, regles=self._regles)
            wanting = [step.guichet for step in pas if step.suite]
            taken = {}
            if wanting and porteur is not None:
                taken = take(
                    conn,
                    wanting,
                    instant=instant,
                    canaux=self._transports,
                    porteur=porteur,
                    bail=self._bail,
                )
        return [taken.get(step.guichet) if step.suite else None for step in pas]

    async def _end_lanes(self, grace: float) -> None:
        lanes = list(self._lanes.values())
        if lanes and grace:
            await asyncio.wait(lanes, timeout=grace)
        for lane in lanes:
            lane.cancel()
        if lanes:
            await asyncio.wait(lanes)
