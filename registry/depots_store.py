"""The deposits and brouillons, kept (registry/tables_depots.py)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from registry.depots import Cles, Depot
from registry.etat_civil import EtatCivil
from registry.lifecycle import Etat

COLONNES: Final = (
    "id, etat, guichet, maj_le, territoire, communes, depose_le, sequence_depot, document, numero, motif,"
    " commentaire, issue_le, issue_guichet"
)
"""Those of `read_depot`."""
_FIND: Final = text(f"SELECT {COLONNES} FROM depot WHERE id = :id FOR UPDATE")  # noqa: S608
_WRITE: Final = text("""
    INSERT INTO depot (id, etat, guichet, maj_le, depose_le, sequence_depot, territoire, communes, document,
        mel, noms, prenom, naissance)
    VALUES (:id, :etat, :guichet, :maj_le, :depose_le, :sequence_depot, :territoire, :communes, :document,
        :mel, :noms, :prenom, :naissance)
    ON CONFLICT (id) DO UPDATE SET etat = excluded.etat, maj_le = excluded.maj_le,
        depose_le = excluded.depose_le, sequence_depot = excluded.sequence_depot,
        territoire = excluded.territoire, communes = excluded.communes, document = excluded.document,
        mel = excluded.mel, noms = excluded.noms, prenom = excluded.prenom, naissance = excluded.naissance
""")
_VALIDATED: Final = text("""
    UPDATE depot SET etat = 'active', numero = :numero, issue_le = :instant, issue_guichet = :guichet,
        utilisateur = :utilisateur, document = NULL, mel = '', noms = '{}', prenom = '', naissance = NULL,
        nom_depose = :nom_depose, prenom_depose = :prenom_depose
    WHERE id = :id
""")
_INVALIDATED: Final = text("""
    UPDATE depot SET etat = 'invalidee', motif = :motif, commentaire = :commentaire, issue_le = :instant,
        issue_guichet = :guichet, utilisateur = :utilisateur
    WHERE id = :id
""")
_ERASE: Final = (
    text("""
        DELETE FROM echange_brut b USING depot_message m
        WHERE m.depot = ANY(CAST(:ids AS uuid[])) AND b.echange = m.echange
    """),
    text("DELETE FROM depot_message WHERE depot = ANY(CAST(:ids AS uuid[]))"),
    text("""
        UPDATE depot SET etat = 'purgee', maj_le = :instant, document = NULL, mel = '', noms = '{}',
            prenom = '', naissance = NULL, commentaire = ''
        WHERE id = ANY(CAST(:ids AS uuid[]))
    """),
)
_KEEP_MESSAGE: Final = text("""
    INSERT INTO depot_message (echange, depot, guichet, operation, empreinte, repondu_le, nom_fichier)
    VALUES (:echange, :depot, :guichet, :operation, :empreinte, :repondu_le, :nom_fichier)
    ON CONFLICT DO NOTHING
""")
_SEEN: Final = text("""
    SELECT depot, repondu_le, nom_fichier FROM depot_message
    WHERE guichet = :guichet AND operation = :operation AND empreinte = :empreinte ORDER BY echange LIMIT 1
""")
# Two senders of the same bytes, in two processes: the later waits, then finds the first.
_ALONE: Final = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(:guichet || encode(:empreinte, 'hex'), 0))"
)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that brought a deposit. empreinte: SHA-256 of the file as received."""

    echange: uuid.UUID
    guichet: str
    operation: str
    empreinte: bytes
    nom_fichier: str


@dataclass(frozen=True, slots=True)
class Vu:
    """The first answer to a message."""

    depot: uuid.UUID
    repondu_le: datetime
    nom_fichier: str


def find_depot(conn: Connection, identifiant: str) -> Depot | None:
    """The deposit of that identifier, locked until the end of the transaction; None when there is none."""
    try:
        cle = uuid.UUID(identifiant)
    except ValueError:
        return None
    ligne = conn.execute(_FIND, {"id": cle}).first()
    return None if ligne is None else read_depot(ligne)


def read_depot(ligne: Row[Any]) -> Depot:
    """A row with the columns of `Depot`."""
    champs = {nom: getattr(ligne, nom) for nom in Depot.__dataclass_fields__}
    return Depot(**{**champs, "etat": Etat(ligne.etat), "communes": tuple(ligne.communes)})


def find_message(conn: Connection, message: Message) -> Vu | None:
    """The answer already given to the same bytes, in the order of whoever sends them at the same time."""
    cles = {"guichet": message.guichet, "empreinte": message.empreinte}
    conn.execute(_ALONE, cles)
    ligne = conn.execute(_SEEN, {**cles, "operation": message.operation}).first()
    return None if ligne is None else Vu(ligne.depot, ligne.repondu_le, ligne.nom_fichier)


