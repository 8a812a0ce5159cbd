"""Letting go of the mails that were kept, once they are of no more use: they hold nominative data.

What stays says what came, from whom, what became of it and its digests. What waits, or has failed, is kept
until the retention of the register ends ([COU-70]); what a demande erased came by goes with it, before
(`registry.effacement`, [COU-71]).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

_ABANDONNES: Final = (
    text("""
        UPDATE courrier_entrant SET etat = 'quarantaine', porteur = NULL, termine_le = :instant,
            motif = 'jamais traité avant la fin de la conservation'
        WHERE etat = 'recu' AND recu_le < :limite
    """),
    text("""
        UPDATE courrier_sortant SET etat = 'echec', prochaine_tentative = NULL, termine_le = :instant,
            detail = 'conservation échue'
        WHERE etat IN ('a_envoyer', 'attend_accuse') AND cree_le < :limite
    """),
    text("""
        UPDATE courrier_fichier f SET reponse = NULL FROM courrier_entrant e
        WHERE e.id = f.courrier AND f.reponse IS NOT NULL AND e.recu_le < :limite
    """),
)
_BRUTS: Final = text("""
    DELETE FROM courrier_brut b USING courrier_entrant e
    WHERE e.id = b.courrier AND (e.termine_le < :avant OR e.recu_le < :limite)
""")
_CONTENUS: Final = text("""
    DELETE FROM courrier_contenu c USING courrier_sortant s
    WHERE s.id = c.courrier AND (s.termine_le < :avant OR s.cree_le < :limite)
""")


def purge(conn: Connection, avant: datetime, limite: datetime, *, instant: datetime) -> tuple[int, int]:
    """Delete the bytes of what ended before `avant`, and of all that is older than `limite` (aware); how many
    messages received, and sent. For a dry run, roll back.

    limite: start of the retention (`registry.effacement.limite_of`). What still waited then waits no more.
    """
    valeurs = {"avant": avant, "limite": limite, "instant": instant}
    for statement in _ABANDONNES:
        conn.execute(statement, valeurs)
    return conn.execute(_BRUTS, valeurs).rowcount, conn.execute(_CONTENUS, valeurs).rowcount
