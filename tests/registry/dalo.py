"""What the tests of DALO build: demandes, declarations of the State, radiations as they are kept."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence
from datetime import date, datetime

from lxml import etree
from sqlalchemy import Connection, Engine, text

from registry import releves
from registry.clock import Clock
from registry.declaration_dalo import DaloDeclare, DaloRefuse, DeclarationRecue, declare_dalo
from registry.evenements import EvenementDemande
from registry.guichets import Guichet, TypeGuichet
from registry.journal import Chaine, Ecriture
from registry.registration import Enregistrement
from schemas.demande import read_demande
from schemas.emission import emit_demande
from schemas.generation import generate_demandes
from tests.registry.fabrique import BAILLEUR, RECU_LE, demande_of, echange_of, recue_of, register_all

ETAT = Guichet("G7500", "DRIHL", TypeGuichet.ETAT, "", frozenset({"111"}))
NS = "http://nuu.application.i2/"
_rangs = itertools.count(1)


class DecideurReleves:
    """Only feeds the lists, as `dispatching.decision` does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.evenements: list[EvenementDemande] = []

    def decide(self, conn: Connection, evenements: Sequence[EvenementDemande]) -> None:
        releves.record(conn, evenements, self._clock.now())
        self.evenements.extend(evenements)


def without_dalo(document: bytes) -> bytes:
    return re.sub(rb"<ns1:informationDalo.*?</ns1:informationDalo>", b"", document, flags=re.DOTALL)


def documents(nombre: int, graine: str = "dalo", **options: object) -> list[bytes]:
    """Demandes of as many persons, without DALO."""
    return [without_dalo(each) for each in generate_demandes(graine, nombre, **options)]  # type: ignore[arg-type]


def register_demandes(engine: Engine, nombre: int, graine: str = "dalo", **options: object) -> list[str]:
    """Their numbers."""
    resultats = register_all(engine, [recue_of(each) for each in documents(nombre, graine, **options)])
    numeros = []
    for resultat in resultats:
        assert isinstance(resultat, Enregistrement), resultat
        numeros.append(resultat.numero)
    return numeros


def declaration(
    numero: str,
    statut: str | None = "ACTIF",
    decision: date | None = date(2026, 6, 15),
    *,
    guichet: str = ETAT.code,
    suite: str = "",
) -> bytes:
    """The file that a State service sends. suite: further children of informationDalo."""
    code = "" if statut is None else f' code="{statut}"'
    jour = "" if decision is None else f"<ns1:dateDecisionDalo>{decision}</ns1:dateDecisionDalo>"
    volet = f"<ns1:informationDalo><ns1:statutDalo{code}/>{jour}{suite}</ns1:informationDalo>"
    (document,) = documents(1, "declaration", guichet=guichet)
    document = document.replace(b"<ns1:demande>", f"<ns1:demande>{volet}".encode(), 1)
    if numero:
        fin = b"</ns1:numGuichet>"
        document = document.replace(fin, fin + f"<ns1:numUnique>{numero}</ns1:numUnique>".encode(), 1)
    return document


def declaration_recue(data: bytes, guichet: Guichet = ETAT, recu_le: datetime = RECU_LE) -> DeclarationRecue:
    demande = demande_of(data)
    return DeclarationRecue(
        echange_of(guichet, data, recu_le),
        hashlib.sha256(data).digest(),
        demande,
        demande.num_unique or "",
        f"DEM{guichet.code}-202607011130-{next(_rangs):06d}.xml",
    )


def declare_all(
    engine: Engine, fichiers: Sequence[bytes], clock: Clock, decideur: DecideurReleves | None = None
) -> list[DaloDeclare | DaloRefuse]:
    """In one transaction, by the State."""
    with engine.begin() as conn:
        return declare_dalo(
            conn,
            [declaration_recue(each) for each in fichiers],
            decideur=decideur or DecideurReleves(clock),
            repondu_le=clock.now(),
        )


def radiate(
    conn: Connection, numero: str, decideur: DecideurReleves, motif: str = "RADABA", reservataire: str = ""
) -> int:
    """A radiation as the register keeps it; its journal entry."""
    chaine = Chaine.lock(conn)
    ligne = conn.execute(
        text(
            "SELECT d.version, d.territoire, v.document FROM demande d JOIN demande_version v"
            " USING (numero, version) WHERE d.numero = :numero"
        ),
        {"numero": numero},
    ).one()
    root = etree.fromstring(ligne.document)
    corps = root.find(f"{{{NS}}}demande/{{{NS}}}demandeLogement")
    attribution = (
        "<ns1:attributionLogement><ns1:dateSignatureBail>2026-06-30</ns1:dateSignatureBail>"
        '<ns1:dejaLogeParcBailleur code="N"/><ns1:accordCollectif code="N"/>'
        f'<ns1:typeReservataire code="{reservataire}"/></ns1:attributionLogement>'
        if reservataire
        else ""
    )
    corps.append(
        etree.fromstring(
            f'<ns1:radiation xmlns:ns1="{NS}"><ns1:dateRadiation>2026-06-30</ns1:dateRadiation>'
            f'<ns1:motifRadiation code="{motif}"/>{attribution}</ns1:radiation>'
        )
    )
    document = emit_demande(root, type_fichier="RET", date_fichier=RECU_LE, num_unique=numero)
    empreinte = hashlib.sha256(document).digest()
    echange = echange_of(BAILLEUR)
    (entree,) = chaine.append(
        [
            Ecriture(
                RECU_LE,
                "RAD",
                BAILLEUR.code,
                echange.emetteur.empreinte,
                echange.canal,
                echange.id,
                numero,
                ligne.version + 1,
                empreinte,
            )
        ]
    )
    conn.execute(
        text(
            "UPDATE demande SET etat = 'radiee', version = :version, sequence_journal = :sequence"
            " WHERE numero = :numero"
        ),
        {"version": ligne.version + 1, "sequence": entree.sequence, "numero": numero},
    )
    conn.execute(
        text(
            "INSERT INTO demande_version (numero, version, sequence_journal, nature, guichet, instant,"
            " document, empreinte) VALUES (:numero, :version, :sequence, 'RAD', :guichet, :instant,"
            " :document, :empreinte)"
        ),
        {
            "numero": numero,
            "version": ligne.version + 1,
            "sequence": entree.sequence,
            "guichet": BAILLEUR.code,
            "instant": RECU_LE,
            "document": document,
            "empreinte": empreinte,
        },
    )
    decideur.decide(
        conn,
        [
            EvenementDemande(
                entree.sequence,
                numero,
                ligne.version + 1,
                "RAD",
                ligne.territoire,
                BAILLEUR.code,
                RECU_LE,
                read_demande(root),
            )
        ],
    )
    return entree.sequence


def numbers_in(liste: bytes) -> list[str]:
    """The numbers of the demandes of a list, in order."""
    root = etree.fromstring(liste)
    assert root.tag == f"{{{NS}}}listeDemandes"
    return [str(each.text) for each in root.iter(f"{{{NS}}}numUnique")]


def date_of(liste: bytes) -> datetime:
    """The date to ask from next."""
    found = etree.fromstring(liste).findtext(f"{{{NS}}}entete/{{{NS}}}dateFichier")
    assert found is not None
    return datetime.fromisoformat(found)
