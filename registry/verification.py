"""Does the register hold? The journal against its own seals, and the register against the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from registry import journal


@dataclass(frozen=True, slots=True)
class Rapport:
    """What a verification found.

    chaine: about the journal. ecarts: French sentences, at most a hundred; nombre_ecarts counts them all.
    """

    chaine: journal.Verification
    ecarts: tuple[str, ...]
    nombre_ecarts: int

    @property
    def intact(self) -> bool:
        return self.chaine.intacte and self.nombre_ecarts == 0


_ECARTS_MAX: Final = 100

# Everything that says something about a demande must name the journal entry that says the same.
_CONTROLES: Final = (
    (
        "la version {version} de {numero} ne correspond à aucune entrée du journal de même empreinte",
        text("""
            SELECT v.numero, v.version FROM demande_version v
            LEFT JOIN journal j ON j.sequence = v.sequence_journal AND j.numero = v.numero
                AND j.version = v.version AND j.document = v.empreinte AND j.instant = v.instant
                AND j.nature = v.nature AND j.guichet = v.guichet
            WHERE j.sequence IS NULL ORDER BY v.sequence_journal
        """),
    ),
    (
        "la demande {numero} n'a pas sa version {version}, ou sa date certifiée n'est pas celle du journal",
        text("""
            SELECT d.numero, d.version FROM demande d
            LEFT JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
                AND v.sequence_journal = d.sequence_journal
            LEFT JOIN journal j ON j.numero = d.numero AND j.version = 1
            -- What was deposited on the portal was received then, by the portal.
            LEFT JOIN journal p ON p.sequence = (NULLIF(j.detail, '')::json ->> 'depot')::bigint
                AND p.nature = 'DEPOT'
            WHERE d.etat <> 'purgee' AND (v.numero IS NULL OR j.sequence IS NULL
                OR coalesce(p.instant, j.instant) <> d.recue_le
                OR coalesce(p.guichet, j.guichet) <> d.guichet)
            ORDER BY d.sequence_journal
        """),
    ),
    (
        "la demande {numero} est dite effacée, le journal ne dit pas qu'elle l'a été",
        text("""
            SELECT d.numero, d.version FROM demande d
            LEFT JOIN journal j ON j.numero = d.numero AND j.nature = 'PURGE'
            WHERE d.etat = 'purgee' AND j.sequence IS NULL ORDER BY d.sequence_journal
        """),
    ),
    (
        "l'entrée du journal qui crée {numero} n'a pas de demande",
        text("""
            SELECT j.numero, j.version FROM journal j LEFT JOIN demande d ON d.numero = j.numero
            WHERE j.version = 1 AND d.numero IS NULL ORDER BY j.sequence
        """),
    ),
)


def verify(conn: Connection, progress: Callable[[int, int], None] | None = None) -> Rapport:
    """Verify the whole register.

    To be called in a REPEATABLE READ transaction while registrations go on: it then reads one picture. Under
    READ COMMITTED, those in progress may show as differences that a second run does not.
    """
    chaine = journal.verify(conn, progress)
    ecarts: list[str] = []
    nombre = 0
    for phrase, requete in _CONTROLES:
        for numero, version in conn.execute(requete):
            nombre += 1
            if len(ecarts) < _ECARTS_MAX:
                ecarts.append(phrase.format(numero=numero, version=version))
    return Rapport(chaine, tuple(ecarts), nombre)
