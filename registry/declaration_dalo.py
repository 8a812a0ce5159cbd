"""getDeclarationNouveauDalo: a batch of declarations in one transaction, under the lock of the chain.

A declaration makes a version of the demande like any modification: journal, version, replay, dispatch
decision and list of new DALO commit together or not at all (design, decision 4).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from registry import anomalies_dalo, anomalies_demande
from registry.anomalies import Anomalie
from registry.dalo import declare, same_dalo
from registry.documents_gardes import read_kept
from registry.droits import may_read
from registry.echanges import Echange, Fichier
from registry.evenements import Decideur, EvenementDemande
from registry.journal import Chaine, Ecriture
from registry.lifecycle import Etat
from registry.lignes import encode_rows
from schemas.demande import Demande
from schemas.emission import TYPE_RETOUR, rehead

OPERATION: Final = "getDeclarationNouveauDalo"
"""Operation under which a declaration is kept for replays, whatever the edge."""

NATURE: Final = "MOD"
"""A declaration changes a demande that exists: partners get it as a modification (regles §6)."""

DETAIL: Final = json.dumps({"operation": OPERATION}, separators=(",", ":"))
"""What the journal says of it: unlike a modification, it does not make a holder of its author."""


@dataclass(frozen=True, slots=True)
class DeclarationRecue:
    """A valid document to be applied. empreinte: SHA-256 of the file as received; numero: its numUnique.

    nom_fichier: name of the file of the answer, should the declaration be accepted.
    """

    echange: Echange
    empreinte: bytes
    demande: Demande
    numero: str
    nom_fichier: str


@dataclass(frozen=True, slots=True)
class DaloDeclare:
    """The declaration is in the register. fichier: the demande as it is now. rejeu: it was there already."""

    numero: str
    fichier: Fichier
    rejeu: bool


@dataclass(frozen=True, slots=True)
class DaloRefuse:
    """Nothing has changed. anomalies: at least one."""

    anomalies: tuple[Anomalie, ...]


_READ: Final = text("""
    SELECT t.numero, t.guichet, d.territoire, d.communes, d.etat, d.version, v.document,
        EXISTS (
            SELECT FROM detention h WHERE h.numero = t.numero AND h.guichet = t.guichet
        ) AS detenteur
    FROM unnest(CAST(:numero AS text[]), CAST(:guichet AS text[])) AS t(numero, guichet)
    JOIN demande d ON d.numero = t.numero
    JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
""")
_REPLAYS: Final = text("""
    SELECT r.guichet, r.empreinte, r.numero, r.repondu_le, r.nom_fichier, v.document
    FROM rejeu r
    JOIN unnest(CAST(:guichet AS text[]), CAST(:empreinte AS bytea[])) AS t(guichet, empreinte)
        ON r.guichet = t.guichet AND r.empreinte = t.empreinte AND r.operation = :operation
    JOIN demande_version v ON v.numero = r.numero AND v.version = r.version
""")
_WRITE: Final = text("""
    WITH lot AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST(:lot AS json)) AS t(numero text, version int, sequence bigint,
            guichet text, instant timestamptz, document text, empreinte text)
    ), demandes AS (
        UPDATE demande d SET version = l.version, sequence_journal = l.sequence, maj_le = l.instant
        FROM (SELECT DISTINCT ON (numero) * FROM lot ORDER BY numero, version DESC) l
        WHERE d.numero = l.numero
    )
    INSERT INTO demande_version (numero, version, sequence_journal, nature, guichet, instant, document,
        empreinte)
    SELECT numero, version, sequence, :nature, guichet, instant, convert_to(document, 'UTF8'),
        decode(empreinte, 'base64')
    FROM lot
""")
_KEEP: Final = text("""
    INSERT INTO rejeu (guichet, operation, empreinte, numero, version, echange, repondu_le, nom_fichier)
    SELECT guichet, :operation, decode(empreinte, 'base64'), numero, version, echange, :repondu_le,
        nom_fichier
    FROM json_to_recordset(CAST(:lot AS json)) AS t(guichet text, empreinte text, numero text, version int,
        echange uuid, nom_fichier text)
