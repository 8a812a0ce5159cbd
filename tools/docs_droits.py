"""docs/droits.md, generated from the rights that the code follows."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from registry.droits import ACTEURS, PAR_COMMUNES, PAR_SYSTEME_PARTICULIER, Acte
from registry.guichets import TypeGuichet

PAGE: Final = Path("docs/droits.md")

LIBELLES: Final = {
    Acte.CREER: "créer une demande (`getNumUnique`, `CRE`, `CRS`)",
    Acte.LIRE: "lire une demande (`getDemandeLogement`, `COP`)",
    Acte.CHERCHER_DOUBLONS: "chercher les doublons (`getDoublons`)",
    Acte.RECHERCHER: "rechercher (`rechercheDemandeMulticritere`)",
    Acte.LISTER: "lister (`getNouveauxDaloDepuisLe`, `getDemandesRadieesDepuisLe`)",
    Acte.MODIFIER: "modifier (`MOD`)",
    Acte.RENOUVELER: "renouveler (`REN`)",
    Acte.ATTRIBUER: "radier pour attribution (`RADATT`)",
    Acte.ABANDONNER: "radier pour abandon (`RADABA`), réactiver",
    Acte.RADIER_SANS_REPONSE: "radier pour absence de réponse (`RADCON`)",
    Acte.DECLARER_IRRECEVABLE: "radier pour irrecevabilité (`RADIRR`)",
    Acte.RADIER_NON_RENOUVELEE: "radier pour non-renouvellement (`RADREN`)",
    Acte.DECLARER_DALO: "déclarer un DALO (`getDeclarationNouveauDalo`)",
}

_TYPES: Final = {
    TypeGuichet.BAILLEUR: "bailleur",
    TypeGuichet.COMMUNE: "commune",
    TypeGuichet.EPCI: "EPCI",
    TypeGuichet.ETAT: "État",
    TypeGuichet.AUTRE: "autre",
}

_ENTETE: Final = """# Droits

Page engendrée depuis le code par `make docs` ; ne pas la modifier à la main.

Un guichet n'agit que sur une demande qu'il peut lire :

- « territoire » : toutes les demandes de ses territoires ;
- « communes » : les demandes de ses territoires qui souhaitent une de ses communes ;
- celui qui détient une demande la lit toujours ; un guichet fermé ne lit rien.

Un système particulier (guichet qui donne ses numéros) a les droits de son type, et en plus ceux que la
dernière colonne dit, au nom des guichets qu'il représente. Une demande hors du périmètre est refusée comme
une demande inconnue (`GUI103`). Créer ne suppose que le territoire. Supprimer (`SUP`) appartient au guichet
qui a enregistré la demande.

Tout guichet vient chercher ses distributions (`DistributionsImplService`) et ne voit que les siennes : ce
que les droits de son type et ses filtres lui ont fait distribuer, et qu'il peut encore lire.

Les conditions de chaque fait : [cycle de vie](cycle-de-vie.md). L'irrecevabilité et la déclaration de DALO se
règlent : [configuration](configuration.md).

"""


def render() -> str:
    """The whole page."""
    names = " | ".join(_TYPES.values())
    lines = [_ENTETE, f"| acte | {names} | système particulier |\n| --- |{' --- |' * (len(_TYPES) + 1)}\n"]
    for acte, libelle in LIBELLES.items():
        cells = " | ".join(_cell(acte, type_) for type_ in _TYPES)
        plus = "oui" if acte in PAR_SYSTEME_PARTICULIER else "selon son type"
        lines.append(f"| {libelle} | {cells} | {plus} |\n")
    return "".join(lines)


def _cell(acte: Acte, type_: TypeGuichet) -> str:
    if type_ not in ACTEURS[acte]:
        return "–"
    return "communes" if type_ in PAR_COMMUNES and acte is not Acte.CREER else "territoire"
