"""Counters that tell the processes that something they keep in memory has changed.

Whoever changes the thing increments the counter in the same transaction; whoever caches it compares the
counter with the value read before loading. The row lock of the update orders concurrent changes. Who listens
to the channel hears of it at once; who does not, or has missed it, sees the counter.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, text


class Generation(StrEnum):
    """What is cached."""

    IDENTITES = "identites"
    """Guichets and certificates."""
    FILTRES = "filtres"
    CONFIANCE = "confiance"
    """Authorities of partners and their lists: what the verdicts on certificates rest upon."""


CANAL_NOTIFICATION: Final = "generation"
"""Channel of NOTIFY: told the name of what has changed, at the commit of the change."""

_BUMP: Final = text("""
    UPDATE generation SET valeur = valeur + 1 WHERE nom = :nom
    RETURNING valeur, pg_notify('generation', nom)
""")
_READ: Final = text("SELECT valeur FROM generation WHERE nom = :nom")


def bump(conn: Connection, nom: Generation) -> int:
    """Increment, in the transaction of the change; returns the new value."""
    return int(conn.execute(_BUMP, {"nom": nom.value}).scalar_one())


def read(conn: Connection, nom: Generation) -> int:
    """The committed value. Read it before loading what it guards, never after."""
    return int(conn.execute(_READ, {"nom": nom.value}).scalar_one())