def write_depot(conn: Connection, depot: Depot, cles: Cles, message: Message, repondu_le: datetime) -> None:
    """Write a brouillon or a deposit, in place of what it was, with the message that brought it."""
    conn.execute(
        _WRITE,
        {
            "id": depot.id,
            "etat": depot.etat.value,
            "guichet": depot.guichet,
            "maj_le": depot.maj_le,
            "depose_le": depot.depose_le,
            "sequence_depot": depot.sequence_depot,
            "territoire": depot.territoire,
            "communes": list(depot.communes),
            "document": depot.document,
            "mel": cles.mel,
            "noms": list(cles.noms),
            "prenom": cles.prenom,
            "naissance": cles.naissance,
        },
    )
    keep_message(conn, depot.id, message, repondu_le)


def keep_message(conn: Connection, depot: uuid.UUID, message: Message, repondu_le: datetime) -> None:
    """Remember the message: its raw bytes go with the deposit."""
    conn.execute(
        _KEEP_MESSAGE,
        {
            "echange": message.echange,
            "depot": depot,
            "guichet": message.guichet,
            "operation": message.operation,
            "empreinte": message.empreinte,
            "repondu_le": repondu_le,
            "nom_fichier": message.nom_fichier,
        },
    )


def mark_validated(
    conn: Connection,
    depot: Depot,
    *,
    numero: str,
    guichet: str,
    utilisateur: str,
    instant: datetime,
    corrige: EtatCivil | None,
) -> None:
    """It has its number: the demande holds its data from now on, the deposit none but the état civil as
    deposited when the guichet corrected it (corrige), which the demande never bore."""
    conn.execute(
        _VALIDATED,
        {
            "id": depot.id,
            "numero": numero,
            "guichet": guichet,
            "utilisateur": utilisateur,
            "instant": instant,
            "nom_depose": None if corrige is None else corrige.nom,
            "prenom_depose": None if corrige is None else corrige.prenom,
        },
    )


def mark_invalidated(
    conn: Connection,
    depot: Depot,
    *,
    motif: str,
    commentaire: str,
    guichet: str,
    utilisateur: str,
    instant: datetime,
) -> None:
    """It is refused, and the applicant is to be told."""
    conn.execute(
        _INVALIDATED,
        {
            "id": depot.id,
            "motif": motif,
            "commentaire": commentaire,
            "guichet": guichet,
            "utilisateur": utilisateur,
            "instant": instant,
        },
    )


def erase_depots(conn: Connection, ids: list[uuid.UUID], instant: datetime) -> None:
    """Erase all that is nominative of these deposits, the messages that brought them included."""
    for statement in _ERASE:
        conn.execute(statement, {"ids": ids, "instant": instant})


_PREMIER: Final = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Criteres:
    """What a guichet looks for; empty or None: anything. mel, nom, prenom: normalised.

    territoires, communes: what it may read; communes None: all. guichet: only what this one keeps, or empty.
    depose_avant: deposited before that instant. apres: identifiers greater than this one.
    """

    etat: Etat
    territoires: frozenset[str]
    communes: frozenset[str] | None
    guichet: str
    mel: str = ""
    nom: str = ""
    prenom: str = ""
    naissance: date | None = None
    depose_avant: datetime | None = None
    apres: uuid.UUID = _PREMIER


_LIST: Final = text(f"""
    SELECT {COLONNES} FROM depot
    WHERE etat = :etat AND id > CAST(:apres AS uuid)
        AND (:guichet = '' OR guichet = :guichet)
        AND (:guichet <> '' OR territoire = ANY(CAST(:territoires AS text[])))
        AND (CAST(:communes AS text[]) IS NULL OR communes && CAST(:communes AS text[]))
        AND (:mel = '' OR mel = :mel)
        AND (:nom = '' OR :nom = ANY(noms))
        AND (:prenom = '' OR prenom = :prenom)
        AND (CAST(:naissance AS date) IS NULL OR naissance = :naissance)
        AND (CAST(:depose_avant AS timestamptz) IS NULL OR depose_le <= :depose_avant)
    ORDER BY id LIMIT :limite
""")  # noqa: S608


def list_depots(conn: Connection, criteres: Criteres, limite: int) -> list[Depot]:
    """The first deposits that meet the criteria, in the order of their identifiers."""
    lignes = conn.execute(
        _LIST,
        {
            "etat": criteres.etat.value,
            "apres": criteres.apres,
            "guichet": criteres.guichet,
            "territoires": sorted(criteres.territoires),
            "communes": None if criteres.communes is None else sorted(criteres.communes),
            "mel": criteres.mel,
            "nom": criteres.nom,
            "prenom": criteres.prenom,
            "naissance": criteres.naissance,
            "depose_avant": criteres.depose_avant,
            "limite": limite,
        },
    )
    return [read_depot(ligne) for ligne in lignes]
