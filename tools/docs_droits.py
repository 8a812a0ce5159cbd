"""docs/droits.md, generated from the rights that the code follows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from registry.actes import ACTE_DE_PIECE, ACTEURS, PAR_SYSTEME_PARTICULIER, PROFILS, SANS_DEMANDE, Acte
from registry.droits import PAR_COMMUNES
from registry.guichets import TypeGuichet
from registry.pieces import DROITS, Portee
from registry.profils import Profil

PAGE: Final = Path("docs/droits.md")

LIBELLES: Final = {
    Acte.CREER: "créer une demande (`getNumUnique`, `CRE`), ou la déposer à valider (portail)",
    Acte.LIRE: "lire une demande (`getDemandeLogement`, `COP`)",
    Acte.CHERCHER_DOUBLONS: "chercher les doublons (`getDoublons`)",
    Acte.RECHERCHER: "rechercher (`rechercheDemandeMulticritere`)",
    Acte.LISTER: "lister (`getNouveauxDaloDepuisLe`, `getDemandesRadieesDepuisLe`)",
    Acte.MODIFIER: "modifier (`MOD`)",
    Acte.RENOUVELER: "renouveler (`REN`)",
    Acte.ATTRIBUER: "radier pour attribution (`RADATT`)",
    Acte.ABANDONNER: "radier pour abandon (`RADABA`)",
    Acte.RADIER_SANS_REPONSE: "radier pour absence de réponse (`RADCON`)",
    Acte.DECLARER_IRRECEVABLE: "radier pour irrecevabilité (`RADIRR`)",
    Acte.RADIER_NON_RENOUVELEE: "radier pour non-renouvellement (`RADREN`)",
    Acte.REACTIVER: "annuler une radiation (`RAD` sans code de motif)",
    Acte.SUPPRIMER: "supprimer une demande enregistrée par erreur (`SUP`)",
    Acte.CREER_APRES_SEPARATION: "créer après une séparation (`CRS`)",
    Acte.SAISIR: "garder un brouillon (`enregistrerBrouillon`), le déposer (`deposerDemande`)",
    Acte.LIRE_DEPOTS: "lire les dépôts du portail (`listerDepots`, `consulterDepot`)",
    Acte.VALIDER: "valider ou invalider un dépôt (`validerDepot`, `invaliderDepot`)",
    Acte.RETIRER: "retirer un dépôt pour le demandeur (`invaliderDepot`, `RETRAI`)",
    Acte.DECLARER_DALO: "déclarer un DALO (`getDeclarationNouveauDalo`)",
    Acte.LISTER_TYPES: "lister les types d'événements (`listerTypesEvenementsNationaux`,"
    " `listerTypesEvenementsTerritoriaux`)",
    Acte.LIRE_EVENEMENTS: "lire les événements d'une demande (`listerEvenementsDemande`)",
    Acte.AJOUTER_EVENEMENT: "ajouter un événement (`ajouterEvenementDemande`)",
    Acte.MODIFIER_EVENEMENT: "modifier un événement (`modifierEvenementDemande`)",
    Acte.SUPPRIMER_EVENEMENT: "supprimer un événement (`supprimerEvenementDemande`)",
    Acte.DEPOSER_PIECE: "déposer une pièce (`deposerPiece`)",
    Acte.LISTER_PIECES: "lister les pièces (`listerPieces`)",
    Acte.CONSULTER_PIECE: "consulter une pièce (`consulterPiece`)",
    Acte.MARQUER_PIECE: "marquer une pièce (`marquerPiece`)",
    Acte.SUPPRIMER_PIECE: "supprimer une pièce (`supprimerPiece`)",
    Acte.VOIR_HISTORIQUE: "lire l'historique des pièces (`historiquePieces`)",
    Acte.LIRE_DISTRIBUTIONS: "lire ses distributions (`listerDistributions`, `situerDistributions`,"
    " `listerManifestes`, `rapprocherDistributions`)",
    Acte.ACQUITTER: "acquitter ses distributions, les rejouer (`acquitterDistributions`,"
    " `rejouerDistributions`)",
}

_TYPES: Final = {
    TypeGuichet.BAILLEUR: "bailleur",
    TypeGuichet.COMMUNE: "commune",
    TypeGuichet.EPCI: "EPCI",
    TypeGuichet.ETAT: "État",
    TypeGuichet.AUTRE: "autre",
    TypeGuichet.PORTAIL: "portail",
}

_PROFILS: Final = {
    Profil.GUICHET: "guichet",
    Profil.GESTIONNAIRE: "gestionnaire",
    Profil.CONSULTANT_SIMPLE: "consultant simple",
    Profil.CONSULTANT_DEMANDE: "consultant demande",
    Profil.CONSULTANT_SENSIBLE: "consultant sensible",
    Profil.NUMERISEUR: "numériseur",
    Profil.DEMANDEUR: "demandeur",
}
_PORTEES: Final = {
    Portee.AUCUNE: "–",
    Portee.PROPRES: "ses dépôts",
    Portee.ORDINAIRES: "non sensibles",
    Portee.TOUTES: "oui",
}

_ENTETE: Final = """# Droits

