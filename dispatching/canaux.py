"""The channel of a guichet, and what a change of channel does to what waits ([DST-20] to [DST-22]).

A distribution does not belong to a channel: it waits for its guichet, and travels by the channel that the
guichet has when it is taken. Changing channel therefore loses and doubles nothing; what is in flight by the
old one may still be acknowledged, and is then not sent again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from registry.constats import Constat
from registry.guichets import CanalDistribution
from registry.guichets_store import set_canal

ADRESSE: Final = """
    CASE c.canal WHEN 'push' THEN g.adresse_reception WHEN 'courrier' THEN g.adresse_courrier END
"""
"""SQL: the address of `guichet AS g` for the channel `c.canal`."""

# What is being sent now keeps its lease: two sendings of one distribution never run at once. The attempts by
# the old channel no longer count.
_DUE_NOW: Final = text("""
    UPDATE distribution d SET prochaine_tentative = :instant, tentatives_oubliees = d.tentatives
    WHERE d.guichet = :guichet AND d.etat = 'en_attente' AND d.differee AND d.prochaine_tentative > :instant
        AND NOT EXISTS (
            SELECT FROM tentative t
            WHERE t.distribution = d.id AND t.rang = d.tentatives AND t.terminee_le IS NULL)
""")
_FORGET: Final = text("""
    WITH reglage AS (
        UPDATE remise_guichet SET principal = NULL, bascule_le = NULL WHERE guichet = :guichet
    )
    DELETE FROM disjoncteur WHERE guichet = :guichet
""")
_TELL: Final = text("SELECT pg_notify('distribution', '')")


def switch_canal(
    conn: Connection, guichet: str, canal: CanalDistribution, *, instant: datetime
) -> tuple[Constat, ...]:
    """Change the channel of a guichet at the word of a person; empty answer when done.

    What waited for the schedule of the old channel, or for an acknowledgement that may not come, is due at
    once by the new one; the failures of the old one are forgotten, and nothing comes back to it by itself.
    """
    constats = set_canal(conn, guichet, canal)
    if constats:
        return constats
    conn.execute(_FORGET, {"guichet": guichet})
    make_due(conn, guichet, instant=instant)
    return ()


def make_due(conn: Connection, guichet: str, *, instant: datetime) -> None:
    """Make due at once all that waits for a guichet, but what is being sent."""
    conn.execute(_DUE_NOW, {"guichet": guichet, "instant": instant})
    conn.execute(_TELL)
