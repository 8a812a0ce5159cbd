"""The worker: sends the distributions that are due, one lane per guichet.

A lane is a task that serves one guichet: take the next distribution, send it, record the end and take the
next in one step, until nothing is due. So a guichet has one sending at a time in each process, and goes at
its own pace; one that hangs holds its own lane and nothing else. The steps of all lanes go through one
Batcher, so a transaction serves many guichets.

A registration tells for which guichets it made distributions: their lanes open at once, and nobody looks for
what is due elsewhere. A regular look finds what was postponed, or missed.

Any number of workers, in any number of processes, share the same database (`dispatching.boucle`). Each serves
the guichets whose channel it has a transport for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from dispatching.attempts import CLASSE_VERROU, Bail, Fin, due_guichets, finish, take, take_back
from dispatching.boucle import Boucle
from dispatching.deliveries import CANAL_NOTIFICATION
from dispatching.rebut import expire
from dispatching.retry import REGLES, ReglesRemise
from dispatching.secours import fail_over
from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Remis, Transports
from registry.batching import Batcher
from registry.clock import Clock

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
        self._releve = releve.total_seconds()
        self._echeances = clock.now()
        # Lanes, by guichet: True when something may have become due since its last step.
        self._lanes: dict[str, bool] = {}
        self._told: set[str] = set()
        # When the next regular look is due, on the clock of the event loop.
        self._look_at = 0.0
        self._steps: Batcher[_Pas, Envoi | None] = Batcher(
            self._step, LOT_MAX, "envois", max_pending=VOIES_MAX
        )
        self._boucle = Boucle(
            engine,
            "envois",
            self._tour,
            canal=CANAL_NOTIFICATION,
            classe=CLASSE_VERROU,
            annonce=self._hear,
            releve=self._releve,
            grace=grace.total_seconds(),
        )

    async def start(self) -> None:
        """Start serving. Raises psycopg.OperationalError when the database cannot be reached."""
        self._steps.start()
        try:
            await self._boucle.start()
        except BaseException:
            await self._steps.stop()
            raise

    async def stop(self) -> None:
        """Let the sendings in progress end, within `grace`, then end. Harmless when not started."""
        await self._boucle.stop()
        await self._steps.stop()

    def wake(self) -> None:
        """Look at once for what is due, without waiting for a notification. From the event loop."""
        self._look_at = 0.0
        self._boucle.wake()

    def _hear(self, texte: str) -> None:
        """A notification: the guichets that have something due, or none of them when it may be any."""
        self._told.update(texte.split())
        if not texte:
            self._look_at = 0.0

    async def _tour(self, _: int) -> None:
        """Open a lane for whoever has something due: those told of, and those found by the regular look."""
        told, self._told = self._told, set()
        for guichet in told:
            self._serve(guichet)
        now = asyncio.get_running_loop().time()
        if now < self._look_at:
            return
        self._look_at = now + self._releve
        # What the look leaves out since it is being served may become due before its lane ends.
        served = frozenset(self._lanes)
        self._lanes.update(dict.fromkeys(served, True))
        for guichet in await asyncio.to_thread(self._look, served):
            self._serve(guichet)

    def _look(self, served: frozenset[str]) -> Sequence[str]:
        instant = self._clock.now()
        with self._engine.begin() as conn:
            take_back(conn, instant=instant)
            fail_over(conn, instant=instant)
            if instant >= self._echeances:
                expire(conn, instant=instant, regles=self._regles)
                self._echeances = instant + _ECHEANCES
            return due_guichets(conn, instant=instant, canaux=self._transports, sauf=served)

    def _serve(self, guichet: str) -> None:
        if guichet in self._lanes:
            self._lanes[guichet] = True
        elif len(self._lanes) < VOIES_MAX:
            self._lanes[guichet] = False
            lane = self._boucle.begin(self._lane(guichet), f"envois.{guichet}")
            lane.add_done_callback(lambda ended: self._lane_ended(guichet, ended))

    def _lane_ended(self, guichet: str, lane: asyncio.Task[None]) -> None:
        again = self._lanes.pop(guichet)
        if again and not self._boucle.stopping and not lane.cancelled() and lane.exception() is None:
            self._serve(guichet)

    async def _lane(self, guichet: str) -> None:
        fin: Fin | None = None
        while True:
            suite = not self._boucle.stopping
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
        porteur = self._boucle.porteur
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
