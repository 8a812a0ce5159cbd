"""The thread that makes facts happen to the demandes that exist: MOD, REN, RAD, SUP."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Engine

from registry.batching import Batcher
from registry.changement import ChangementRecu
from registry.clock import Clock
from registry.evenements import Decideur
from registry.lots import Echec, run_batch
from registry.registration import Resultat
from registry.regles import Regles
from registry.resultats import record_results
from registry.rpls_controle import check_attributions
from registry.vie import change


class Vie:
    """Batches the facts; lives between `start` and `stop`, on one event loop."""

    def __init__(
        self, engine: Engine, clock: Clock, decideur: Decideur, regles: Regles, lot_max: int
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._decideur = decideur
        self._regles = regles
        self._changements: Batcher[ChangementRecu, Resultat | Echec] = Batcher(
            self._change, lot_max, "changements"
        )

    def start(self) -> None:
        self._changements.start()

    async def stop(self) -> None:
        """Finish what was submitted, then end the thread."""
        await self._changements.stop()

    async def submit(self, recu: ChangementRecu) -> Resultat | Echec:
        """One fact; its result after the commit that makes it true. May raise batching.Saturation."""
        return await self._changements.submit(recu)

    def _change(self, items: Sequence[ChangementRecu]) -> list[Resultat | Echec]:
        def work(conn: Connection, lot: Sequence[ChangementRecu]) -> list[Resultat]:
            maintenant = self._clock.now()
            lot = check_attributions(conn, lot)
            resultats = change(conn, lot, decideur=self._decideur, repondu_le=maintenant, regles=self._regles)
            record_results(conn, lot, resultats, maintenant, relues=True)
            return resultats

        return run_batch(self._engine, work, items)
