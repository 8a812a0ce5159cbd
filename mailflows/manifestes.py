"""The manifests, put in the outbox for the guichets that are reached by mail ([DST-66])."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from sqlalchemy import Connection, text

from dispatching.deliveries import uuid7s
from dispatching.manifestes import name_of
from mailflows import fermeture, sortants
from mailflows.message_emis import write_entity
from mailflows.sortants import ASortir, NatureSortant
from registry.controles import PARIS
from registry.echanges import Fichier

JOURS: Final = 31
"""Days whose manifests are sent to a guichet that comes to this channel; it may ask for the older ones."""

_WAITING: Final = text("""
    SELECT m.guichet, m.jour FROM guichet g
    JOIN manifeste m ON m.guichet = g.code AND m.jour > :depuis AND m.poste_le IS NULL
    WHERE g.canal = 'courrier' AND g.adresse_courrier <> '' AND g.ferme_le IS NULL
    ORDER BY m.guichet, m.jour
""")
_MARK: Final = text("""
    UPDATE manifeste SET poste_le = :instant
    WHERE guichet = :guichet AND jour = ANY(:jours) AND poste_le IS NULL
    RETURNING jour, octets
""")


def post_manifestes(
    conn: Connection, *, instant: datetime, configuree: fermeture.Fermeture | None = None
) -> int:
    """Write to the guichets of the mail channel the manifests that they were not sent, once; how many.

    Several days are one message. configuree: the cut-off that the configuration announces.
    """
    depuis = instant.astimezone(PARIS).date() - timedelta(days=JOURS)
    waiting = conn.execute(_WAITING, {"depuis": depuis}).all()
    posted = 0
    for guichet, rows in groupby(waiting, key=lambda row: str(row.guichet)):
        if fermeture.is_closed(fermeture.find(conn, guichet, configuree), instant):
            continue
        values = {"guichet": guichet, "jours": [row.jour for row in rows], "instant": instant}
        marked = sorted(conn.execute(_MARK, values).all(), key=lambda row: row.jour)
        if marked:
            (ident,) = uuid7s(instant, 1)
            entite = write_entity([Fichier(name_of(guichet, row.jour), row.octets) for row in marked])
            message = ASortir(ident, guichet, NatureSortant.MANIFESTE, ident, 1, 1, entite)
            sortants.write(conn, [message], instant=instant)
        posted += len(marked)
    return posted
