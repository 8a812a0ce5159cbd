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
    exists,
    literal_column,
    select,
    text,
    true,
    union_all,
)

from dispatching.deliveries import Distribution, Etat, distribution_of
from dispatching.tables import COMPTEUR_DISTRIBUTION, DISTRIBUTION
from registry.fenetres import Colonnes, Visibles, between, read_window
from registry.tables import GUICHET

_D: Final = DISTRIBUTION.c
_PARTIELS: Final[dict[Etat, ColumnElement[bool]]] = {
    Etat.EN_ATTENTE: literal_column("etat = 'en_attente'", Boolean),
    Etat.ECHEC: literal_column("etat = 'echec'", Boolean),
}
"""As the partial indexes are declared: a bound value would not let them be used."""


_PART: Final = """(SELECT * FROM distribution WHERE guichet = g.code AND {partie}
            AND sequence > CASE WHEN g.code = :apres THEN :sequence ELSE 0 END
            AND (CAST(:du AS timestamptz) IS NULL OR cree_le >= :du)
            AND (CAST(:avant AS timestamptz) IS NULL OR cree_le < :avant)
            ORDER BY sequence LIMIT :limite)"""
_BY_GUICHET: Final = {
    etat: text(f"""
        SELECT d.* FROM unnest(CAST(:codes AS text[])) AS g(code)
        CROSS JOIN LATERAL ({" UNION ALL ".join(_PART.format(partie=partie) for partie in parties)}) AS d
        ORDER BY d.guichet, d.sequence LIMIT :limite
    """)  # noqa: S608 (constant conditions)
    for etat, parties in {
        Etat.EN_ATTENTE: ("etat = 'en_attente' AND NOT differee", "etat = 'en_attente' AND differee"),
        Etat.ECHEC: ("etat = 'echec'",),
    }.items()
}


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
    """What has not arrived, by guichet then sequence: from one guichet that has some to the next, then the
    first rows of each, by the partial indexes. One sort of all that waits would read a million rows."""
    etat = recherche.etat
    assert etat in _BY_GUICHET
    guichet, _, sequence = suite.partition(".")
    known = sequence.isascii() and sequence.isdigit() and len(sequence) < 19
    some = exists().where(_D.guichet == GUICHET.c.code, _PARTIELS[etat])
    query = select(GUICHET.c.code).where(visibles(GUICHET.c.code), some)
    if known:
        query = query.where(GUICHET.c.code >= guichet)
    codes = list(conn.scalars(query.order_by(GUICHET.c.code).limit(limite + 1)))
    values = {
        "codes": codes[:limite],
        "apres": guichet if known else "",
        "sequence": int(sequence) if known else 0,
        "du": recherche.du,
        "avant": recherche.avant,
        "limite": limite + 1,
    }
    rows = conn.execute(_BY_GUICHET[etat], values).all()
    if len(rows) > limite:
        last = rows[limite - 1]
        return Trouvees(tuple(map(distribution_of, rows[:limite])), f"{last.guichet}.{last.sequence}")
    return Trouvees(tuple(map(distribution_of, rows)), f"{codes[limite]}.0" if len(codes) > limite else "")


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
