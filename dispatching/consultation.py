"""The distributions as people look for them: of a guichet, of all, by number, period or state; latest first.

Each way of looking follows an index and reads a bounded number of rows, whatever the size of the stock: a
state that few distributions have, among millions, is looked for a window at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Row,
    Select,
    literal_column,
    select,
    true,
    union_all,
)

from dispatching.deliveries import Distribution, Etat, distribution_of
from dispatching.tables import COMPTEUR_DISTRIBUTION, DISTRIBUTION
from registry.fenetres import Colonnes, Visibles, between, read_window

_D: Final = DISTRIBUTION.c
_PARTIELS: Final[dict[Etat, ColumnElement[bool]]] = {
    Etat.EN_ATTENTE: literal_column("etat = 'en_attente'", Boolean),
    Etat.ECHEC: literal_column("etat = 'echec'", Boolean),
}
"""As the partial indexes are declared: a bound value would not let them be used."""


@dataclass(frozen=True, slots=True)
class Recherche:
    """What is looked for; empty and None ask for nothing. du, avant: when it was made; `avant` excluded."""

    guichet: str = ""
    numero: str = ""
    sequence: int | None = None
    etat: Etat | None = None
    du: datetime | None = None
    avant: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trouvees:
    """One page. suite: where the next one goes on, or empty at the end. The page may be short of what was
    asked for, even empty, while there is more: the window was read through."""

    distributions: tuple[Distribution, ...]
    suite: str = ""


def find_distributions(
    conn: Connection,
    recherche: Recherche,
    *,
    visibles: Visibles | None = None,
    suite: str = "",
    limite: int = 50,
) -> Trouvees:
    """Look for distributions, among those that may be seen. suite: `Trouvees.suite` of the page before;
    another text starts at the beginning."""
    seen = _all if visibles is None else visibles
    if recherche.numero:
        return _of_demande(conn, recherche, seen, limite)
    if recherche.guichet:
        return _of_guichet(conn, recherche, seen, suite, limite)
    if recherche.etat in _PARTIELS:
        return _of_all_by_guichet(conn, recherche, seen, suite, limite)
    return _of_all(conn, recherche, seen, suite, limite)


def sequence_at(conn: Connection, guichet: str, instant: datetime) -> int:
    """The first sequence of that guichet made at that instant or later; the next one to be made when there is
    none. The sequences of a guichet follow time: some twenty readings of one row."""
    last = conn.scalar(
        select(COMPTEUR_DISTRIBUTION.c.dernier).where(COMPTEUR_DISTRIBUTION.c.guichet == guichet)
    )
    low, high = 1, int(last or 0) + 1
    while low < high:
        middle = (low + high) // 2
        query = select(_D.cree_le).where(_D.guichet == guichet, _D.sequence >= middle)
        made = conn.scalar(query.order_by(_D.sequence).limit(1))
        if made is None or made >= instant:
            high = middle
        else:
            low = middle + 1
    return low


def _of_demande(conn: Connection, recherche: Recherche, visibles: Visibles, limite: int) -> Trouvees:
    query = select(DISTRIBUTION).where(
        _D.numero == recherche.numero, visibles(_D.guichet), *_others(recherche, _D)
    )
    if recherche.guichet:
        query = query.where(_D.guichet == recherche.guichet)
    return Trouvees(_read(conn, query.order_by(_D.id.desc()).limit(limite)))


def _of_guichet(
    conn: Connection, recherche: Recherche, visibles: Visibles, suite: str, limite: int
) -> Trouvees:
    query = select(DISTRIBUTION).where(_D.guichet == recherche.guichet, visibles(_D.guichet))
    if recherche.du is not None:
        query = query.where(_D.sequence >= sequence_at(conn, recherche.guichet, recherche.du))
    if recherche.avant is not None:
        query = query.where(_D.sequence < sequence_at(conn, recherche.guichet, recherche.avant))
    if recherche.sequence is not None:
        query = query.where(_D.sequence == recherche.sequence)
    if suite.isascii() and suite.isdigit() and len(suite) < 19:
        query = query.where(_D.sequence < int(suite))
    match recherche.etat:
        case None:
            rows = conn.execute(query.order_by(_D.sequence.desc()).limit(limite + 1)).all()
            return _page(rows, limite, "sequence")
        case Etat.ECHEC:
            query = query.where(_PARTIELS[Etat.ECHEC])
            rows = conn.execute(query.order_by(_D.sequence.desc()).limit(limite + 1)).all()
            return _page(rows, limite, "sequence")
        case Etat.EN_ATTENTE:
            return _page(_waiting(conn, query, limite), limite, "sequence")
        case etat:
            lot = read_window(conn, query, _D.sequence, lambda c: (c.etat == etat.value,), limite)
            return Trouvees(tuple(map(distribution_of, lot.lignes)), lot.suite)


def _waiting(conn: Connection, query: Select[Any], limite: int) -> Sequence[Row[Any]]:
    """New and put off, each from its part of the index."""
    parts = []
    new, put_off = _D.differee.is_(False), _D.differee.is_(True)
    for differee in (new, put_off):
        part = query.where(_PARTIELS[Etat.EN_ATTENTE], differee)
        parts.append(select(part.order_by(_D.sequence.desc()).limit(limite + 1).subquery()))
    both = union_all(*parts).subquery()
    return conn.execute(select(both).order_by(both.c.sequence.desc()).limit(limite + 1)).all()


def _of_all_by_guichet(
    conn: Connection, recherche: Recherche, visibles: Visibles, suite: str, limite: int
) -> Trouvees:
    """What has not arrived is few: by guichet, in the order of their indexes."""
    assert recherche.etat is not None
    query = select(DISTRIBUTION).where(
        _PARTIELS[recherche.etat], visibles(_D.guichet), *_dates(recherche, _D)
    )
    guichet, _, sequence = suite.partition(".")
    if sequence.isascii() and sequence.isdigit() and len(sequence) < 19:
        after = (_D.guichet > guichet) | ((_D.guichet == guichet) & (_D.sequence > int(sequence)))
        query = query.where(_D.guichet >= guichet, after)
    rows = conn.execute(query.order_by(_D.guichet, _D.sequence).limit(limite + 1)).all()
    more = len(rows) > limite
    last = rows[limite - 1] if more else None
    return Trouvees(
        tuple(map(distribution_of, rows[:limite])), f"{last.guichet}.{last.sequence}" if last else ""
    )


def _of_all(conn: Connection, recherche: Recherche, visibles: Visibles, suite: str, limite: int) -> Trouvees:
    """In the order of their identifiers, which is that of time."""
    query = between(select(DISTRIBUTION), _D.id, recherche.du, recherche.avant, suite)
    lot = read_window(conn, query, _D.id, lambda c: (visibles(c.guichet), *_others(recherche, c)), limite)
    return Trouvees(tuple(map(distribution_of, lot.lignes)), lot.suite)


def _all(_column: ColumnElement[str]) -> ColumnElement[bool]:
    return true()


def _others(recherche: Recherche, columns: Colonnes) -> list[ColumnElement[bool]]:
    conditions = _dates(recherche, columns)
    if recherche.etat is not None:
        conditions.append(columns.etat == recherche.etat.value)
    if recherche.sequence is not None:
        conditions.append(columns.sequence == recherche.sequence)
    return conditions


def _dates(recherche: Recherche, columns: Colonnes) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if recherche.du is not None:
        conditions.append(columns.cree_le >= recherche.du)
    if recherche.avant is not None:
        conditions.append(columns.cree_le < recherche.avant)
    return conditions


def _page(rows: Sequence[Row[Any]], limite: int, key: str) -> Trouvees:
    found = tuple(map(distribution_of, rows[:limite]))
    return Trouvees(found, str(rows[limite - 1]._mapping[key]) if len(rows) > limite else "")


def _read(conn: Connection, query: Select[Any]) -> tuple[Distribution, ...]:
    return tuple(distribution_of(row) for row in conn.execute(query))
