"""An event loop on a thread of its own: assertions are plain functions that wait for what they expect."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

T = TypeVar("T")
_FIN: Final = 30.0
"""Seconds in which what runs must end."""


class Boucle:
    """Between `start` and `stop`; one that is forgotten does not keep the process alive."""

    def __init__(self, nom: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, name=nom, daemon=True)

    def start(self) -> None:
        """Run what is given from now on."""
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T], delai: float = _FIN) -> T:
        """Its result, in `delai` seconds. Raises TimeoutError beyond."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(delai)

    def stop(self, *derniers: Coroutine[Any, Any, object]) -> None:
        """Run those, end all that still runs, an answer that was never to come for instance, and the loop.

        What does not end in time is left: a campaign that is made is not lost by it.
        """
        for each in derniers:
            with suppress(TimeoutError):
                self.run(each, _FIN)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2 * _FIN)

    def _live(self) -> None:
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(_end_others())
        finally:
            self._loop.close()


async def _end_others() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for each in left:
        each.cancel()
    if left:
        await asyncio.wait(left, timeout=_FIN)
