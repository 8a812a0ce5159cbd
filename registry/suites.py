"""New versions of demandes, sealed in the journal and written in one go, whoever asks for them.

A partner's file, a daily job or a gestionnaire: every change of a demande passes here, under the lock of the
chain, with the decision of who receives it.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from lxml import etree
from sqlalchemy import Connection, text

from registry.echanges import Canal
from registry.evaluation import CleRejeu
from registry.evenements import Decideur, EvenementDemande
from registry.identites import CleIdentite
from registry.journal import Chaine, Ecriture
from registry.lifecycle import Etat
from registry.lignes import encode_rows
from registry.situation import Situation
from schemas.demande import Demande
from schemas.emission import TYPE_RETOUR, emit_demande
from schemas.revision import stamp


@dataclass(frozen=True, slots=True)
class Auteur:
    """Who makes the change: a guichet with its exchange, or the hub itself.

    instant: the certified instant, aware. certificat: empreinte, or empty when no certificate spoke.
    """

    guichet: str
    certificat: str
    canal: Canal
    instant: datetime
    echange: uuid.UUID | None = None

    def entry(
        self,
        nature: str,
        *,
        numero: str | None = None,
        version: int | None = None,
        document: bytes | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> Ecriture:
        """What he does, as the journal is told it. document: SHA-256; detail: never nominative."""
        said = json.dumps(detail, separators=(",", ":"), sort_keys=True) if detail else ""
        return Ecriture(
            self.instant, nature, self.guichet, self.certificat, self.canal, self.echange, numero, version,
            document, said,
        )  # fmt: skip


SYSTEME: Final = "00000"
"""The hub itself, where the code of a guichet is expected. No guichet has it."""


def system(instant: datetime) -> Auteur:
    """The hub acting by itself: daily jobs."""
    return Auteur(SYSTEME, "", Canal.TACHE, instant)


@dataclass(frozen=True, slots=True)
class Revision:
    """One new version to be written.

    nature: code of ListeTypeFichier. apres: the situation that results, its version included; its document
    is made here from `root`, the tree of the new version, marked; demande: its typed view.
    cles: identity keys when they change, else None. detail: facts for the journal, never nominative.
    """

    auteur: Auteur
    nature: str
    apres: Situation
    root: etree._Element
    demande: Demande
    cles: tuple[CleIdentite, ...] | None = None
    detail: Mapping[str, object] | None = None
    rejeu: CleRejeu | None = None
    nom_fichier: str = ""


class Registre:
    """Collects the new versions of one transaction, then writes them all.

    Raises what the database and the decideur raise: the transaction is then to be rolled back.
    """

    def __init__(self, conn: Connection, chaine: Chaine, repondu_le: datetime) -> None:
        self._conn = conn
        self._chaine = chaine
        self._repondu_le = repondu_le
        self._revisions: list[Revision] = []

    def add(self, revision: Revision) -> Situation:
        """Emit the document; the situation after it, on which the next fact of the transaction builds."""
        apres = revision.apres
        document = stamp(
            emit_demande(
                revision.root,
                type_fichier=TYPE_RETOUR,
                date_fichier=self._repondu_le,
                num_unique=apres.numero,
            ),
            apres.version,
        )
        apres = replace(apres, document=document)
        self._revisions.append(replace(revision, apres=apres))
        return apres

    def write(self, decideur: Decideur) -> None:
        """Journal, versions, situations, identities, replays, decisions and distributions."""
        revisions = self._revisions
        if not revisions:
            return
        empreintes = [hashlib.sha256(revision.apres.document).digest() for revision in revisions]
        entrees = self._chaine.append(
            [
                revision.auteur.entry(
                    revision.nature,
                    numero=revision.apres.numero,
                    version=revision.apres.version,
                    document=empreinte,
                    detail=revision.detail,
                )
                for revision, empreinte in zip(revisions, empreintes, strict=True)
            ]
        )
        lot = [
            _row(revision, entree.sequence, empreinte)
            for revision, entree, empreinte in zip(revisions, entrees, empreintes, strict=True)
        ]
        derniers = {revision.apres.numero: row for revision, row in zip(revisions, lot, strict=True)}
        self._conn.execute(
            _WRITE,
            {
                "lot": encode_rows(lot),
                "derniers": encode_rows(
                    {key: value for key, value in row.items() if key != "document"}
                    for row in derniers.values()
                ),
                "repondu_le": self._repondu_le,
            },
        )
        self._write_identities()
        decideur.decide(
            self._conn,
            [
                EvenementDemande(
                    sequence=entree.sequence,
                    numero=revision.apres.numero,
                    version=revision.apres.version,
                    nature=revision.nature,
                    territoire=revision.apres.territoire,
                    auteur=revision.auteur.guichet,
                    instant=revision.auteur.instant,
                    demande=revision.demande,
                )
                for revision, entree in zip(revisions, entrees, strict=True)
            ],
        )
        self._revisions = []

    def _write_identities(self) -> None:
        finales = {revision.apres.numero: revision for revision in self._revisions}
        cles = {
            revision.apres.numero: (revision.apres, revision.cles)
            for revision in self._revisions
            if revision.cles is not None
        }
        if cles:
            self._conn.execute(_FORGET, {"numeros": sorted(cles)})
            self._conn.execute(
                _IDENTIFY,
                {
                    "identites": encode_rows(
                        {
                            "numero": numero,
                            "rang": cle.rang,
                            "cle": cle.cle,
                            "territoire": apres.territoire,
                            "role": cle.role,
                        }
                        for numero, (apres, liste) in cles.items()
                        for cle in liste or ()
                    )
                },
            )
        for active in (True, False):
            numeros = [
                numero
                for numero, revision in sorted(finales.items())
                if (revision.apres.etat is Etat.ACTIVE) is active
            ]
            if numeros:
                self._conn.execute(_ACTIVATE, {"numeros": numeros, "active": active})


# `lot` holds every version; `derniers` the last one of each demande.
_WRITE: Final = text("""
    WITH lot AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST(:lot AS json)) AS t(numero text, version int, sequence bigint,
            nature text, guichet text, instant timestamptz, document text, empreinte text, systeme bool,
            rejeu_guichet text, operation text, fichier text, echange uuid, nom_fichier text)
    ), versions AS (
        INSERT INTO demande_version (numero, version, sequence_journal, nature, guichet, instant, document,
            empreinte)
        SELECT numero, version, sequence, nature, guichet, instant, convert_to(document, 'UTF8'),
            decode(empreinte, 'base64')
        FROM lot
    ), detentions AS (
        INSERT INTO detention (numero, guichet, depuis_le, motif)
        SELECT numero, guichet, min(instant), 'auteur' FROM lot WHERE NOT systeme GROUP BY numero, guichet
        -- Whoever received the demande and then changes it holds it in its own right from then on.
        ON CONFLICT (numero, guichet) DO UPDATE SET motif = 'auteur' WHERE detention.motif = 'distribution'
    ), rejeux AS (
        INSERT INTO rejeu (guichet, operation, empreinte, numero, version, echange, repondu_le, nom_fichier)
        SELECT rejeu_guichet, operation, decode(fichier, 'base64'), numero, version, echange, :repondu_le,
            nom_fichier
        FROM lot WHERE rejeu_guichet IS NOT NULL
    )
    UPDATE demande d SET etat = t.etat, version = t.version, communes = t.communes, types = t.types,
        sequence_journal = t.sequence, maj_le = t.instant, date_renouvellement = t.date_renouvellement,
        date_radiation = t.date_radiation, motif_radiation = t.motif_radiation, sursis = t.sursis
    FROM json_to_recordset(CAST(:derniers AS json)) AS t(numero text, version int, sequence bigint,
        instant timestamptz, etat text, communes text[], types text[], date_renouvellement date,
        date_radiation date, motif_radiation text, sursis date)
    WHERE d.numero = t.numero
