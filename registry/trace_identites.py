"""What guichets changed of the état civil of applicants, for the gestionnaire ([POR-5], regles §3).

The journal says that it changed, who and when; before and after are read in the two versions, or, for a
deposit corrected at its validation, in the deposit and the first version. All are erased with the demande:
nothing nominative is kept twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from registry.documents_gardes import read_kept
from registry.etat_civil import EtatCivil, etat_civil_of


@dataclass(frozen=True, slots=True)
class ChangementEtatCivil:
    """One change. version: that which it made. Nominative."""

    numero: str
    version: int
    instant: datetime
    guichet: str
    avant: EtatCivil
    apres: EtatCivil


_CHANGES: Final = text("""
    SELECT j.numero, j.version, j.instant, j.guichet, a.document AS avant, v.document AS apres,
        d.nom_depose, d.prenom_depose
    FROM journal j
    JOIN demande_version v ON v.numero = j.numero AND v.version = j.version
    LEFT JOIN demande_version a ON a.numero = j.numero AND a.version = j.version - 1
    LEFT JOIN depot d ON d.numero = j.numero AND j.version = 1
    WHERE j.detail LIKE '%"etat_civil"%' AND j.sequence > 0
        AND (:numero = '' OR j.numero = :numero)
        AND (CAST(:depuis AS timestamptz) IS NULL OR j.instant >= :depuis)
    ORDER BY j.sequence
""")


def read_changes(
    conn: Connection, numero: str = "", depuis: datetime | None = None
) -> Iterator[ChangementEtatCivil]:
    """The changes, oldest first, of one demande or of all. depuis: aware."""
    for ligne in conn.execute(_CHANGES, {"numero": numero, "depuis": depuis}):
        yield ChangementEtatCivil(
            ligne.numero,
            ligne.version,
            ligne.instant,
            ligne.guichet,
            EtatCivil(ligne.nom_depose, ligne.prenom_depose) if ligne.avant is None else _read(ligne.avant),
            _read(ligne.apres),
        )


def _read(document: bytes) -> EtatCivil:
    return etat_civil_of(read_kept(document))
