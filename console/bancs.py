"""Where filters are tried in a console: a thread of its own for each image, which no request waits for long.

An image is used by one at a time, and following the journal may take milliseconds or, the first time,
minutes. Hence a thread for the stock and one for the past events: trials queue there, whoever asks waits a
moment and otherwise is told how far it is, and takes the answer when he asks again. Several console processes
share the files of the images; only these threads wait for one another (filters.suivi).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine

from dispatching.passe import Passe
from filters.image import Image
from filters.stock import Stock
from filters.suivi import Suivi
from registry.clock import Clock

PATIENCE: Final = 0.6
"""Seconds for which a page waits for its trial before it is sent without."""
_EN_COURS_MAX: Final = 64

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Avancement:
    """The answer is not there yet. fait, total: demandes or entries read; total is 0 when nothing is told."""

    fait: int = 0
    total: int = 0

    @property
    def pourcent(self) -> int | None:
        return min(100, 100 * self.fait // self.total) if self.total else None


class _Arret(Exception):
    """The console stops."""


class Banc:
    """One image and the thread that uses it."""

    def __init__(self, suivi: Suivi, nom: str) -> None:
        self._suivi = suivi
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=nom)
        # By what was asked: what nobody has taken yet.
        self._asked: dict[Hashable, Future[Any]] = {}
        self._avancement = Avancement()
        self._stopping = False

    async def ask(
        self,
        cle: Hashable,
        engine: Engine,
        clock: Clock,
        travail: Callable[[Connection, Image], T],
        *,
        patience: float = PATIENCE,
    ) -> T | Avancement:
        """What `travail` answers on the image as it is when its turn comes; or, after `patience` seconds, how
        far it is.

        Asking again with the same `cle` takes the answer of the work already begun, once. travail: its result
        must hold nothing of the image, which moves on.
        """
        future = self._asked.get(cle)
        if future is None:
            if not self._make_room():
                return self._avancement
            future = self._asked[cle] = self._thread.submit(self._run, engine, clock, travail)
        waited = asyncio.wrap_future(future)
        # Whoever comes back is told of a failure; nobody is to be warned that this waiter did not.
        waited.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait([waited], timeout=patience)
        if not future.done():
            return self._avancement
        self._asked.pop(cle, None)
        found: T = future.result()
        return found

    def close(self) -> None:
        """Refuse what comes, and stop reading at the next batch; what was read is kept."""
        self._stopping = True
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _run(self, engine: Engine, clock: Clock, travail: Callable[[Connection, Image], T]) -> T:
        self._avancement = Avancement()
        with self._suivi.follow(engine, clock.now(), self._progress) as image, engine.connect() as conn:
            return travail(conn, image)

    def _progress(self, fait: int, total: int) -> None:
        if self._stopping:
            raise _Arret
        self._avancement = Avancement(fait, total)

    def _make_room(self) -> bool:
        """Answers that nobody came back for are dropped; False when all are still to be given."""
        for cle in [cle for cle, future in self._asked.items() if future.done()]:
            if len(self._asked) < _EN_COURS_MAX:
                break
            del self._asked[cle]
        return len(self._asked) < _EN_COURS_MAX


class Bancs:
    """Those of a console. stock, passe: folders of the images, shared with other processes and the command
    line; None to keep them in memory."""

    def __init__(self, stock: Path | None = None, passe: Path | None = None) -> None:
        self.stock = Banc(Stock(stock), "banc-stock")
        self.passe = Banc(Passe(passe), "banc-passe")

    def close(self) -> None:
        self.stock.close()
        self.passe.close()
