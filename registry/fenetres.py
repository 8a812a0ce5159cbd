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

from sqlalchemy import ColumnElement, Connection, Row, Select, select, true
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
) -> Lot:
    """The first `limite` rows that meet the conditions, among the next rows of a query by descending key.

    query: whole rows, bounded by what an index knows. kept: conditions on the columns given. key: unique,
    with an index in the order of the query.
    """
    bound = FENETRE if fenetre is None else fenetre
    window = query.order_by(key.desc()).limit(bound).subquery()
    wanted = select(window).where(*kept(window.c)).order_by(window.c[str(key.key)].desc())
    return _read(conn, wanted, query.with_only_columns(key).order_by(key.desc()), limite, bound)


def read_keys(
    conn: Connection,
    query: Select[Any],
    key: ColumnElement[Any],
    keys: Select[Any],
    kept: Callable[[Colonnes, Colonnes], Sequence[ColumnElement[bool]]],
    limite: int,
) -> Lot:
    """As `read_window`, when the keys are to be found first, in an index that holds all that bounds the
    query: that of another table, or one that the database would leave for the key itself, through the rows
    of everybody, when it takes those of a guichet for evenly spread in time.

    query: whole rows. key: theirs. keys: what bounds them; the first column is the key, the others may be
    asked about. kept: conditions, from the columns of `keys` and those of the rows.
    """
    own = keys.selected_columns[0]
    keys = keys.order_by(own.desc())
    window = keys.limit(FENETRE).subquery()
    ranged = window.c[str(own.key)]
    # One by one, in the order of the keys: joined as a whole, the database may read the table through.
    row = query.where(key == ranged).limit(1).lateral()
    wanted = select(row).select_from(window.join(row, true())).where(*kept(window.c, row.c))
    wanted = wanted.order_by(ranged.desc())
    return _read(conn, wanted, keys.with_only_columns(own), limite, FENETRE)


def _read(conn: Connection, wanted: Select[Any], keys: Select[Any], limite: int, fenetre: int) -> Lot:
    """One page of `wanted`, by descending key, in a window of that many of `keys`, in the same order."""
    rows = conn.execute(wanted.limit(limite + 1)).all()
    name = str(keys.selected_columns[0].key)
    if len(rows) > limite:
        return Lot(rows[:limite], str(rows[limite - 1]._mapping[name]))
    ends = conn.execute(keys.offset(fenetre - 1).limit(1)).first()
    return Lot(rows, "" if ends is None else str(ends[0]))


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
