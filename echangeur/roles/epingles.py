"""Certificates that TLS trusts by themselves, whatever their authority, kept up to date while a role serves.

Those of partners let them through both edges that call us; those tied to accounts, through the console alone
(docs/decisions/0060).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import weakref
from collections.abc import Callable, Iterable
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from certs import tls

_log = structlog.get_logger("echangeur")

_PERIOD: Final = 1.0
"""Seconds between two looks: a certificate registered while the server runs is let through the handshake
within that time. One small query a second."""


class Epingles:
    """The pins that `lit` reads, in a thread, and the contexts that let them through."""

    def __init__(self, lit: Callable[[], Iterable[bytes]]) -> None:
        self._lit = lit
        self._pins: frozenset[bytes] = frozenset()
        self._contexts: weakref.WeakSet[ssl.SSLContext] = weakref.WeakSet()
        self._task: asyncio.Task[None] | None = None

    @property
    def pins(self) -> frozenset[bytes]:
        """The certificates, PEM, as last seen."""
        return self._pins

    async def start(self) -> None:
        """Read them, then look again every second until `stop`."""
        self._pins = frozenset(await asyncio.to_thread(self._lit))
        self._task = asyncio.create_task(self._watch(), name="épingles")

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            await cancel(self._task)
            self._task = None

    def keep_trusting(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Let those that come from now on through the handshakes of `context`."""
        self._contexts.add(context)
        return context

    async def _watch(self) -> None:
        """One withdrawn stays known to TLS until the next reload or start, and is refused above, in words."""
        while True:
            await asyncio.sleep(_PERIOD)
            try:
                pins = frozenset(await asyncio.to_thread(self._lit))
            except SQLAlchemyError as error:
                # The database is restarting: those who call are told so, the next look will do.
                _log.warning("épingles illisibles", erreur=type(error).__name__)
                continue
            added, self._pins = pins - self._pins, pins
            for context in self._contexts:
                tls.trust(context, added)


async def cancel(task: asyncio.Task[None]) -> None:
    """End a task that never ends by itself."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
