"""What does not end keeps no campaign from ending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from conformance.boucle import Boucle

NOM = "essai de boucle"


@pytest.fixture
def boucle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Boucle]:
    """One that waits for nothing long; whose thread has ended after the test."""
    monkeypatch.setattr("conformance.boucle._FIN", 0.1)
    boucle = Boucle(NOM)
    boucle.start()
    yield boucle
    for each in threads():
        each.join(30)
    assert threads() == []


def threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == NOM]


async def refuse_to_end() -> None:
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            continue


def begin(boucle: Boucle, coroutine: Coroutine[Any, Any, object]) -> None:
    """Not waited for."""
    with pytest.raises(TimeoutError):
        boucle.run(coroutine, 0.01)


def test_what_refuses_to_end_is_left(boucle: Boucle) -> None:
    begin(boucle, refuse_to_end())
    boucle.stop()
    assert threads() == []


def test_a_last_thing_that_does_not_end_is_left_and_the_next_one_is_done(boucle: Boucle) -> None:
    done: list[bool] = []

    async def last() -> None:
        done.append(True)

    boucle.stop(asyncio.sleep(3600), last())
    assert (threads(), done) == ([], [True])


def test_a_loop_that_is_held_up_is_left_to_its_thread(boucle: Boucle) -> None:
    """As by an answer that is computed without end: its thread ends with that, or with the process."""
    held = threading.Event()

    async def hold() -> None:
        held.wait()

    try:
        begin(boucle, hold())
        boucle.stop()
    finally:
        held.set()
