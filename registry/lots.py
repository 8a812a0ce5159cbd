"""One batch, one transaction, and no innocent punished for the fault of another.

A batch that fails is rolled back whole, then each of its items is tried again alone, in its own transaction:
only the one at fault fails. That is safe for a registration even when the commit itself was in doubt, since
what was accepted is then a replay (registry.registration).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from registry.exchanges_store import Issue, record_outcomes, relax

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741


@dataclass(frozen=True, slots=True)
class Echec:
    """An item that could not be handled, and why: to be raised to whoever waits for it."""

    cause: Exception


def run_batch(
    engine: Engine, work: Callable[[Connection, Sequence[I]], Sequence[O]], items: Sequence[I]
) -> list[O | Echec]:
    """Do `work` on the items in one transaction, or in one each when that fails. Raises no Exception.

    When the database is gone, the batch is tried once more on a new connection (a restart leaves dead ones in
    the pool) and then fails whole: one by one would make everybody wait for as many time-outs.
    """
    cause = _try(engine, work, items)
    if isinstance(cause, Echec) and _is_disconnection(cause):
        cause = _try(engine, work, items)
    if not isinstance(cause, Echec):
        return cause
    if len(items) == 1 or _is_disconnection(cause):
        return [cause] * len(items)
    resultats: list[O | Echec] = []
    for item in items:
        seul = cause if _is_disconnection(cause) else _try(engine, work, [item])
        if isinstance(seul, Echec):
            cause = seul
            resultats.append(seul)
        else:
            resultats.extend(seul)
    return resultats


def conclude(engine: Engine, issues: Sequence[Issue]) -> list[Echec | None]:
    """Write outcomes that come with nothing else, in a transaction that does not wait for the disk."""

    def work(conn: Connection, lot: Sequence[Issue]) -> list[None]:
        relax(conn)
        record_outcomes(conn, lot)
        return [None] * len(lot)

    return run_batch(engine, work, issues)


def _try(
    engine: Engine, work: Callable[[Connection, Sequence[I]], Sequence[O]], items: Sequence[I]
) -> list[O | Echec] | Echec:
    try:
        with engine.begin() as conn:
            resultats = work(conn, items)
    except Exception as error:  # noqa: BLE001 (not swallowed: raised again to the one who waits for the item)
        return Echec(error)
    if len(resultats) != len(items):
        return Echec(RuntimeError(f"{len(resultats)} résultats pour {len(items)} éléments"))
    return list(resultats)


def _is_disconnection(echec: Echec) -> bool:
    return isinstance(echec.cause, DBAPIError) and echec.cause.connection_invalidated
