"""Batching: requests that arrive together are handled together, by one thread, in one transaction.

Natural batching: a request that finds the thread idle goes at once, alone; those that arrive while it works
make the next batch. Under load, the cost of a commit is shared.

Clients that were answered together come back together, a few milliseconds apart: so a batch waits, shortly,
for as many items as the one before it had. Without this the first to come back went alone, at five times the
cost of an item in a batch of sixteen (registrations of 16 clients: batches of 5.7 on average without, 7.7
with; reads: 4.8 and 11.9). A lone client never waits: the batch before his had one item.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeVar

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741

_MAX_PENDING_BATCHES: Final = 20

ATTENTE: Final = 0.005
"""Seconds that a batch waits for as many items as the last one had: half of what a batch of sixteen
registrations takes, and the latency that a client may lose once, when the others have gone."""


class Saturation(Exception):
    """Too much is waiting: the caller should answer « réessayer plus tard » rather than queue more."""


class Batcher(Generic[I, O]):
    """Hands the items submitted on an event loop to `process`, by batches, in a thread of its own.

    process: gets 1 to `max_size` items in the order of submission; returns as many results, in that order.
        What it raises is raised to the submitters of that batch only, and the thread goes on.
    max_size: items of a batch. It bounds the time that a transaction holds its locks.
    max_pending: items waiting or in progress beyond which `submit` raises Saturation; by default 20 batches,
        which at 50 ms each is a second of work: a partner that would wait longer is better told so.
    attente: seconds that a batch waits, at most, for as many items as the one before it had.
    cadence: seconds between the beginnings of two batches, at least; an item that comes later goes at once.

    Not to be shared between event loops.
    """

    def __init__(
        self,
        process: Callable[[Sequence[I]], Sequence[O]],
        max_size: int,
        name: str,
        *,
        max_pending: int | None = None,
        attente: float = ATTENTE,
        cadence: float = 0.0,
    ) -> None:
        if max_size < 1:
            raise ValueError("un lot a au moins un élément")
        self._process = process
        self._max_size = max_size
        self._max_pending = max_pending or _MAX_PENDING_BATCHES * max_size
        self._name = name
        self._attente = attente
        self._cadence = cadence
        # When the last batch began, on the monotonic clock.
        self._begun = 0.0
        # None asks the thread to end, after all that was put before it.
        self._queue: SimpleQueue[tuple[I, asyncio.Future[O]] | None] = SimpleQueue()
        self._last_size = 1
        self._pending = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()

    @property
    def pending(self) -> int:
        """Items submitted and not answered yet."""
        return self._pending

    def start(self) -> None:
        """Start the thread; to be called on the event loop. Raises RuntimeError when already started."""
        if self._loop is not None:
            raise RuntimeError(f"{self._name} : déjà démarré")
        self._loop = asyncio.get_running_loop()
        self._ended.clear()
        # Daemon: an event loop that dies without `stop` must not hang the process on its way out.
        threading.Thread(target=self._run, args=(self._loop,), name=self._name, daemon=True).start()

    async def stop(self) -> None:
        """Take no more, finish what was submitted, end the thread. Harmless when not started."""
        if self._loop is None:
            return
        self._loop = None
        self._queue.put(None)
        await self._ended.wait()

    async def submit(self, item: I) -> O:
        """The result for `item`. Raises Saturation, RuntimeError when not started, or what `process` raises.

        A submitter that is cancelled before its batch is taken withdraws its item; afterwards, the item is
        handled and its result dropped.
        """
        if self._loop is None:
            raise RuntimeError(f"{self._name} : arrêté")
        if self._pending >= self._max_pending:
            raise Saturation(f"{self._name} : {self._pending} demandes en attente")
        future: asyncio.Future[O] = self._loop.create_future()
        self._pending += 1
        self._queue.put((item, future))
        return await future

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        open_ = True
        while open_:
            batch, open_ = self._take()
            live = [entry for entry in batch if not entry[1].cancelled()]
            answers = self._answer([item for item, _ in live]) if live else ()
            # One wake-up of the loop for the whole batch.
            loop.call_soon_threadsafe(self._deliver, len(batch), [future for _, future in live], answers)
        loop.call_soon_threadsafe(self._ended.set)

    def _take(self) -> tuple[list[tuple[I, asyncio.Future[O]]], bool]:
        """The next batch, waiting for its first item; and False when it is the last."""
        entry = self._queue.get()
        if entry is not None:
            time.sleep(max(0.0, self._begun + self._cadence - time.monotonic()))
        self._begun = time.monotonic()
        deadline = self._begun + self._attente
        batch = []
        while entry is not None:
            batch.append(entry)
            if len(batch) == self._max_size:
                break
            # Once as many came as last time, only what is there already is taken.
            remaining = deadline - time.monotonic() if len(batch) < self._last_size else 0.0
            try:
                entry = self._queue.get(timeout=remaining) if remaining > 0 else self._queue.get_nowait()
            except Empty:
                break
        self._last_size = max(len(batch), 1)
        return batch, entry is not None

    def _answer(self, items: list[I]) -> Sequence[O] | BaseException:
        try:
            results = self._process(items)
            if len(results) != len(items):
                return RuntimeError(f"{self._name} : {len(results)} résultats pour {len(items)} éléments")
        except BaseException as error:  # noqa: BLE001 (not swallowed: raised again to those who wait)
            return error
        return results

    def _deliver(
        self, taken: int, futures: list[asyncio.Future[O]], answers: Sequence[O] | BaseException
    ) -> None:
        self._pending -= taken
        for place, future in enumerate(futures):
            if future.done():
                continue
            if isinstance(answers, BaseException):
                future.set_exception(answers)
            else:
                future.set_result(answers[place])
