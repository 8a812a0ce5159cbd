"""How much has not arrived, all guichets together: by channel for what waits, by cause for what failed.

The same counts as `dispatching.arrieres`, which tells them guichet by guichet, added by the database: a page
of the whole country would otherwise read hundreds of rows for a handful of lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from dispatching import arrieres
from dispatching.transport import Cause
from registry.guichets import CanalDistribution


@dataclass(frozen=True, slots=True)
class Attente:
    """What waits on a channel, `arrieres.PLAFOND` counted for each guichet at most: more when `au_moins`.
    depuis_le: when the oldest was made."""

    canal: CanalDistribution
    guichets: int
    nombre: int
    au_moins: bool
    depuis_le: datetime


@dataclass(frozen=True, slots=True)
class Echecs:
    """What failed for good of one cause, counted likewise."""

    cause: Cause | None
    nombre: int
    guichets: int
    au_moins: bool


_WAITING: Final = {
    some: text(f"""
        WITH RECURSIVE {arrieres.WAIT}, siens AS (SELECT code FROM attend {wanted})
        SELECT g.canal, count(*) AS guichets, sum(least(d.nombre, :plafond))::bigint AS nombre,
            bool_or(d.nombre > :plafond) AS au_moins, min({arrieres.WAITS_SINCE}) AS depuis_le
        FROM siens JOIN guichet g ON g.code = siens.code
        CROSS JOIN LATERAL (SELECT count(*) AS nombre FROM (
            SELECT FROM distribution WHERE guichet = siens.code AND etat = 'en_attente'
            LIMIT :plafond + 1) AS premieres) AS d
        GROUP BY g.canal ORDER BY g.canal
    """)  # noqa: S608 (constant conditions)
    for some, wanted in arrieres.OF_THOSE.items()
}
_FAILED: Final = {
    some: text(f"""
        WITH RECURSIVE {arrieres.FAIL}, siens AS (SELECT code FROM echoue {wanted}), causes AS (
            SELECT d.cause, count(*) AS nombre FROM siens
            CROSS JOIN LATERAL (
                SELECT cause FROM distribution WHERE guichet = siens.code AND etat = 'echec'
                ORDER BY guichet, sequence LIMIT :plafond + 1) AS d
            GROUP BY siens.code, d.cause
        )
        SELECT cause, sum(least(nombre, :plafond))::bigint AS nombre, count(*) AS guichets,
            bool_or(nombre > :plafond) AS au_moins
        FROM causes GROUP BY cause ORDER BY nombre DESC, cause NULLS FIRST
    """)  # noqa: S608 (constant conditions)
    for some, wanted in arrieres.OF_THOSE.items()
}


def sum_waiting(conn: Connection, codes: Sequence[str] | None = None) -> tuple[Attente, ...]:
    """What waits, for those guichets or for all, in the order of the channels."""
    return tuple(
        Attente(CanalDistribution(row.canal), row.guichets, row.nombre, row.au_moins, row.depuis_le)
        for row in conn.execute(_WAITING[codes is not None], _values(codes))
    )


def sum_failed(conn: Connection, codes: Sequence[str] | None = None) -> tuple[Echecs, ...]:
    """What failed for good, for those guichets or for all, the most frequent cause first."""
    return tuple(
        Echecs(row.cause and Cause(row.cause), row.nombre, row.guichets, row.au_moins)
        for row in conn.execute(_FAILED[codes is not None], _values(codes))
    )


def _values(codes: Sequence[str] | None) -> dict[str, object]:
    return {**arrieres.values_of(codes), "plafond": arrieres.PLAFOND}
