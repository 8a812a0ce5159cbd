"""What became of the exchanges that asked for a change of the register, kept in its transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from registry.echanges import Echange
from registry.exchanges_store import Issue, Statut, record_outcomes, relax
from registry.registration import Enregistrement, Resultat


class _Recu(Protocol):
    @property
    def echange(self) -> Echange: ...


def record_results(
    conn: Connection, items: Sequence[_Recu], resultats: Sequence[Resultat], maintenant: datetime
) -> None:
    """Write the outcome of each exchange. When nothing was registered, the commit need not wait for the
    disk."""
    issues = []
    for item, resultat in zip(items, resultats, strict=True):
        if isinstance(resultat, Enregistrement):
            statut = Statut.REJEU if resultat.rejeu else Statut.ACCEPTE
            issues.append(Issue(item.echange.id, statut, maintenant, numero=resultat.numero))
        else:
            issues.append(Issue(item.echange.id, Statut.REFUSE, maintenant, resultat.anomalies[0].code))
    if all(issue.statut is not Statut.ACCEPTE for issue in issues):
        relax(conn)
    record_outcomes(conn, issues)
