"""What has not arrived, as a page shows it: counts that stop at a bound, whatever waits ([DST-21], [DST-45]).

`dispatching.attente` and `dispatching.rebut` count all of it, for the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, select, text

from dispatching.transport import Cause
from registry.guichets import CanalDistribution
from registry.tables import GUICHET

PLAFOND: Final = 1_000
"""A count above it says no more than that. Threat: a guichet that was silent for a year has a million."""


@dataclass(frozen=True, slots=True)
class Arriere:
    """What one guichet has not acknowledged. en_attente, en_echec: PLAFOND + 1 for more. depuis_le: when the
    oldest was made. retrait_le: when it last came, or None."""

    guichet: str
    nom: str
    canal: CanalDistribution
    actif: bool
    en_attente: int
    en_echec: int
    depuis_le: datetime
    retrait_le: datetime | None


@dataclass(frozen=True, slots=True)
class Rejet:
    """What failed for good for one guichet and one cause, of the first PLAFOND + 1 of the guichet."""

    guichet: str
    cause: Cause | None
    nombre: int
    premier_le: datetime
    dernier_le: datetime


# One walk down the partial indexes for each guichet that has something there.
_WAITING: Final = text("""
    SELECT g.code, g.nom, g.canal, g.ferme_le IS NULL AS actif, p.vu_le AS retrait_le,
        nouvelles.nombre + differees.nombre AS en_attente, echecs.nombre AS en_echec,
        least(nouvelles.depuis_le, differees.depuis_le, echecs.depuis_le) AS depuis_le
    FROM guichet g
    CROSS JOIN LATERAL (SELECT count(*) AS nombre, min(cree_le) AS depuis_le FROM (
        SELECT cree_le FROM distribution
        WHERE guichet = g.code AND etat = 'en_attente' AND NOT differee
        ORDER BY sequence LIMIT :plafond) AS d) AS nouvelles
    CROSS JOIN LATERAL (SELECT count(*) AS nombre, min(cree_le) AS depuis_le FROM (
        SELECT cree_le FROM distribution
        WHERE guichet = g.code AND etat = 'en_attente' AND differee
        ORDER BY sequence LIMIT :plafond) AS d) AS differees
    CROSS JOIN LATERAL (SELECT count(*) AS nombre, min(cree_le) AS depuis_le FROM (
        SELECT cree_le FROM distribution
        WHERE guichet = g.code AND etat = 'echec' ORDER BY sequence LIMIT :plafond) AS d) AS echecs
    LEFT JOIN passage p ON p.guichet = g.code
    WHERE g.code = ANY(CAST(:codes AS text[]))
        AND nouvelles.nombre + differees.nombre + echecs.nombre > 0
    ORDER BY depuis_le, g.code
""")
_FAILED: Final = text("""
    SELECT d.guichet, d.cause, count(*) AS nombre, min(d.termine_le) AS premier_le,
        max(d.termine_le) AS dernier_le
    FROM unnest(CAST(:codes AS text[])) AS g(code)
    CROSS JOIN LATERAL (
        SELECT guichet, cause, termine_le FROM distribution
        WHERE guichet = g.code AND etat = 'echec' ORDER BY sequence LIMIT :plafond) AS d
    GROUP BY 1, 2 ORDER BY 1, 2
""")


def list_arrieres(conn: Connection, guichets: ColumnElement[bool]) -> tuple[Arriere, ...]:
    """The guichets that have something left to acknowledge, those that have waited longest first.

    guichets: a condition on GUICHET.
    """
    values = {"codes": _codes(conn, guichets), "plafond": PLAFOND + 1}
    return tuple(
        Arriere(
            row.code,
            row.nom,
            CanalDistribution(row.canal),
            row.actif,
            min(row.en_attente, PLAFOND + 1),
            row.en_echec,
            row.depuis_le,
            row.retrait_le,
        )
        for row in conn.execute(_WAITING, values)
    )


def list_rejets(conn: Connection, guichets: ColumnElement[bool]) -> tuple[Rejet, ...]:
    """What has failed for good, by guichet and cause."""
    values = {"codes": _codes(conn, guichets), "plafond": PLAFOND + 1}
    return tuple(
        Rejet(row.guichet, row.cause and Cause(row.cause), row.nombre, row.premier_le, row.dernier_le)
        for row in conn.execute(_FAILED, values)
    )


def _codes(conn: Connection, guichets: ColumnElement[bool]) -> list[str]:
    return list(conn.scalars(select(GUICHET.c.code).where(guichets).order_by(GUICHET.c.code)))
