"""Going on after a restoration: what was given between the backup and the loss must not be given again.

The restored registry does not know the numbers that it gave since the backup; its partners do. The counters
are therefore moved on by a reserve, and the journal says so: whoever compares it with a head noted elsewhere
reads where it forked, and why ([EXP-24]).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, text

from registry.journal import Chaine, Entree
from registry.numero_unique import PLANCHER, SEQUENCE_MAX
from registry.suites import system

NATURE: Final = "REPRISE"
"""Nature of the journal entry."""

RESERVE: Final = 10_000
"""Numbers passed over in each territory and month, unless told otherwise: some ten days of the busiest
territory (40,000 demandes a month), out of the million that a month has."""

_LAY_FLOOR: Final = text("""
    INSERT INTO compteur_numero (territoire, mois, dernier) VALUES (:territoire, :mois, 0)
    ON CONFLICT DO NOTHING
""")
_MOVE_ON: Final = text("UPDATE compteur_numero SET dernier = least(dernier + :reserve, :maximum)")


def resume(conn: Connection, *, instant: datetime, sauvegarde: datetime, reserve: int) -> Entree:
    """Pass over `reserve` numbers of every counter, served or not yet, and journal it. The caller commits.

    instant: now, aware. sauvegarde: aware; the last instant that the restored registry knows.
    """
    chaine = Chaine.lock(conn)
    territoire, mois = PLANCHER
    conn.execute(_LAY_FLOOR, {"territoire": territoire, "mois": mois})
    conn.execute(_MOVE_ON, {"reserve": reserve, "maximum": SEQUENCE_MAX})
    detail = {"reserve": reserve, "sauvegarde": sauvegarde.astimezone(UTC).isoformat(timespec="seconds")}
    (entree,) = chaine.append([system(instant).entry(NATURE, detail=detail)])
    return entree