Page engendrée depuis le code par `make docs` ; ne pas la modifier à la main.

Trois questions, dans cet ordre : le profil du certificat permet-il l'acte (sinon `GUI104`) ; le guichet
peut-il lire la demande (sinon `GUI103`, comme pour une demande inconnue) ; son type peut-il faire l'acte
(sinon une anomalie qui dit qui le peut).

## Ce que permet le type du guichet

Un guichet n'agit que sur une demande qu'il peut lire :

- « territoire » : toutes les demandes de ses territoires ;
- « communes » : les demandes de ses territoires qui souhaitent une de ses communes ;
- celui qui détient une demande la lit toujours ; un guichet fermé ne lit rien.

Un système particulier (guichet qui donne ses numéros) a les droits de son type, et en plus ceux que la
dernière colonne dit, au nom des guichets qu'il représente. Créer et lister les types ne supposent que le
territoire. Supprimer une demande appartient au guichet qui l'a enregistrée, changer un événement à celui qui
l'a écrit.

Tout guichet vient chercher ses distributions (`DistributionsImplService`) et ne voit que les siennes : ce
que les droits de son type et ses filtres lui ont fait distribuer, et qu'il peut encore lire.

Le portail grand public (`GDPUB`) agit pour le demandeur : il dépose, suit, modifie, renouvelle, abandonne, et
rien d'autre (`GUI105`, `VIE211`) ; il ne voit et ne retire que ses propres dépôts
([portail](specification/80-portail.md)). Un brouillon n'est lu que du guichet qui le garde.

Les conditions de chaque fait : [cycle de vie](cycle-de-vie.md). L'irrecevabilité et la déclaration de DALO se
règlent : [configuration](configuration.md).

"""
_ENTETE_PROFILS: Final = """
## Ce que permet le profil du certificat

Le gestionnaire donne son profil à chaque certificat (`echangeur certificat profil`). Sans profil donné, un
certificat a le profil « guichet », et celui du portail grand public (`GDPUB`) le profil « demandeur ». Un
profil restreint ce que permet le type du guichet et ne l'élargit jamais. Un consultant lit ce que son guichet
peut lire, et ne change rien ; un numériseur dépose des pièces et ne lit rien, pas même la demande.

"""


def render() -> str:
    """The whole page."""
    types = [*_TYPES.values(), "système particulier"]
    lines = [_ENTETE, *_head(types)]
    for acte, libelle in LIBELLES.items():
        cells = [_cell(acte, type_) for type_ in _TYPES]
        plus = "oui" if acte in PAR_SYSTEME_PARTICULIER else "selon son type"
        lines.append(_line([libelle, *cells, plus]))
    lines += [_ENTETE_PROFILS, *_head(list(_PROFILS.values()))]
    for acte, libelle in LIBELLES.items():
        lines.append(_line([libelle, *(_cell_of_profile(acte, profil) for profil in _PROFILS)]))
    return "".join(lines)


def _head(names: list[str]) -> list[str]:
    return [_line(["acte", *names]), _line(["---"] * (len(names) + 1))]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _cell(acte: Acte, type_: TypeGuichet) -> str:
    if type_ not in ACTEURS[acte]:
        return "–"
    return "communes" if type_ in PAR_COMMUNES and acte not in SANS_DEMANDE else "territoire"


def _cell_of_profile(acte: Acte, profil: Profil) -> str:
    for action, des_pieces in ACTE_DE_PIECE.items():
        if des_pieces is acte:
            return _PORTEES[DROITS[profil][action]]
    return "oui" if acte in PROFILS[profil] else "–"
