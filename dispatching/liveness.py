"""The session by which a worker hears of new distributions and proves that it lives.

One connection of its own: it listens to the channel of notifications, and holds an advisory lock whose second
key is the `porteur` that the worker writes in its attempts. PostgreSQL frees the lock when the process dies,
whatever way it dies; the others then know that its attempts are over.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress

import psycopg
from psycopg import sql
from sqlalchemy import Engine


class Session:
    """An open session. porteur: key of this worker, held by nobody else. Ends with `close`."""

    def __init__(self, connection: psycopg.AsyncConnection[tuple[object, ...]], porteur: int) -> None:
        self._connection = connection
        self.porteur = porteur

    @classmethod
    async def open(cls, engine: Engine, *, canal: str, classe: int) -> Session:
        """Connect, listen to `canal`, take a key of `classe`. Raises psycopg.OperationalError without a
        database."""
        url = engine.url.set(drivername="postgresql")
        connection = await psycopg.AsyncConnection.connect(
            url.render_as_string(hide_password=False),
            autocommit=True,
            application_name="echangeur-envois",
            connect_timeout=10,
        )
        try:
            channel = sql.SQL("LISTEN {}").format(sql.Identifier(canal))
            await connection.execute(channel)
            while True:
                porteur = secrets.randbelow(2**31 - 1) + 1
                cursor = await connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (classe, porteur))
                row = await cursor.fetchone()
                if row is not None and row[0]:
                    return cls(connection, porteur)
        except BaseException:
            await connection.close()
            raise

    async def listen(self, told: Callable[[str], None]) -> None:
        """Call `told` with the text of each notification, until the connection is lost: then returns."""
        with suppress(psycopg.OperationalError):
            async for notification in self._connection.notifies():
                told(notification.payload)

    async def close(self) -> None:
        """End the session: the lock is free from then on."""
        await asyncio.shield(self._connection.close())
