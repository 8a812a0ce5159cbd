"""Handling again what is in quarantine, sending again what failed: at the word of the operator."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from mailflows import entrants, sortants
from mailflows.etats import Etat, Evenement, ReglesEnvoi


def replay_courriers(
    conn: Connection, ids: Sequence[uuid.UUID], *, instant: datetime
) -> frozenset[uuid.UUID]:
    """Those that were in quarantine, not purged, or failed, or waiting for no accusé: the others are left.

    Nothing is done twice: a file that was accepted gets its first answer.
    """
    done = set(entrants.replay(conn, ids, instant=instant))
    for key in ids:
        sortant = sortants.get_sortant(conn, key)
        if sortant is not None and sortant.situation.etat in (Etat.ECHEC, Etat.ENVOYE):
            # The rules of sending say nothing of a replay: it leaves at once.
            sortants.apply(conn, key, Evenement.REJEU, "renvoyé", instant=instant, regles=ReglesEnvoi())
            done.add(key)
    return frozenset(done)
