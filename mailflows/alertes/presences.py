"""The days on which something came of each guichet: kept as they come, so that a habit is a small read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, text

from mailflows.alertes.faits import Presence
from mailflows.alertes.regles import FENETRE
from registry.controles import PARIS
from registry.fenetres import first_id

_RETARD: Final = timedelta(minutes=2)
"""How late an exchange may be committed after its instant: what was read so long before is read again."""
_GARDE: Final = 2 * FENETRE


class Sens(StrEnum):
    """What came. Stored; never renamed."""

    APPEL = "appel"
    """A message, by web service or by mail."""
    PASSAGE = "passage"
    """It came for its distributions."""


_KEEP: Final = text("""
    INSERT INTO presence_guichet (guichet, sens, jour, premiere_le, derniere_le)
    SELECT guichet, sens, (le AT TIME ZONE 'Europe/Paris')::date, min(le), max(le) FROM (
        SELECT guichet, 'appel' AS sens, recu_le AS le FROM echange WHERE id >= CAST(:premier AS uuid)
        UNION ALL
        SELECT guichet, 'appel', recu_le FROM courrier_entrant
        WHERE id >= CAST(:premier AS uuid) AND guichet IS NOT NULL
        UNION ALL
        SELECT guichet, 'passage', vu_le FROM passage WHERE vu_le >= :depuis
    ) AS venus
    GROUP BY 1, 2, 3
    ON CONFLICT (guichet, sens, jour) DO UPDATE SET
        premiere_le = least(presence_guichet.premiere_le, excluded.premiere_le),
        derniere_le = greatest(presence_guichet.derniere_le, excluded.derniere_le)
""")
_FORGET: Final = text("""
    DELETE FROM presence_guichet p USING (
        SELECT guichet, sens, max(jour) AS dernier FROM presence_guichet GROUP BY guichet, sens) AS d
    WHERE p.guichet = d.guichet AND p.sens = d.sens AND p.jour < d.dernier - :garde
""")
_LAST: Final = text("""
    SELECT guichet, max(derniere_le) AS derniere_le FROM presence_guichet WHERE sens = :sens GROUP BY guichet
""")
_DAYS: Final = text("""
    SELECT p.guichet, p.premiere_le, p.derniere_le FROM presence_guichet p
    JOIN (SELECT guichet, max(jour) AS dernier FROM presence_guichet
        WHERE sens = :sens AND guichet = ANY(:guichets) GROUP BY guichet) AS d ON d.guichet = p.guichet
    WHERE p.sens = :sens AND p.jour > d.dernier - :fenetre
    ORDER BY p.guichet, p.jour
""")
_SERVED: Final = text("""
    SELECT count(DISTINCT jour) FROM presence_guichet WHERE sens = 'appel' AND jour > CAST(:depuis AS date)
""")


def keep_presences(conn: Connection, depuis: datetime, instant: datetime) -> None:
    """Keep the days of what came since then, and forget the old ones once a day. Again gives the same."""
    since = depuis - _RETARD
    conn.execute(_KEEP, {"premier": str(first_id(since)), "depuis": since})
    if depuis.astimezone(PARIS).date() != instant.astimezone(PARIS).date():
        conn.execute(_FORGET, {"garde": _GARDE.days})


def read_presences(conn: Connection, sens: Sens, silencieux_depuis: datetime) -> Mapping[str, Presence]:
    """When each guichet last came; with the days before for those silent since then: the others need none."""
    last = {row.guichet: row.derniere_le for row in conn.execute(_LAST, {"sens": sens.value})}
    silent = [guichet for guichet, le in last.items() if le < silencieux_depuis]
    days = _read_days(conn, sens, silent) if silent else {}
    return {guichet: Presence(le, tuple(days.get(guichet, ()))) for guichet, le in last.items()}


def count_served(conn: Connection, instant: datetime) -> int:
    """Days on which anything came of anybody, in the last weeks."""
    return int(conn.execute(_SERVED, {"depuis": (instant - FENETRE).date()}).scalar_one())


def _read_days(
    conn: Connection, sens: Sens, guichets: Collection[str]
) -> Mapping[str, list[tuple[datetime, datetime]]]:
    values = {"sens": sens.value, "guichets": list(guichets), "fenetre": FENETRE.days}
    found: dict[str, list[tuple[datetime, datetime]]] = {}
    for row in conn.execute(_DAYS, values):
        found.setdefault(row.guichet, []).append((row.premiere_le, row.derniere_le))
    return found