""")
_FORGET: Final = text("DELETE FROM identite WHERE numero = ANY(CAST(:numeros AS text[]))")
_IDENTIFY: Final = text("""
    INSERT INTO identite (numero, rang, cle, territoire, role)
    SELECT numero, rang, cle, territoire, role FROM json_to_recordset(CAST(:identites AS json))
        AS t(numero text, rang smallint, cle text, territoire text, role text)
""")
_ACTIVATE: Final = text("""
    UPDATE identite SET active = :active
    WHERE numero = ANY(CAST(:numeros AS text[])) AND active <> :active
""")


def _row(revision: Revision, sequence: int, empreinte: bytes) -> dict[str, Any]:
    apres, auteur = revision.apres, revision.auteur
    guichet, operation, fichier = revision.rejeu or (None, None, b"")
    return {
        "numero": apres.numero,
        "version": apres.version,
        "sequence": sequence,
        "nature": revision.nature,
        "guichet": auteur.guichet,
        "systeme": auteur.guichet == SYSTEME,
        "instant": auteur.instant,
        "document": apres.document.decode(),
        "empreinte": empreinte,
        "etat": apres.etat,
        "communes": apres.communes,
        "types": apres.types,
        "date_renouvellement": apres.date_renouvellement,
        "date_radiation": apres.date_radiation,
        "motif_radiation": apres.motif_radiation,
        "sursis": apres.sursis,
        "rejeu_guichet": guichet,
        "operation": operation,
        "fichier": fichier,
        "echange": auteur.echange,
        "nom_fichier": revision.nom_fichier,
    }
