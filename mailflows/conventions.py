"""The conventions of signed mail: subjects, names of files and of operations.

Nobody publishes them; they are ours, written down and tested. Only what is signed names an operation: the
subject is for people.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from registry.noms_fichiers import Prefixe

NOM_ACCUSE: Final = "accuse.xml"
NOM_ARCHIVE: Final = "reponses.zip"
NOM_REPETITION: Final = "repetition.xml"

NUM_UNIQUE: Final = "getNumUnique"
DOUBLONS: Final = "getDoublons"
DECLARATION_DALO: Final = "getDeclarationNouveauDalo"
DEMANDE_LOGEMENT: Final = "getDemandeLogement"
NOUVEAUX_DALO: Final = "getNouveauxDaloDepuisLe"
RADIEES: Final = "getDemandesRadieesDepuisLe"

RAPPROCHEMENT: Final = "rapprocherDistributions"
MANIFESTES: Final = "listerManifestes"

AVEC_FICHIER: Final = frozenset({NUM_UNIQUE, DOUBLONS, DECLARATION_DALO, RAPPROCHEMENT})
SANS_FICHIER: Final = frozenset({DEMANDE_LOGEMENT, NOUVEAUX_DALO, RADIEES, MANIFESTES})
PAR_COURRIER: Final = AVEC_FICHIER | SANS_FICHIER

_PREFIXES: Final = {
    Prefixe.DEMANDE: NUM_UNIQUE,
    Prefixe.DOUBLONS: DOUBLONS,
    Prefixe.DALO: DECLARATION_DALO,
    Prefixe.RAPPROCHEMENT: RAPPROCHEMENT,
    # What the mail does not do, told by the name: refused as what it is, not as a demande in error.
    Prefixe.PIECES: "deposerPiece",
    Prefixe.HISTORIQUE_PIECES: "historiquePieces",
    Prefixe.RECHERCHE: "rechercheDemandeLogement",
    Prefixe.EVENEMENTS: "evenement",
    Prefixe.TYPES_EVENEMENTS: "typeEvenement",
}


def operation_of(nom: str) -> str:
    """The operation that the name of a file asks for by its first three letters; else a registration."""
    try:
        return _PREFIXES.get(Prefixe(nom[:3].upper()), NUM_UNIQUE)
    except ValueError:
        return NUM_UNIQUE


@dataclass(frozen=True, slots=True)
class Sujets:
    """The subjects that the hub writes. `marque` begins them all, so that a robot may sort by it.

    No nominative datum is in a subject: it travels in clear.
    """

    marque: str = "[echangeur]"

    def answer(self, guichet: str, identifiant: uuid.UUID, partie: int, parties: int) -> str:
        """Of an answer; in parts when it was cut."""
        rang = f" ({partie}/{parties})" if parties > 1 else ""
        return f"{self.marque} REPONSE {guichet} {identifiant}{rang}"

    def refusal(self, guichet: str, identifiant: uuid.UUID) -> str:
        """Of the refusal of a whole message."""
        return f"{self.marque} REFUS {guichet} {identifiant}"

    def notice(self, guichet: str, identifiant: uuid.UUID) -> str:
        """Of a notice that answers nothing."""
        return f"{self.marque} AVIS {guichet} {identifiant}"

    def manifest(self, guichet: str, identifiant: uuid.UUID) -> str:
        """Of the manifests of the last days."""
        return f"{self.marque} MANIFESTE {guichet} {identifiant}"

    def rehearsal(self, guichet: str, identifiant: uuid.UUID) -> str:
        """Of a message of rehearsal."""
        return f"{self.marque} REPETITION {guichet} {identifiant}"

    def distribution(self, guichet: str, sequence: int, rang: int) -> str:
        """Of a distribution. rang: of the attempt; from the second on, it says that it is a reminder."""
        rappel = f" RAPPEL {rang - 1}" if rang > 1 else ""
        return f"{self.marque} DISTRIBUTION {guichet} {sequence}{rappel}"
