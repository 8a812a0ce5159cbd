"""What the partners have received so far, and how to wait for more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from conformance.partenaire_reference import Reception

_ATTENTE: Final = 20.0
"""Seconds for distributions to arrive: they take well under one when nothing fails."""


class Arrivees:
    """recues: code of the partner and what it received, in order, each distribution once."""

    def __init__(self) -> None:
        self.recues: list[tuple[str, Reception]] = []
        self._changed = asyncio.Event()

    def add(self, code: str, reception: Reception) -> None:
        """One more."""
        self.recues.append((code, reception))
        self._changed.set()

    async def wait_for(self, arrived: Callable[[], bool]) -> None:
        """Wait until `arrived` holds, or until it is of no use to wait any more."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ATTENTE):
                while not arrived():
                    self._changed.clear()
                    await self._changed.wait()
