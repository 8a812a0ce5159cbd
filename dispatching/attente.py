"""What has not arrived, by guichet, for whoever operates the hub ([DST-21]).

A guichet that comes for its distributions never fails: only their age tells that it does not come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from registry.guichets import CanalDistribution


@dataclass(frozen=True, slots=True)
class Attente:
    """What one guichet has not acknowledged. depuis_le: when the oldest was made.

    retrait_le: when it last came, or None. suspendu_jusqu_a: when it cannot be reached.
    """

    guichet: str
    nom: str
    canal: CanalDistribution
    actif: bool
    en_attente: int
    en_echec: int
    depuis_le: datetime
    retrait_le: datetime | None
    suspendu_jusqu_a: datetime | None


_READ: Final = text("""
    SELECT g.code, g.nom, g.canal, g.ferme_le IS NULL AS actif, reste.en_attente, reste.en_echec,
        reste.depuis_le, e.suspendu_jusqu_a, p.vu_le AS retrait_le
    FROM (
        SELECT guichet, count(*) FILTER (WHERE etat = 'en_attente') AS en_attente,
            count(*) FILTER (WHERE etat = 'echec') AS en_echec, min(cree_le) AS depuis_le
        FROM distribution WHERE etat = 'en_attente' OR etat = 'echec' GROUP BY guichet
    ) AS reste
    JOIN guichet g ON g.code = reste.guichet
    LEFT JOIN disjoncteur e ON e.guichet = g.code AND e.canal = g.canal
    LEFT JOIN passage p ON p.guichet = g.code
    ORDER BY reste.depuis_le, g.code
""")


def list_waiting(conn: Connection) -> tuple[Attente, ...]:
    """The guichets that have something left to acknowledge, those that have waited longest first."""
    return tuple(
        Attente(
            row.code,
            row.nom,
            CanalDistribution(row.canal),
            row.actif,
            row.en_attente,
            row.en_echec,
            row.depuis_le,
            row.retrait_le,
            row.suspendu_jusqu_a,
        )
        for row in conn.execute(_READ)
    )
