"""Keeping the outcome of the exchanges that the synchronous edge refuses before any handler sees them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine

from registry.anomalies import Anomalie, Tour
from registry.batching import Batcher
from registry.clock import Clock
from registry.echanges import Echange
from registry.exchanges_store import Issue, Statut, record_outcomes, relax

_LOT_MAX = 64


class RefusDuBord:
    """Records refusals, between `start` and `stop`; `keep` is what soap.server.create_app calls."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._issues: Batcher[Issue, None] = Batcher(self._record, _LOT_MAX, "refus")

    def start(self) -> None:
        """Start the thread, on the event loop."""
        self._issues.start()

    async def stop(self) -> None:
        """Finish what was submitted."""
        await self._issues.stop()

    async def keep(self, echange: Echange, anomalies: tuple[Anomalie, ...]) -> None:
        """Write the outcome; the code is that of the first anomalie, as the partner reads it."""
        first = anomalies[0].type
        # Whose turn it is says whether the partner was refused or we failed.
        statut = Statut.ECHEC if first.tour is Tour.EXPLOITANT else Statut.REFUSE
        await self._issues.submit(Issue(echange.id, statut, self._clock.now(), first.code))

    def _record(self, issues: Sequence[Issue]) -> list[None]:
        with self._engine.begin() as conn:
            relax(conn)
            record_outcomes(conn, issues)
        return [None] * len(issues)
