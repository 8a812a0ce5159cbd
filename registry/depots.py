"""What has no number yet: brouillons, and deposits of the portal (docs/specification/80-portail.md). Pure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from registry import anomalies_portail as catalogue
from registry.anomalies import Anomalie
from registry.controles import PARIS, format_jour
from registry.guichets import Guichet, TypeGuichet
from registry.identites import cles_of_personne, normalise
from registry.lifecycle import Etat
from registry.regles import Regles
from schemas.demande import Demande

_CORPS: Final = "/interfaceNuu/demande/demandeLogement"

TEXTE_MAX: Final = 255
"""Characters of a comment or a criterion: they are shown, never documents."""

UTILISATEUR_MAX: Final = 100


class Motif(StrEnum):
    """Why a deposit is not validated; told to the applicant."""

    IDENTITE = "IDENTI"
    ILLISIBLE = "ILLISI"
    ABSENTE = "ABSENT"
    DOUBLON = "DOUBLO"
    ERRONEE = "ERRONE"
    RETRAIT = "RETRAI"
    EXPIRE = "EXPIRE"


MOTIFS: Final = MappingProxyType(
    {
        Motif.IDENTITE: "l'identité n'est pas celle de la pièce présentée",
        Motif.ILLISIBLE: "la pièce d'identité est illisible ou incomplète",
        Motif.ABSENTE: "aucune pièce d'identité n'a été présentée",
        Motif.DOUBLON: "le demandeur a déjà une demande active sur ce territoire",
        Motif.ERRONEE: "la demande est manifestement erronée",
        Motif.RETRAIT: "le demandeur a retiré son dépôt",
        Motif.EXPIRE: "le dépôt n'a pas été validé dans le délai",
    }
)


class PieceIdentite(StrEnum):
    """The document on which a guichet has seen who the applicant is (CCH R441-2-3)."""

    CARTE = "CNI"
    PASSEPORT = "PASSEP"
    TITRE_DE_SEJOUR = "TITSEJ"
    RECEPISSE = "RECEPI"
    STATUTS = "STATUT"


PIECES: Final = MappingProxyType(
    {
        PieceIdentite.CARTE: "carte nationale d'identité, même périmée",
        PieceIdentite.PASSEPORT: "passeport",
        PieceIdentite.TITRE_DE_SEJOUR: "titre de séjour",
        PieceIdentite.RECEPISSE: "récépissé ou autre document de l'arrêté sur la régularité du séjour",
        PieceIdentite.STATUTS: "statuts ou récépissé de déclaration d'une association",
    }
)

CODES_ETATS: Final = MappingProxyType(
    {
        Etat.BROUILLON: "BROUIL",
        Etat.ATTENTE: "ATTENT",
        Etat.ACTIVE: "VALIDE",
        Etat.INVALIDEE: "INVALI",
        Etat.PURGEE: "EFFACE",
    }
)
"""States, as the service writes them."""


@dataclass(frozen=True, slots=True)
class Depot:
    """One line of the table `depot`; see registry.tables_depots."""

    id: uuid.UUID
    etat: Etat
    guichet: str
    maj_le: datetime
    territoire: str = ""
    communes: tuple[str, ...] = ()
    depose_le: datetime | None = None
    sequence_depot: int | None = None
    document: bytes | None = None
    numero: str | None = None
    motif: str | None = None
    commentaire: str = ""
    issue_le: datetime | None = None
    issue_guichet: str | None = None

    def expire_le(self, regles: Regles) -> date | None:
        """First day on which it is ended or erased by itself; None when it will not be."""
        debut, jours = {
            Etat.BROUILLON: (self.maj_le, regles.brouillon_jours),
            Etat.ATTENTE: (self.depose_le, regles.depot_jours),
            Etat.INVALIDEE: (self.issue_le, regles.depot_conservation_jours),
        }.get(self.etat, (None, 0))
        return None if debut is None else debut.astimezone(PARIS).date() + timedelta(days=jours)


@dataclass(frozen=True, slots=True)
class Cles:
    """By what a guichet finds a deposit: all nominative, normalised. naissance: None for an association."""

    mel: str = ""
    noms: tuple[str, ...] = ()
    prenom: str = ""
    naissance: date | None = None


def cles_of(demande: Demande) -> Cles:
    """The keys of a document, which may be that of a brouillon and lack anything."""
    personne, association = demande.demandeur, demande.association
    if personne is not None:
        noms = {normalise(nom) for nom in (personne.nom, personne.nom_patronymique)} - {""}
        naissance = None if personne.date_naissance == date.min else personne.date_naissance
        return Cles(normalise_mel(personne.mel), tuple(sorted(noms)), normalise(personne.prenom), naissance)
    if association is not None:
        return Cles(normalise_mel(association.mel), (normalise(association.nom),))
    return Cles()


def normalise_mel(mel: str) -> str:
    """Case does not tell two mail addresses of applicants apart."""
    return mel.strip().casefold()[:TEXTE_MAX]


@dataclass(frozen=True, slots=True)
class Constat:
    """What a guichet has seen of the applicant: the kind of document, and what it bears.

    naissance: None for an association. utilisateur: the agent.
    """

    piece: str
    nom: str
    prenom: str
    naissance: date | None
    utilisateur: str


def check_brouillon(demande: Demande, guichet: Guichet) -> tuple[Anomalie, ...]:
    """What a brouillon must be, however incomplete: a creation, of its guichet, without a number."""
    found = []
    for bon, constat, attendu, element in (
        (demande.type_fichier == "CRE", f"typeFichier « {demande.type_fichier[:20]} »", "CRE", "typeFichier"),
        (
            demande.num_guichet.strip() in ("", guichet.code),
            f"numGuichet « {demande.num_guichet[:20]} »",
            guichet.code,
            "numGuichet",
        ),
        (demande.num_unique is None, "un numéro unique", "aucun", "numUnique"),
    ):
        if not bon:
            found.append(catalogue.PAS_UN_BROUILLON(constat, attendu, element))
    return tuple(found)


def check_depot(demande: Demande, guichet: Guichet, jour: date) -> tuple[Anomalie, ...]:
    """What a deposit of the portal must be beyond a creation. jour: that of its reception, in Paris.

    The day before is let through: a file is typed before midnight and received after.
    """
    if guichet.type is not TypeGuichet.PORTAIL:
        return ()
    found = []
    if not jour - timedelta(days=1) <= demande.date_creation <= jour:
        found.append(
            catalogue.DATE_DEPOT(
                format_jour(demande.date_creation), format_jour(jour), f"{_CORPS}/dateCreationDemande"
            )
        )
    if demande.forcer_doublon:
        found.append(catalogue.DOUBLON_RESERVE(propriete=f"{_CORPS}/forcerDoublon"))
    return tuple(found)


def check_constat(constat: Constat) -> tuple[Anomalie, ...]:
    """What the message says, whatever the deposit."""
    found = []
    if constat.piece not in tuple(PieceIdentite):
        permis = ", ".join(PieceIdentite)
        found.append(catalogue.CODE_REFUSE(constat.piece, permis, "pieceIdentite"))
    manque = [] if normalise(constat.nom) else ["le nom"]
    if constat.piece != PieceIdentite.STATUTS:
        manque += [] if normalise(constat.prenom) else ["le prénom"]
        manque += [] if constat.naissance else ["la date de naissance"]
    found += [catalogue.CONSTAT_INCOMPLET(", ".join(manque))] if manque else []
    return (*found, *check_utilisateur(constat.utilisateur))


def check_utilisateur(utilisateur: str) -> tuple[Anomalie, ...]:
    """Agents are individually entitled (regles §12)."""
    if 0 < len(utilisateur) <= UTILISATEUR_MAX:
        return ()
    return (
        catalogue.CONSTAT_INCOMPLET(f"l'agent, en 1 à {UTILISATEUR_MAX} caractères", propriete="utilisateur"),
    )


def check_identite(demande: Demande, constat: Constat) -> tuple[Anomalie, ...]:
    """Is the demandeur the one whom the document names? Inversion, case and accents do not matter.

    What differs is named, never quoted: the guichet has both before it.
    """
    ecarts: list[str] = []
    personne, association = demande.demandeur, demande.association
    if personne is None:
        meme = association is not None and normalise(association.nom) == normalise(constat.nom)
        ecarts = [] if meme else ["le nom"]
    elif constat.naissance is None:
        ecarts = ["le demandeur est une personne, pas une association"]
    else:
        naissance = constat.naissance
        portes = cles_of_personne(personne.nom, personne.nom_patronymique, personne.prenom, naissance)
        vus = cles_of_personne(constat.nom, "", constat.prenom, naissance)
        ecarts += [] if set(portes) & set(vus) else ["le nom ou le prénom"]
        ecarts += [] if personne.date_naissance == naissance else ["la date de naissance"]
    return (catalogue.IDENTITE_DISCORDANTE(", ".join(ecarts)),) if ecarts else ()
