"""What became of the exchanges that asked for a change of the register, kept in its transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from registry.echanges import Echange
from registry.exchanges_store import Issue, Lues, Statut, record_outcomes, relax
from registry.registration import Enregistrement, Resultat


class _Recu(Protocol):
    @property
    def echange(self) -> Echange: ...


def record_results(
    conn: Connection,
    items: Sequence[_Recu],
    resultats: Sequence[Resultat],
    maintenant: datetime,
    *,
    relues: bool = False,
) -> None:
    """Write the outcome of each exchange. When nothing was registered, the commit need not wait for the
    disk.

    relues: the accepted ones are answered with what the register held before them, and not only with what
    they brought. The doublons that a refusal shows are readings too.
    """
    issues = []
    for item, resultat in zip(items, resultats, strict=True):
        if isinstance(resultat, Enregistrement):
            statut = Statut.REJEU if resultat.rejeu else Statut.ACCEPTE
            lues = Lues((resultat.numero,) if relues else (), item.echange.emetteur.profil)
            issues.append(Issue(item.echange.id, statut, maintenant, numero=resultat.numero, lues=lues))
        else:
            montres = tuple(doublon.numero for doublon in resultat.doublons.lisibles)
            lues = Lues(montres, item.echange.emetteur.profil)
            code = resultat.anomalies[0].code
            issues.append(Issue(item.echange.id, Statut.REFUSE, maintenant, code, lues=lues))
    if all(issue.statut is not Statut.ACCEPTE for issue in issues):
        relax(conn)
    record_outcomes(conn, issues)
