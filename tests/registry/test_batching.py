"""Batching: nothing lost, nothing mixed up, nothing delayed, and errors stay where they belong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

import registry.batching
from registry.batching import Batcher, Saturation


@asynccontextmanager
async def running(
    process: Callable[[Sequence[int]], Sequence[int]], max_size: int = 10, max_pending: int | None = None
) -> AsyncIterator[Batcher[int, int]]:
    batcher = Batcher(process, max_size, "essai", max_pending=max_pending)
    batcher.start()
    try:
        yield batcher
    finally:
        await batcher.stop()


class Gate:
    """A process that waits to be let through, so that a test decides what is together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = threading.Semaphore(0)
        self._permits = threading.Semaphore(0)

    def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        self.entered.release()
        assert self._permits.acquire(timeout=10)
        return [-item for item in items]

    def let(self, batches: int = 100) -> None:
        """Let so many batches through."""
        self._permits.release(batches)

    async def taken(self) -> None:
        """Until a batch is in progress."""
        assert await asyncio.to_thread(self.entered.acquire, timeout=10)


@given(st.lists(st.integers(), max_size=60), st.integers(1, 20))
def test_each_gets_its_own_answer_in_batches_within_bounds(items: list[int], max_size: int) -> None:
    sizes: list[int] = []
    seen: list[int] = []

    def process(batch: Sequence[int]) -> Sequence[int]:
        sizes.append(len(batch))
        seen.extend(batch)
        return [2 * item for item in batch]

    async def scenario() -> list[int]:
        async with running(process, max_size, max_pending=1000) as batcher:
            return await asyncio.gather(*(batcher.submit(item) for item in items))

    assert asyncio.run(scenario()) == [2 * item for item in items]
    assert seen == items
    assert all(1 <= size <= max_size for size in sizes)


async def test_the_first_goes_alone_at_once_and_those_that_arrive_meanwhile_together() -> None:
    gate = Gate()
    async with running(gate, max_size=3) as batcher:
        first = asyncio.create_task(batcher.submit(1))
        await gate.taken()
        others = [asyncio.create_task(batcher.submit(n)) for n in (2, 3, 4, 5)]
        await asyncio.sleep(0)
        assert batcher.pending == 5
        gate.let()
        assert await asyncio.gather(first, *others) == [-1, -2, -3, -4, -5]
        assert batcher.pending == 0
    assert gate.batches == [[1], [2, 3, 4], [5]]


async def test_those_answered_together_are_taken_together_again() -> None:
    """A batch waits for as many items as the one before; a lone client waits for nobody."""
    gate = Gate()
    batcher = Batcher(gate, 10, "essai", attente=3_600)
    batcher.start()
    first = asyncio.create_task(batcher.submit(1))
    await gate.taken()
    together = [asyncio.create_task(batcher.submit(item)) for item in (2, 3)]
    gate.let()
    await asyncio.gather(first, *together)
    back = [asyncio.create_task(batcher.submit(4))]
    await asyncio.sleep(0)
    back.append(asyncio.create_task(batcher.submit(5)))
    await asyncio.gather(*back)
    assert gate.batches[-1] == [4, 5]
    # The others have gone: stopping does not wait for them either.
    last = asyncio.create_task(batcher.submit(6))
    await asyncio.sleep(0)
    await batcher.stop()
    assert await last == -6


async def test_an_error_reaches_only_its_batch_and_the_next_ones_go_on() -> None:
    def process(items: Sequence[int]) -> Sequence[int]:
        if 13 in items:
            raise LookupError("treize")
        return items

    async with running(process, max_size=1) as batcher:
        answers = await asyncio.gather(*(batcher.submit(n) for n in (12, 13, 14)), return_exceptions=True)
    assert answers[0] == 12
    assert isinstance(answers[1], LookupError)
    assert answers[2] == 14


async def test_a_missing_result_is_an_error_not_a_wait() -> None:
    async with running(lambda items: items[1:]) as batcher:
        with pytest.raises(RuntimeError, match="0 résultats pour 1"):
            await batcher.submit(1)


async def test_too_much_waiting_is_saturation() -> None:
    gate = Gate()
    async with running(gate, max_size=2, max_pending=3) as batcher:
        tasks = [asyncio.create_task(batcher.submit(n)) for n in (1, 2, 3)]
        await gate.taken()
        with pytest.raises(Saturation, match="3 demandes en attente"):
            await batcher.submit(4)
        gate.let()
        await asyncio.gather(*tasks)
        assert await batcher.submit(5) == -5


async def test_who_leaves_before_his_turn_is_not_handled() -> None:
    gate = Gate()
    async with running(gate) as batcher:
        first = asyncio.create_task(batcher.submit(1))
        await gate.taken()
        gone, kept = asyncio.create_task(batcher.submit(2)), asyncio.create_task(batcher.submit(3))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        gate.let()
        assert await asyncio.gather(first, kept) == [-1, -3]
    assert gate.batches == [[1], [3]]
    assert batcher.pending == 0


async def test_who_leaves_during_his_turn_hurts_nobody() -> None:
    gate = Gate()
    async with running(gate) as batcher:
        first = asyncio.create_task(batcher.submit(1))
        await gate.taken()
        gone, kept = asyncio.create_task(batcher.submit(2)), asyncio.create_task(batcher.submit(3))
        await asyncio.sleep(0)
        gate.let(1)
        await gate.taken()
        gone.cancel()
        await asyncio.sleep(0)
        gate.let()
        assert await asyncio.wait_for(asyncio.gather(first, kept), 10) == [-1, -3]
    assert gate.batches == [[1], [2, 3]]


async def test_stop_finishes_what_was_submitted_and_takes_no_more() -> None:
    gate = Gate()
    async with running(gate, max_size=2) as batcher:
        tasks = [asyncio.create_task(batcher.submit(n)) for n in range(5)]
        await gate.taken()
        (thread,) = [thread for thread in threading.enumerate() if thread.name == "essai"]
        stopping = asyncio.create_task(batcher.stop())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="arrêté"):
            await batcher.submit(9)
        gate.let()
        await stopping
        assert await asyncio.gather(*tasks) == [0, -1, -2, -3, -4]
    thread.join(10)
    assert not thread.is_alive()


async def test_it_may_start_again_but_not_twice() -> None:
    batcher: Batcher[int, int] = Batcher(lambda items: items, 1, "essai")
    await batcher.stop()
    for _ in range(2):
        batcher.start()
        with pytest.raises(RuntimeError, match="déjà démarré"):
            batcher.start()
        assert await batcher.submit(1) == 1
        await batcher.stop()


def test_a_batch_has_at_least_one_item() -> None:
    with pytest.raises(ValueError, match="au moins un"):
        Batcher(lambda items: items, 0, "essai")


class Horloge:
    """A clock that only sleeping, or the test, moves on."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


async def test_batches_keep_to_their_cadence(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that comes soon after another waits for its turn; one that comes later does not."""
    horloge = Horloge()
    monkeypatch.setattr(registry.batching, "time", horloge)
    batcher: Batcher[int, int] = Batcher(lambda batch: batch, 10, "essai", cadence=0.02)
    batcher.start()
    for item, elapsed in ((1, 0.0), (2, 0.005), (3, 0.0), (4, 5.0)):
        horloge.now += elapsed
        assert await batcher.submit(item) == item
    await batcher.stop()
    assert horloge.slept == [0.0, 0.015, 0.02, 0.0]
