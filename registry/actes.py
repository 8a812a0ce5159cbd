"""What partners do, and which types of guichet and which profiles may: the tables of rights. Pure.

registry.droits decides by them; docs/droits.md prints them; tests/soap/test_matrice_droits.py tries every
operation by every type and every profile. A new operation adds its line to OPERATIONS: an edge that serves
one without a line does not start.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from registry.guichets import TypeGuichet
from registry.lifecycle import Fait
from registry.pieces import DROITS, Action, Portee
from registry.profils import Profil
from schemas.demande import Demande


class Acte(StrEnum):
    """What a partner may ask for."""

    CREER = "creer"
    LIRE = "lire"
    CHERCHER_DOUBLONS = "chercher-doublons"
    RECHERCHER = "rechercher"
    LISTER = "lister"
    MODIFIER = "modifier"
    RENOUVELER = "renouveler"
    ATTRIBUER = "attribuer"
    ABANDONNER = "abandonner"
    RADIER_SANS_REPONSE = "radier-sans-reponse"
    DECLARER_IRRECEVABLE = "declarer-irrecevable"
    RADIER_NON_RENOUVELEE = "radier-non-renouvelee"
    REACTIVER = "reactiver"
    SUPPRIMER = "supprimer"
    CREER_APRES_SEPARATION = "creer-apres-separation"
    SAISIR = "saisir"
    LIRE_DEPOTS = "lire-depots"
    VALIDER = "valider"
    RETIRER = "retirer"
    DECLARER_DALO = "declarer-dalo"
    LISTER_TYPES = "lister-types"
    LIRE_EVENEMENTS = "lire-evenements"
    AJOUTER_EVENEMENT = "ajouter-evenement"
    MODIFIER_EVENEMENT = "modifier-evenement"
    SUPPRIMER_EVENEMENT = "supprimer-evenement"
    DEPOSER_PIECE = "deposer-piece"
    LISTER_PIECES = "lister-pieces"
    CONSULTER_PIECE = "consulter-piece"
    MARQUER_PIECE = "marquer-piece"
    SUPPRIMER_PIECE = "supprimer-piece"
    VOIR_HISTORIQUE = "voir-historique"
    LIRE_DISTRIBUTIONS = "lire-distributions"
    ACQUITTER = "acquitter"


SANS_DEMANDE: Final = frozenset(
    {Acte.CREER, Acte.SAISIR, Acte.LISTER_TYPES, Acte.LIRE_DISTRIBUTIONS, Acte.ACQUITTER}
)
"""Acts that no demande bounds."""

PAR_SYSTEME_PARTICULIER: Final = frozenset(
    {Acte.ATTRIBUER, Acte.DECLARER_IRRECEVABLE, Acte.RADIER_NON_RENOUVELEE}
)
"""Acts of bailleurs, or of the hub, that a système particulier reports for those behind it (regles §7)."""

ACTE_DE_PIECE: Final[Mapping[Action, Acte]] = MappingProxyType(
    {
        Action.DEPOT: Acte.DEPOSER_PIECE,
        Action.LISTE: Acte.LISTER_PIECES,
        Action.CONSULTATION: Acte.CONSULTER_PIECE,
        Action.MARQUE: Acte.MARQUER_PIECE,
        Action.SUPPRESSION: Acte.SUPPRIMER_PIECE,
        Action.HISTORIQUE: Acte.VOIR_HISTORIQUE,
    }
)

_DES_PIECES: Final = frozenset(ACTE_DE_PIECE.values())
_LECTURES: Final = frozenset(
    {
        Acte.LIRE,
        Acte.CHERCHER_DOUBLONS,
        Acte.RECHERCHER,
        Acte.LISTER,
        Acte.LISTER_TYPES,
        Acte.LIRE_EVENEMENTS,
        Acte.LIRE_DISTRIBUTIONS,
        Acte.LIRE_DEPOTS,
    }
)
_DU_DEMANDEUR: Final = frozenset(
    {
        Acte.CREER,
        Acte.LIRE,
        Acte.MODIFIER,
        Acte.RENOUVELER,
        Acte.ABANDONNER,
        Acte.LISTER_TYPES,
        Acte.LIRE_EVENEMENTS,
        Acte.LIRE_DISTRIBUTIONS,
        Acte.ACQUITTER,
        Acte.SAISIR,
        Acte.LIRE_DEPOTS,
        Acte.RETIRER,
    }
)
"""What an applicant does online with his own demande (CCH R441-2-7, R441-2-8 b, R441-2-17): nothing that
looks for the demandes of others, nothing that a service or a commission decides. The portal that speaks for
him takes what is distributed to it, to show him what others changed."""


def _of_pieces(profil: Profil) -> frozenset[Acte]:
    droits = DROITS[profil]
    return frozenset(acte for action, acte in ACTE_DE_PIECE.items() if droits[action] is not Portee.AUCUNE)


_TOUS: Final = frozenset(TypeGuichet)
_PAR_TYPE: Final[Mapping[Acte, frozenset[TypeGuichet]]] = MappingProxyType(
    {
        Acte.ATTRIBUER: frozenset({TypeGuichet.BAILLEUR}),
        Acte.DECLARER_IRRECEVABLE: frozenset({TypeGuichet.BAILLEUR}),
        Acte.RADIER_NON_RENOUVELEE: frozenset(),
        Acte.DECLARER_DALO: frozenset({TypeGuichet.ETAT}),
    }
)
_DU_PORTAIL: Final = _DU_DEMANDEUR | _of_pieces(Profil.DEMANDEUR)

ACTEURS: Final[Mapping[Acte, frozenset[TypeGuichet]]] = MappingProxyType(
    {
        acte: _PAR_TYPE.get(acte, _TOUS) - (frozenset() if acte in _DU_PORTAIL else {TypeGuichet.PORTAIL})
        for acte in Acte
    }
)
"""Types of guichet that may do an act on a demande that they may read (regles §2, §5, §8); the portal, where
nobody is but the applicant, does what he does."""

PROFILS: Final[Mapping[Profil, frozenset[Acte]]] = MappingProxyType(
    {
        profil: actes | _of_pieces(profil)
        for profil, actes in {
            Profil.GUICHET: frozenset(Acte) - _DES_PIECES,
            Profil.GESTIONNAIRE: frozenset(Acte) - _DES_PIECES,
            Profil.CONSULTANT_SIMPLE: _LECTURES,
            Profil.CONSULTANT_DEMANDE: _LECTURES,
            Profil.CONSULTANT_SENSIBLE: _LECTURES,
            Profil.NUMERISEUR: frozenset[Acte](),
            Profil.DEMANDEUR: _DU_DEMANDEUR,
        }.items()
    }
)
"""Acts of each profile, within what the type of its guichet may do (regles §1, §11)."""

_NUM_UNIQUE: Final = (
    Acte.CREER,
    Acte.CREER_APRES_SEPARATION,
    Acte.LIRE,
    Acte.MODIFIER,
    Acte.RENOUVELER,
    Acte.ATTRIBUER,
    Acte.ABANDONNER,
    Acte.RADIER_SANS_REPONSE,
    Acte.DECLARER_IRRECEVABLE,
    Acte.RADIER_NON_RENOUVELEE,
    Acte.REACTIVER,
    Acte.SUPPRIMER,
)

OPERATIONS: Final[Mapping[str, tuple[Acte, ...]]] = MappingProxyType(
    {
        "getNumUnique": _NUM_UNIQUE,
        "getDemandeLogement": (Acte.LIRE,),
        "getDoublons": (Acte.CHERCHER_DOUBLONS,),
        "getDeclarationNouveauDalo": (Acte.DECLARER_DALO,),
        "getNouveauxDaloDepuisLe": (Acte.LISTER,),
        "getDemandesRadieesDepuisLe": (Acte.LISTER,),
        "rechercheDemandeMulticritere": (Acte.RECHERCHER,),
        "listerTypesEvenementsNationaux": (Acte.LISTER_TYPES,),
        "listerTypesEvenementsTerritoriaux": (Acte.LISTER_TYPES,),
        "listerEvenementsDemande": (Acte.LIRE_EVENEMENTS,),
        "ajouterEvenementDemande": (Acte.AJOUTER_EVENEMENT,),
        "modifierEvenementDemande": (Acte.MODIFIER_EVENEMENT,),
        "supprimerEvenementDemande": (Acte.SUPPRIMER_EVENEMENT,),
        "enregistrerBrouillon": (Acte.SAISIR,),
        "deposerDemande": (Acte.CREER,),
        "listerDepots": (Acte.LIRE_DEPOTS,),
        "consulterDepot": (Acte.LIRE_DEPOTS,),
        "validerDepot": (Acte.VALIDER,),
        "invaliderDepot": (Acte.VALIDER, Acte.RETIRER),
        "deposerPiece": (Acte.DEPOSER_PIECE,),
        "listerPieces": (Acte.LISTER_PIECES,),
        "consulterPiece": (Acte.CONSULTER_PIECE,),
        "marquerPiece": (Acte.MARQUER_PIECE,),
        "supprimerPiece": (Acte.SUPPRIMER_PIECE,),
        "historiquePieces": (Acte.VOIR_HISTORIQUE,),
        "listerDistributions": (Acte.LIRE_DISTRIBUTIONS,),
        "situerDistributions": (Acte.LIRE_DISTRIBUTIONS,),
        "listerManifestes": (Acte.LIRE_DISTRIBUTIONS,),
        "rapprocherDistributions": (Acte.LIRE_DISTRIBUTIONS,),
        "acquitterDistributions": (Acte.ACQUITTER,),
        "rejouerDistributions": (Acte.ACQUITTER,),
    }
)
"""Acts that each served operation may be asked for; when they are several, the message tells which."""

SELON_LE_FICHIER: Final = frozenset({"getNumUnique"})
"""Operations whose act is known once their document is read: the handler judges the profile, not the edge."""

_RADIATIONS: Final = {
    "RADATT": Acte.ATTRIBUER,
    "RADABA": Acte.ABANDONNER,
    "RADCON": Acte.RADIER_SANS_REPONSE,
    "RADIRR": Acte.DECLARER_IRRECEVABLE,
    "RADREN": Acte.RADIER_NON_RENOUVELEE,
    "": Acte.REACTIVER,
}
_FAITS: Final[Mapping[str, Acte]] = {
    "COP": Acte.LIRE,
    Fait.CREATION_SEPARATION: Acte.CREER_APRES_SEPARATION,
    Fait.MODIFICATION: Acte.MODIFIER,
    Fait.RENOUVELLEMENT: Acte.RENOUVELER,
    Fait.SUPPRESSION: Acte.SUPPRIMER,
}


def acte_of(demande: Demande) -> Acte:
    """The act that a file of getNumUnique asks for. A type of file that means nothing counts as a creation,
    and a motive that does not exist as an abandon: their own controls refuse them."""
    if demande.type_fichier == Fait.RADIATION:
        motif = "" if demande.radiation is None else demande.radiation.motif
        return _RADIATIONS.get(motif or "", Acte.ABANDONNER)
    return _FAITS.get(demande.type_fichier, Acte.CREER)
