"""Reading long tables a page at a time, backwards, in a bounded number of rows.

A condition that few rows meet would otherwise have the database read millions of them for one page. Here a
page reads a window at most: it may be short, even empty, and tell where the next one goes on.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

FENETRE: Final = 10_000
"""Rows read at most for one page."""

Colonnes = ReadOnlyColumnCollection[str, Any]
Visibles = Callable[[ColumnElement[str]], ColumnElement[bool]]
"""From a column that holds a code of guichet, the condition under which its row may be seen."""


@dataclass(frozen=True, slots=True)
class Lot:
    """One page. suite: the key after which the next one goes on, or empty at the end."""

    lignes: Sequence[Row[Any]]
    suite: str


def read_window(
    conn: Connection,
    query: Select[Any],
    key: ColumnElement[Any],
    kept: Callable[[Colonnes], Sequence[ColumnElement[bool]]],
    limite: int,
    fenetre: int | None = None,
    *,
    par_cles: bool = False,
) -> Lot:
    """The first `limite` rows that meet the conditions, among the next rows of a query by descending key.

    query: whole rows, bounded by what an index knows. kept: conditions on the columns given. key: unique,
    with an index in the order of the query. par_cles: the keys are found first, in an index that holds all
    that bounds the query; the database would otherwise walk down the key itself, through the rows of
    everybody, when it takes those of a guichet for evenly spread in time.
    """
    bound = FENETRE if fenetre is None else fenetre
    name = str(key.key)
    keys = query.with_only_columns(key).order_by(key.desc())
    if par_cles:
        found = keys.limit(bound).subquery()
        (table,) = query.get_final_froms()
        window = select(table).join(found, found.c[name] == key).subquery()
    else:
        window = query.order_by(key.desc()).limit(bound).subquery()
    wanted = select(window).where(*kept(window.c)).order_by(window.c[name].desc()).limit(limite + 1)
    rows = conn.execute(wanted).all()
    if len(rows) > limite:
        return Lot(rows[:limite], str(rows[limite - 1]._mapping[name]))
    ends = conn.execute(keys.offset(bound - 1).limit(1)).first()
    return Lot(rows, "" if ends is None else str(ends._mapping[name]))


def first_id(instant: datetime) -> uuid.UUID:
    """The smallest UUID version 7 of that millisecond (RFC 9562 §5.7)."""
    return uuid.UUID(int=(int(instant.timestamp() * 1000) & (2**48 - 1)) << 80)


def between(
    query: Select[Any],
    key: ColumnElement[Any],
    du: datetime | None,
    avant: datetime | None,
    suite: str,
) -> Select[Any]:
    """Bound a query by the instants that its keys, UUIDs version 7, tell, and by where the last page ended;
    a text that is no UUID bounds nothing."""
    if du is not None:
        query = query.where(key >= first_id(du))
    if avant is not None:
        query = query.where(key < first_id(avant))
    before = read_uuid(suite)
    return query if before is None else query.where(key < before)


def read_uuid(text: str) -> uuid.UUID | None:
    """The UUID that a text writes, or None."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
