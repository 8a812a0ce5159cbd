"""The tasks of each day: the last day that each has gone through, kept in the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from dispatching.tables import TACHE_DU_JOUR

_NOM = TACHE_DU_JOUR.c.nom
_JOUR = TACHE_DU_JOUR.c.jour


def mark_done(conn: Connection, nom: str, jour: date) -> None:
    """A task has gone through that day, whole; an earlier day changes nothing."""
    done = insert(TACHE_DU_JOUR).values(nom=nom, jour=jour)
    latest = func.greatest(_JOUR, done.excluded.jour)
    conn.execute(done.on_conflict_do_update(index_elements=["nom"], set_={"jour": latest}))


def last_done(conn: Connection, debut: str) -> Mapping[str, date]:
    """The last day of each task whose name begins so."""
    rows = conn.execute(select(_NOM, _JOUR).where(_NOM.startswith(debut, autoescape=True)))
    return {row.nom: row.jour for row in rows}
