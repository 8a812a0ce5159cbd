"""The rows of newly registered demandes, written by one statement.

Arrays in, rows out: a batch costs one round trip whatever its size and however many tables it touches, and
the text of the statement never changes, so that PostgreSQL plans it once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from registry.evaluation import DemandeRecue
from registry.lifecycle import Etat
from registry.numero_unique import Compteur


@dataclass(frozen=True, slots=True)
class Inscription:
    """One demande accepted, version 1, in its place in the journal.

    sequence: its journal entry. document: emitted form; empreinte: its SHA-256.
    doublon_force: registered in spite of a doublon.
    """

    recue: DemandeRecue
    numero: str
    etat: Etat
    sequence: int
    document: bytes
    empreinte: bytes
    doublon_force: bool


# A list of lists would have to be rectangular: the communes and types of each demande travel as the text of
# an array. Their values are codes of the schema, letters and digits, which need no quoting there.
_INSCRIBE: Final = text("""
    WITH demandes AS (
        INSERT INTO demande (numero, territoire, guichet, date_depot, recue_le, etat, version, communes,
            types, doublon_force, sequence_journal, maj_le)
        SELECT numero, territoire, guichet, date_depot, recue_le, etat, 1, communes::text[], types::text[],
            doublon_force, sequence, recue_le
        FROM unnest(CAST(:numero AS text[]), CAST(:territoire AS text[]), CAST(:guichet AS text[]),
            CAST(:date_depot AS date[]), CAST(:recue_le AS timestamptz[]), CAST(:etat AS text[]),
            CAST(:communes AS text[]), CAST(:types AS text[]), CAST(:doublon_force AS bool[]),
            CAST(:sequence AS bigint[]))
            AS t(numero, territoire, guichet, date_depot, recue_le, etat, communes, types, doublon_force,
                sequence)
    ), versions AS (
        INSERT INTO demande_version (numero, version, sequence_journal, nature, guichet, instant, document,
            empreinte)
        SELECT numero, 1, sequence, nature, guichet, recue_le, document, empreinte
        FROM unnest(CAST(:numero AS text[]), CAST(:sequence AS bigint[]), CAST(:nature AS text[]),
            CAST(:guichet AS text[]), CAST(:recue_le AS timestamptz[]), CAST(:document AS bytea[]),
            CAST(:empreinte AS bytea[]))
            AS t(numero, sequence, nature, guichet, recue_le, document, empreinte)
    ), detentions AS (
        INSERT INTO detention (numero, guichet, depuis_le, motif)
        SELECT numero, guichet, recue_le, 'auteur'
        FROM unnest(CAST(:numero AS text[]), CAST(:guichet AS text[]), CAST(:recue_le AS timestamptz[]))
            AS t(numero, guichet, recue_le)
    ), rejeux AS (
        INSERT INTO rejeu (guichet, operation, empreinte, numero, version, echange, repondu_le, nom_fichier)
        SELECT guichet, operation, fichier, numero, 1, echange, :repondu_le, nom_fichier
        FROM unnest(CAST(:guichet AS text[]), CAST(:operation AS text[]), CAST(:fichier AS bytea[]),
            CAST(:numero AS text[]), CAST(:echange AS uuid[]), CAST(:nom_fichier AS text[]))
            AS t(guichet, operation, fichier, numero, echange, nom_fichier)
    ), compteurs AS (
        INSERT INTO compteur_numero (territoire, mois, dernier)
        SELECT * FROM unnest(CAST(:compteur_territoire AS text[]), CAST(:compteur_mois AS text[]),
            CAST(:compteur_dernier AS int[]))
        ON CONFLICT (territoire, mois) DO UPDATE SET dernier = excluded.dernier
    )
    INSERT INTO identite (numero, rang, cle, territoire, role)
    SELECT * FROM unnest(CAST(:identite_numero AS text[]), CAST(:identite_rang AS smallint[]),
        CAST(:identite_cle AS text[]), CAST(:identite_territoire AS text[]), CAST(:identite_role AS text[]))
""")


def inscribe(
    conn: Connection,
    inscriptions: Sequence[Inscription],
    derniers: Mapping[Compteur, int],
    repondu_le: datetime,
) -> None:
    """Write the demandes and the counters of sequences that moved, in the transaction of the caller.

    repondu_le: the dateFichier of the answers. Raises IntegrityError when a number or a file is there
    already, which the lock of the chain makes impossible.
    """
    recues = [inscription.recue for inscription in inscriptions]
    identites = [(inscription, cle) for inscription in inscriptions for cle in inscription.recue.cles]
    conn.execute(
        _INSCRIBE,
        {
            "numero": [inscription.numero for inscription in inscriptions],
            "territoire": [recue.territoire for recue in recues],
            "guichet": [recue.guichet for recue in recues],
            "date_depot": [recue.demande.date_creation for recue in recues],
            "recue_le": [recue.echange.recu_le for recue in recues],
            "etat": [inscription.etat.value for inscription in inscriptions],
            "communes": [_array(recue.demande.communes_souhaitees) for recue in recues],
            "types": [_array(recue.demande.types_logement) for recue in recues],
            "doublon_force": [inscription.doublon_force for inscription in inscriptions],
            "sequence": [inscription.sequence for inscription in inscriptions],
            "nature": [recue.demande.type_fichier for recue in recues],
            "document": [inscription.document for inscription in inscriptions],
            "empreinte": [inscription.empreinte for inscription in inscriptions],
            "operation": [recue.operation for recue in recues],
            "fichier": [recue.empreinte for recue in recues],
            "echange": [recue.echange.id for recue in recues],
            "nom_fichier": [recue.nom_fichier for recue in recues],
            "repondu_le": repondu_le,
            "compteur_territoire": [territoire for territoire, _ in derniers],
            "compteur_mois": [mois for _, mois in derniers],
            "compteur_dernier": list(derniers.values()),
            "identite_numero": [inscription.numero for inscription, _ in identites],
            "identite_rang": [cle.rang for _, cle in identites],
            "identite_cle": [cle.cle for _, cle in identites],
            "identite_territoire": [inscription.recue.territoire for inscription, _ in identites],
            "identite_role": [cle.role.value for _, cle in identites],
        },
    )


def _array(codes: Sequence[str]) -> str:
    """The text of a PostgreSQL array. Raises ValueError for what would need quoting: codes never do."""
    if not all(code.isascii() and code.isalnum() for code in codes):
        raise ValueError("code hors de l'alphabet des codes")
    return "{" + ",".join(codes) + "}"
