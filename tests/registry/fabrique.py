"""What the tests of the registry build: guichets, exchanges, demandes received, a Decideur that remembers."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Unpack

from sqlalchemy import Connection, Engine, text

from registry.clock import FixedClock
from registry.controles import PARIS, check_creation, territoire_of
from registry.echanges import Canal, Echange, Emetteur
from registry.evaluation import DemandeRecue
from registry.evenements import EvenementDemande
from registry.exchanges_store import record_receptions
from registry.guichets import Guichet, TypeGuichet
from registry.identites import cles_of
from registry.registration import Resultat, register
from schemas.codes import check_codes
from schemas.demande import Demande, read_demande
from schemas.documents import DEMANDES, Document, read_document
from schemas.generation import Options, generate_demande

RECU_LE = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
"""After the day of the generated documents."""

BAILLEUR = Guichet("G1104", "Bailleur", TypeGuichet.BAILLEUR, "552046484", frozenset({"111", "059"}))
AUTRE_BAILLEUR = Guichet("G1226", "Autre bailleur", TypeGuichet.BAILLEUR, "", frozenset({"111"}))
PARTICULIER = Guichet(
    "G0590", "Système particulier", TypeGuichet.AUTRE, "", frozenset({"059", "111"}), numerote=True
)
COMMUNE = Guichet(
    "G9300", "Commune", TypeGuichet.COMMUNE, "", frozenset({"111"}), communes=frozenset({"93066"})
)

_numbers = itertools.count(1)


def echange_of(guichet: Guichet = BAILLEUR, octets: bytes = b"", recu_le: datetime = RECU_LE) -> Echange:
    milliseconds = int(recu_le.timestamp() * 1000)
    identifiant = uuid.UUID(int=milliseconds << 80 | 7 << 76 | 1 << 63 | next(_numbers))
    return Echange(identifiant, Emetteur(guichet, "ab" * 32), Canal.SOAP, "getNumUnique", recu_le, octets)


def demande_of(data: bytes) -> Demande:
    document = read_document(data, DEMANDES)
    assert isinstance(document, Document), document
    return read_demande(document.root)


def read_version(data: bytes) -> tuple[str, bool]:
    """The version that a demande declares, in which it is valid; whether it holds what 02.01 added."""
    document = read_document(data, DEMANDES)
    assert isinstance(document, Document), document
    return document.root.get("versionInterface", ""), b"notifSms>" in data


def recue_of(data: bytes, guichet: Guichet = BAILLEUR, recu_le: datetime = RECU_LE) -> DemandeRecue:
    """What the handlers hand to the registration for that file."""
    demande = demande_of(data)
    jour = recu_le.astimezone(PARIS).date()
    return DemandeRecue(
        echange=echange_of(guichet, data, recu_le),
        operation="getNumUnique",
        empreinte=hashlib.sha256(data).digest(),
        demande=demande,
        anomalies=check_creation(demande, guichet, jour, check_codes(demande.root, jour)),
        territoire=territoire_of(demande) or "",
        cles=cles_of(demande),
        nom_fichier=f"DEM{guichet.code}-202607011130-{next(_numbers) % 1_000_000:06d}.xml",
    )


def generate(seed: int | str, guichet: Guichet = BAILLEUR, **options: Unpack[Options]) -> bytes:
    options.setdefault("guichet", guichet.code)
    return generate_demande(seed, **options)


class DecideurTemoin:
    """Remembers the events; raises when told to."""

    def __init__(self) -> None:
        self.evenements: list[EvenementDemande] = []
        self.refuse: set[str] = set()

    def decide(self, conn: Connection, evenements: Sequence[EvenementDemande]) -> None:
        for evenement in evenements:
            if evenement.demande.ref_interne in self.refuse:
                # A real error of the database, in the transaction.
                conn.execute(text("SELECT 1 / 0"))
        self.evenements.extend(evenements)


def register_all(
    engine: Engine, items: Sequence[DemandeRecue], decideur: DecideurTemoin | None = None
) -> list[Resultat]:
    """The items, received then registered in one transaction."""
    with engine.begin() as conn:
        record_receptions(conn, [item.echange for item in items])
    with engine.begin() as conn:
        return register(conn, items, decideur=decideur or DecideurTemoin(), repondu_le=RECU_LE)


def horloge() -> FixedClock:
    return FixedClock(RECU_LE)
