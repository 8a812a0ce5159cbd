"""What the handlers make of a valid document before the database is asked: its controls, its keys. Pure."""

from __future__ import annotations

import hashlib

from registry.anomalies import Anomalie
from registry.anomalies_vie import SANS_NUMERO
from registry.changement import ChangementRecu, check_change, fact_of
from registry.controles import PARIS, check_creation, check_guichet, territoire_of
from registry.echanges import Echange
from registry.evaluation import DemandeRecue
from registry.guichets import Guichet
from registry.identites import cles_of
from schemas.codes import check_codes
from schemas.demande import Demande


def creation_of(
    echange: Echange, operation: str, fichier: bytes, demande: Demande, nom_fichier: str
) -> DemandeRecue:
    """A file that creates a demande, CRE or CRS. nom_fichier: that of the answer."""
    guichet = echange.emetteur.guichet
    jour = echange.recu_le.astimezone(PARIS).date()
    return DemandeRecue(
        echange=echange,
        operation=operation,
        empreinte=hashlib.sha256(fichier).digest(),
        demande=demande,
        anomalies=check_creation(demande, guichet, jour, check_codes(demande.root, jour)),
        territoire=territoire_of(demande) or "",
        cles=cles_of(demande),
        nom_fichier=nom_fichier,
    )


def change_of(
    echange: Echange, operation: str, fichier: bytes, demande: Demande, nom_fichier: str
) -> ChangementRecu:
    """A file about a demande that exists: MOD, REN, RAD, SUP. nom_fichier: that of the answer."""
    jour = echange.recu_le.astimezone(PARIS).date()
    fait, motif = fact_of(demande)
    return ChangementRecu(
        echange=echange,
        operation=operation,
        empreinte=hashlib.sha256(fichier).digest(),
        demande=demande,
        fait=fait,
        motif=motif,
        anomalies=check_change(demande, echange.emetteur.guichet, check_codes(demande.root, jour)),
        nom_fichier=nom_fichier,
    )


def check_copy(demande: Demande, guichet: Guichet) -> tuple[Anomalie, ...]:
    """What a file that asks for a copy must say: who asks, and which demande."""
    anomalies = check_guichet(demande, guichet)
    if demande.num_unique is not None:
        return anomalies
    element = "/interfaceNuu/demande/demandeLogement/numUnique"
    return (*anomalies, SANS_NUMERO(demande.type_fichier, "", element))
