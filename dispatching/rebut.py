"""What has failed for good: how it gets there by its deadline, and what there is ([DST-44], [DST-45]).

It stays in its sequence: visible, pulled by the guichet if it comes, replayed by `deliveries.replay`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from dispatching.attempts import DELIVRER
from dispatching.retry import ReglesRemise
from registry.guichets import CanalDistribution

LOT_MAX: Final = 1_000
"""Distributions of one guichet declared failed at a time."""

# What waits is in the order of its making: when the first is within the deadline, nothing more is read of
# that guichet.
_EXPIRE: Final = text(f"""
    WITH echues AS MATERIALIZED (
        SELECT d.id FROM guichet g CROSS JOIN (VALUES (false), (true)) AS sorte(differee)
        CROSS JOIN LATERAL (
            SELECT d.id FROM distribution d
            WHERE d.guichet = g.code AND d.etat = 'en_attente' AND d.differee = sorte.differee
                AND (SELECT premiere.cree_le FROM distribution premiere
                    WHERE premiere.guichet = g.code AND premiere.etat = 'en_attente'
                        AND premiere.differee = sorte.differee
                    ORDER BY premiere.sequence LIMIT 1) <= :limite
                AND coalesce(d.relancee_le, d.cree_le) <= :limite
            ORDER BY d.sequence LIMIT :lot FOR UPDATE OF d SKIP LOCKED
        ) AS d
        WHERE g.canal = :canal AND g.ferme_le IS NULL
    ), finies AS (
        UPDATE distribution d SET etat = 'echec', cause = 'echeance', termine_le = :instant
        FROM echues WHERE d.id = echues.id RETURNING d.numero, d.guichet, d.sequence
    ), delivrees AS ({DELIVRER})
    SELECT count(*) FROM finies
""")  # noqa: S608 (constant expression)
_SUMMARISE: Final = text("""
    SELECT guichet, coalesce(cause, '') AS cause, count(*) AS nombre, min(termine_le) AS premier_le,
        max(termine_le) AS dernier_le
    FROM distribution WHERE etat = 'echec' GROUP BY 1, 2 ORDER BY 1, 2
""")


@dataclass(frozen=True, slots=True)
class Rebut:
    """What failed for good for one guichet and one cause (`transport.Cause`), and when: first and last."""

    guichet: str
    cause: str
    nombre: int
    premier_le: datetime
    dernier_le: datetime


def expire(conn: Connection, *, instant: datetime, regles: ReglesRemise) -> int:
    """Declare failed for good what its deadline has caught, tried or not; how many.

    What is being sent may be too: its acknowledgement counts all the same. Nothing has a deadline while its
    guichet pulls. One call takes at most LOT_MAX of each guichet: the next goes on.
    """
    done = 0
    for canal in (CanalDistribution.PUSH, CanalDistribution.COURRIER):
        limite = instant - regles.echeancier(canal).echeance
        values = {"instant": instant, "canal": canal.value, "limite": limite, "lot": LOT_MAX}
        done += int(conn.execute(_EXPIRE, values).scalar_one())
    return done


def summarise(conn: Connection) -> tuple[Rebut, ...]:
    """All that has failed for good, by guichet and cause."""
    return tuple(
        Rebut(row.guichet, row.cause, row.nombre, row.premier_le, row.dernier_le)
        for row in conn.execute(_SUMMARISE)
    )
