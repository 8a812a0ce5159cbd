"""Letting go of the mails that were kept, once they are of no more use: they hold nominative data.

What stays says what came, from whom, what became of it and its digests. What waits, or has failed, is kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

_BRUTS: Final = text("""
    DELETE FROM courrier_brut b USING courrier_entrant e
    WHERE e.id = b.courrier AND e.etat <> 'recu' AND e.termine_le < :avant
""")
_CONTENUS: Final = text("""
    DELETE FROM courrier_contenu c USING courrier_sortant s
    WHERE s.id = c.courrier AND s.etat IN ('envoye', 'acquitte', 'echec') AND s.termine_le < :avant
""")


def purge(conn: Connection, avant: datetime) -> tuple[int, int]:
    """Delete the bytes of what ended before that instant (aware); how many messages received, and sent."""
    recus = conn.execute(_BRUTS, {"avant": avant}).rowcount
    emis = conn.execute(_CONTENUS, {"avant": avant}).rowcount
    return recus, emis
