"""The drafts of filters that a guichet keeps: without effect until one is put in force ([FIL-45]).

A draft may be written again as often as one likes; what is put in force becomes a version (filters.store),
which is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, delete, select
from sqlalchemy.dialects.postgresql import insert

from filters.language import MAX_FILTRES, Filtre, conditions_to_json, filtre_from_json
from filters.store import VersionFiltre, save_filtre
from filters.tables import FILTRE_BROUILLON
from registry.constats import Constat
from registry.tables import GUICHET

_B: Final = FILTRE_BROUILLON.c


@dataclass(frozen=True, slots=True)
class Brouillon:
    """A draft of a filter. maj_le: when it was last written."""

    guichet: str
    filtre: Filtre
    maj_le: datetime


def keep_brouillon(
    conn: Connection, guichet: str, filtre: Filtre, *, instant: datetime
) -> Brouillon | tuple[Constat, ...]:
    """Keep a draft, in place of the one of the same name."""
    # Locked: the count below is of one guichet at a time.
    known = select(GUICHET.c.code).where(GUICHET.c.code == guichet).with_for_update(key_share=True)
    if conn.execute(known).first() is None:
        return (Constat("GUICHET-INCONNU", "guichet", f"aucun guichet n'a le code {guichet}"),)
    others = [each for each in list_brouillons(conn, guichet) if each.filtre.nom != filtre.nom]
    if len(others) >= MAX_FILTRES:
        text = f"le guichet {guichet} a déjà {len(others)} brouillons, {MAX_FILTRES} au plus"
        return (Constat("FILTRE-NOMBRE", "nom", text),)
    row = {"conditions": conditions_to_json(filtre), "maj_le": instant}
    statement = insert(FILTRE_BROUILLON).values(guichet=guichet, nom=filtre.nom, **row)
    conn.execute(statement.on_conflict_do_update(index_elements=[_B.guichet, _B.nom], set_=row))
    return Brouillon(guichet, filtre, instant)


def list_brouillons(conn: Connection, guichet: str | None = None) -> tuple[Brouillon, ...]:
    """The drafts, by guichet and name."""
    query = select(_B.guichet, _B.nom, _B.conditions, _B.maj_le).order_by(_B.guichet, _B.nom)
    if guichet is not None:
        query = query.where(_B.guichet == guichet)
    return tuple(_brouillon(row) for row in conn.execute(query))


def get_brouillon(conn: Connection, guichet: str, nom: str, *, verrou: bool = False) -> Brouillon | None:
    """One draft, or None. verrou: nobody else writes it until the end of the transaction."""
    query = select(_B.guichet, _B.nom, _B.conditions, _B.maj_le).where(_B.guichet == guichet, _B.nom == nom)
    row = conn.execute(query.with_for_update() if verrou else query).first()
    return None if row is None else _brouillon(row)


def drop_brouillon(conn: Connection, guichet: str, nom: str) -> Brouillon | None:
    """Drop a draft; None when there is none."""
    query = delete(FILTRE_BROUILLON).where(and_(_B.guichet == guichet, _B.nom == nom))
    row = conn.execute(query.returning(_B.guichet, _B.nom, _B.conditions, _B.maj_le)).first()
    return None if row is None else _brouillon(row)


def activate_brouillon(
    conn: Connection, guichet: str, nom: str, *, instant: datetime, effet_le: datetime | None = None
) -> VersionFiltre | tuple[Constat, ...]:
    """Put a draft in force from `effet_le`, by default `instant`: it becomes a version, a draft no more.

    When it is refused, the caller rolls back: the draft is kept.
    """
    found = drop_brouillon(conn, guichet, nom)
    if found is None:
        text = f"le guichet {guichet} n'a pas de brouillon « {nom} »"
        return (Constat("FILTRE-INCONNU", "nom", text),)
    return save_filtre(conn, guichet, found.filtre, instant=instant, effet_le=effet_le)


def _brouillon(row: Row[Any, Any, Any, Any]) -> Brouillon:
    return Brouillon(row.guichet, filtre_from_json(row.nom, row.conditions), row.maj_le)
