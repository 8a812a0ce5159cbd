"""The worker: sends the distributions that are due, on lanes of each guichet.

A lane is a task that serves one guichet: take the next distribution, send it, record the end and take the
next in one step, until nothing is due. A guichet has one lane, and a few more while it answers
(`dispatching.voies`), for distributions of different demandes; it goes at its own pace, and one that hangs
holds its own lanes and nothing else. The steps of all lanes go through one Batcher, so a transaction serves
many guichets.

A registration tells for which guichets it made distributions: their lanes open at once, and nobody looks for
what is due elsewhere. A regular look finds what was postponed, or missed.

Any number of workers, in any number of processes, share the same database (`dispatching.boucle`). Each serves
the guichets whose channel it has a transport for.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from dispatching.attempts import CLASSE_VERROU, Bail, Fin, due_guichets, finish, take, take_back
from dispatching.boucle import Boucle
from dispatching.deliveries import CANAL_NOTIFICATION
from dispatching.fermees import Fermees
from dispatching.rebut import expire
from dispatching.retry import REGLES, ReglesRemise
from dispatching.secours import fail_over
from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Remis, Transports
from dispatching.voies import Voie
from registry.batching import Batcher
from registry.clock import Clock
from registry.conformite import SANS_EXIGENCE, ReglesConformite

LOT_MAX: Final = 256
"""Steps of one transaction; each holds the locks of its own rows only."""

CADENCE: Final = 0.02
"""Seconds between two transactions at least: what ends meanwhile shares the next. Five statements and a
commit cost the two sides some 2 ms, whatever they carry; a distribution waits 10 ms more in the mean."""

GUICHETS_MAX: Final = 4_000
"""Guichets served at once: more than the 1,600 there are, so that hung ones never take the place of others.

A lane costs a task and one document of some 8 KB: 48 MB at the very most, with those below.
"""

EN_PLUS_MAX: Final = 2_000
"""Lanes beyond the first one of each guichet: counted apart, they never take the place of a first one."""

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
    conformite: what closes the production of a guichet: no distribution is sent to it then ([CNF-14]).
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
        conformite: ReglesConformite = SANS_EXIGENCE,
        releve: timedelta = timedelta(seconds=1),
        grace: timedelta = timedelta(seconds=10),
    ) -> None:
        self._engine = engine
        self._transports = transports
        self._clock = clock
        self._bail = bail or Bail()
        self._regles = regles
        self._fermees = Fermees(conformite)
        self._releve = releve.total_seconds()
        self._echeances = clock.now()
        # The guichets being served, and the lanes of all of them.
        self._voies: dict[str, Voie] = {}
        self._ouvertes = 0
        self._told: set[str] = set()
        # When the next regular look is due, on the clock of the event loop.
        self._look_at = 0.0
        self._steps: Batcher[_Pas, Envoi | None] = Batcher(
            self._step, LOT_MAX, "envois", max_pending=GUICHETS_MAX + EN_PLUS_MAX, cadence=CADENCE
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

    @property
    def vivant(self) -> bool:
        """Whether it holds a session, hence may take something to send."""
        return self._boucle.vivante

    def try_to_take(self) -> None:
        """Look for what is due as a turn does, and leave all of it. In a thread. Raises what the database
        raises."""
        instant = self._clock.now()
        with self._engine.connect() as conn:
            take_back(conn, instant=instant)
            due_guichets(conn, instant=instant, canaux=self._transports)
            conn.rollback()

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
        served = frozenset(self._voies)
        for voie in self._voies.values():
            voie.encore = True
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
            sauf = served | self._fermees.read(conn, instant)
            return due_guichets(conn, instant=instant, canaux=self._transports, sauf=sauf)

    def _serve(self, guichet: str) -> None:
        """Something may be due to that guichet."""
        voie = self._voies.get(guichet)
        if voie is None:
            if len(self._voies) < GUICHETS_MAX:
                voie = self._voies[guichet] = Voie(self._regles.simultanes)
                self._open(guichet, voie)
        elif not self._widen(guichet, voie):
            voie.encore = True

    def _widen(self, guichet: str, voie: Voie) -> bool:
        """Open one more lane, if the guichet takes it and there is one to be had."""
        if not voie.has_room or self._ouvertes - len(self._voies) >= EN_PLUS_MAX:
            return False
        self._open(guichet, voie)
        return True

    def _open(self, guichet: str, voie: Voie) -> None:
        voie.ouvertes += 1
        self._ouvertes += 1
        lane = self._boucle.begin(self._lane(guichet, voie), f"envois.{guichet}")
        lane.add_done_callback(lambda ended: self._lane_ended(guichet, voie, ended))

    def _lane_ended(self, guichet: str, voie: Voie, lane: asyncio.Task[None]) -> None:
        voie.ouvertes -= 1
        self._ouvertes -= 1
        if not voie.ouvertes:
            del self._voies[guichet]
        if voie.encore and not self._boucle.stopping and not lane.cancelled() and lane.exception() is None:
            self._serve(guichet)

    async def _lane(self, guichet: str, voie: Voie) -> None:
        fin: Fin | None = None
        while True:
            suite = not self._boucle.stopping and not voie.is_crowded
            if fin is None and not suite:
                return
            # What becomes due from here on is not seen by the step.
            voie.encore = not suite
            envoi = await self._submit(_Pas(guichet, fin, suite))
            if envoi is None:
                return
            voie.bound(envoi.simultanes or self._regles.simultanes)
            if fin is not None:
                # One ended and another waited: there may be more of them.
                self._widen(guichet, voie)
            resultat = await self._send(envoi)
            voie.note(resultat)
            fin = Fin(envoi, resultat)

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
            async with asyncio.timeout(limit):
                return await self._transports[envoi.canal].send(envoi)
        except TimeoutError:
            return Echec(GenreEchec.DELAI, f"le guichet n'a pas répondu en {limit:g} s")

    def _step(self, pas: Sequence[_Pas]) -> list[Envoi | None]:
        porteur = self._boucle.porteur
        instant = self._clock.now()
        with self._engine.begin() as conn:
            fins = [step.fin for step in pas if step.fin is not None]
            finish(conn, fins, instant=instant, regles=self._regles)
            fermees = self._fermees.at(conn, instant)
            wanting = [step.guichet for step in pas if step.suite and step.guichet not in fermees]
            taken: defaultdict[str, deque[Envoi]] = defaultdict(deque)
            if wanting and porteur is not None:
                for envoi in take(
                    conn,
                    wanting,
                    instant=instant,
                    canaux=self._transports,
                    porteur=porteur,
                    bail=self._bail,
                ):
                    taken[envoi.guichet].append(envoi)
        return [taken[step.guichet].popleft() if step.suite and taken[step.guichet] else None for step in pas]
