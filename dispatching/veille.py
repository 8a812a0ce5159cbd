"""The memory of the filters, followed as they change: put in place in every process as soon as one commits.

Whoever changes a filter notifies at its commit (`registry.generations`). Each process that decides listens on
a connection of its own, loads what is new outside of any decision, and puts in force what has reached its
instant. Nothing rests upon it: a decision still reads the generation in its own transaction, and loads what
the memory lacks. A notification that is lost, a connection that is cut, cost a decision some milliseconds,
and never an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from sqlalchemy import Engine

from dispatching.boucle import Boucle
from dispatching.decision import Distributeur
from registry.generations import CANAL_NOTIFICATION

CLASSE_VERROU: Final = 0x6669_6C74
RELEVE: Final = timedelta(seconds=1)
"""How often the generation is read again, and the versions to come looked at, without a notification."""


class Veille:
    """Keeps the memory of a Distributeur equal to the database, between `start` and `stop`.

    suivie: called after each look that succeeded, on the event loop.
    """

    def __init__(
        self,
        engine: Engine,
        distributeur: Distributeur,
        *,
        releve: timedelta = RELEVE,
        suivie: Callable[[], None] | None = None,
    ) -> None:
        self._engine = engine
        self._distributeur = distributeur
        self._suivie = suivie
        self._boucle = Boucle(
            engine,
            "filtres",
            self._follow,
            canal=CANAL_NOTIFICATION,
            classe=CLASSE_VERROU,
            releve=releve.total_seconds(),
        )

    async def start(self) -> None:
        """Start. Raises psycopg.OperationalError when the database cannot be reached."""
        await self._boucle.start()

    async def stop(self) -> None:
        """Stop. Harmless when not started."""
        await self._boucle.stop()

    async def _follow(self, _porteur: int) -> None:
        await asyncio.to_thread(self._distributeur.follow, self._engine)
        if self._suivie is not None:
            self._suivie()