""")


@dataclass(slots=True)
class _Courante:
    """A demande as it becomes while the batch goes on."""

    etat: str
    territoire: str
    version: int
    document: bytes
    demande: Demande


def declare_dalo(
    conn: Connection, items: Sequence[DeclarationRecue], *, decideur: Decideur, repondu_le: datetime
) -> list[DaloDeclare | DaloRefuse]:
    """Apply a batch in the transaction of `conn`; one result for each item, in their order ([DAL-4] [DAL-6]).

    Nothing holds until the caller commits. Declaring again what the demande says already makes no version.
    Raises what the database and the decideur raise.
    """
    chaine = Chaine.lock(conn)
    droits = _read(conn, items)
    donnees = _replays(conn, items)
    courantes: dict[str, _Courante] = {}
    resultats: list[DaloDeclare | DaloRefuse] = []
    evenements: list[EvenementDemande] = []
    versions: list[dict[str, object]] = []
    rejeux: list[dict[str, object]] = []
    faits: dict[tuple[str, bytes], DaloDeclare] = {}
    for item in items:
        guichet = item.echange.emetteur.guichet
        cle = (guichet.code, item.empreinte)
        if cle in donnees:
            resultats.append(donnees[cle])
            continue
        if cle in faits:
            resultats.append(DaloDeclare(item.numero, faits[cle].fichier, rejeu=True))
            continue
        ligne = droits.get((item.numero, guichet.code))
        if ligne is None or not (
            may_read(guichet, ligne.territoire, ligne.communes, detenteur=ligne.detenteur).accorde
        ):
            resultats.append(
                DaloRefuse((anomalies_demande.DEMANDE_HORS_PORTEE(f"« {item.numero} »", guichet.code),))
            )
            continue
        courante = courantes.get(item.numero) or _Courante(
            ligne.etat, ligne.territoire, ligne.version, ligne.document, read_kept(ligne.document)
        )
        courantes[item.numero] = courante
        if courante.etat != Etat.ACTIVE:
            resultats.append(DaloRefuse((anomalies_dalo.DALO_INACTIVE(f"« {item.numero} »", courante.etat),)))
            continue
        if not same_dalo(courante.demande, item.demande):
            courante.document, courante.demande = declare(
                courante.document, item.demande, item.numero, repondu_le
            )
            courante.version += 1
            empreinte = hashlib.sha256(courante.document).digest()
            (entree,) = chaine.append([_ecriture(item, courante.version, empreinte)])
            versions.append(
                {
                    "numero": item.numero,
                    "version": courante.version,
                    "sequence": entree.sequence,
                    "guichet": guichet.code,
                    "instant": item.echange.recu_le,
                    "document": courante.document.decode(),
                    "empreinte": empreinte,
                }
            )
            evenements.append(_event(item, courante, entree.sequence))
        contenu = rehead(courante.document, type_fichier=TYPE_RETOUR, date_fichier=repondu_le)
        fait = DaloDeclare(item.numero, Fichier(item.nom_fichier, contenu), rejeu=False)
        faits[cle] = fait
        resultats.append(fait)
        rejeux.append(
            {
                "guichet": guichet.code,
                "empreinte": item.empreinte,
                "numero": item.numero,
                "version": courante.version,
                "echange": item.echange.id,
                "nom_fichier": item.nom_fichier,
            }
        )
    if versions:
        conn.execute(_WRITE, {"lot": encode_rows(versions), "nature": NATURE})
        decideur.decide(conn, evenements)
    if rejeux:
        conn.execute(_KEEP, {"lot": encode_rows(rejeux), "operation": OPERATION, "repondu_le": repondu_le})
    return resultats


def _read(conn: Connection, items: Sequence[DeclarationRecue]) -> dict[tuple[str, str], Row[Any]]:
    cles = sorted({(item.numero, item.echange.emetteur.guichet.code) for item in items})
    parametres = {"numero": [numero for numero, _ in cles], "guichet": [guichet for _, guichet in cles]}
    return {(ligne.numero, ligne.guichet): ligne for ligne in conn.execute(_READ, parametres)}


def _replays(conn: Connection, items: Sequence[DeclarationRecue]) -> dict[tuple[str, bytes], DaloDeclare]:
    parametres = {
        "guichet": [item.echange.emetteur.guichet.code for item in items],
        "empreinte": [item.empreinte for item in items],
        "operation": OPERATION,
    }
    return {
        (ligne.guichet, ligne.empreinte): DaloDeclare(
            ligne.numero,
            Fichier(
                ligne.nom_fichier,
                rehead(ligne.document, type_fichier=TYPE_RETOUR, date_fichier=ligne.repondu_le),
            ),
            rejeu=True,
        )
        for ligne in conn.execute(_REPLAYS, parametres)
    }


def _ecriture(item: DeclarationRecue, version: int, empreinte: bytes) -> Ecriture:
    return Ecriture.of(item.echange, NATURE, item.numero, version=version, document=empreinte, detail=DETAIL)


def _event(item: DeclarationRecue, courante: _Courante, sequence: int) -> EvenementDemande:
    return EvenementDemande(
        sequence=sequence,
        numero=item.numero,
        version=courante.version,
        nature=NATURE,
        territoire=courante.territoire,
        auteur=item.echange.emetteur.guichet.code,
        instant=item.echange.recu_le,
        demande=courante.demande,
    )
