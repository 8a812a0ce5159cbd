"""The messages of the asynchronous channel, as an operator reads them: names in French, values for JSON."""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, text

from console.anomalies_connues import anomalie
from mailflows import sortants
from mailflows.entrants import Entrant
from mailflows.sortants import Sortant


def entrant_of(entrant: Entrant) -> dict[str, object]:
    """A message received; with what is to be done when it was refused."""
    value: dict[str, object] = {
        "id": str(entrant.id),
        "source": entrant.source.value,
        "expediteur_annonce": entrant.expediteur,
        "message_id": entrant.message_id,
        "recu_le": entrant.recu_le,
        "taille": entrant.taille,
        "empreinte": entrant.empreinte.hex(),
        "etat": entrant.etat.value,
        "nature": entrant.nature,
        "guichet": entrant.guichet,
        "certificat": entrant.certificat,
        "contenu": entrant.contenu.hex() if entrant.contenu else None,
        "doublon_de": str(entrant.doublon_de) if entrant.doublon_de else None,
        "fichiers": entrant.fichiers,
        "essais": entrant.tentatives,
        "termine_le": entrant.termine_le,
        "code": entrant.code,
        "motif": entrant.motif,
    }
    entry = anomalie(entrant.code) if entrant.code else None
    if entry is not None:
        value |= {"a_qui_d_agir": entry.tour.value, "que_faire": entry.conduite}
    return value


def sortant_of(sortant: Sortant) -> dict[str, object]:
    """A message of ours."""
    return {
        "id": str(sortant.id),
        "guichet": sortant.guichet,
        "nature": sortant.nature.value,
        "en_reponse_a": str(sortant.entrant),
        "partie": sortant.partie,
        "parties": sortant.parties,
        "empreinte": sortant.empreinte.hex(),
        "etat": sortant.situation.etat.value,
        "accuse_attendu": sortant.situation.accuse_attendu,
        "prochain_essai": sortant.situation.prochaine,
        "essais": sortant.tentatives,
        "cree_le": sortant.cree_le,
        "termine_le": sortant.termine_le,
        "constat": sortant.detail,
    }


def list_files(conn: Connection, key: uuid.UUID) -> list[dict[str, object]]:
    """The files of a message received, and what became of each."""
    lignes = conn.execute(
        text("""
            SELECT rang, nom, operation, echange, verdict, code, numero FROM courrier_fichier
            WHERE courrier = :id ORDER BY rang
        """),
        {"id": key},
    )
    return [{**ligne._mapping, "echange": str(ligne.echange)} for ligne in lignes]


def list_attempts(conn: Connection, key: uuid.UUID) -> list[dict[str, object]]:
    """The attempts to send a message of ours."""
    return [
        {
            "essai": each.rang,
            "commence_le": each.commencee_le,
            "termine_le": each.terminee_le,
            "issue": each.issue,
            "detail": each.detail,
        }
        for each in sortants.list_tentatives(conn, key)
    ]


def list_notices(conn: Connection, key: uuid.UUID) -> list[str]:
    """What mail servers said of a message of ours."""
    lignes = conn.execute(
        text("SELECT action, statut FROM courrier_avis WHERE objet = :id ORDER BY recu_le"), {"id": key}
    )
    return [f"{ligne.action} {ligne.statut}" for ligne in lignes]


def count_by_etat(conn: Connection, table: str) -> dict[str, int]:
    """How many messages of a table are in each state."""
    query = text(f"SELECT etat, count(*) FROM {table} GROUP BY etat ORDER BY etat")  # noqa: S608 (our own names)
    return {str(etat): int(nombre) for etat, nombre in conn.execute(query)}
