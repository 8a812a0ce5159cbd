"""The part of the catalogue for shared management (docs/specification/51-gestion-partagee.md)."""

from __future__ import annotations

from typing import Final

from registry.anomalies import CATALOGUE, Tour, TypeAnomalie

_CORRIGER: Final = "Corriger l'événement et renvoyer le fichier entier."


def _declare(code: str, texte: str, clause: str, conduite: str = _CORRIGER) -> TypeAnomalie:
    return CATALOGUE.declare(
        code,
        texte,
        tour=Tour.PARTENAIRE,
        conduite=conduite,
        source=f"docs/specification/51-gestion-partagee.md {clause}",
    )


TERRITOIRE_ABSENT: Final = _declare(
    "GPE201",
    "Le territoire dont on demande les types d'événements n'est pas donné.",
    "[GPE-4]",
    "Donner operation/codeTerritoire.",
)
TERRITOIRE_HORS_PORTEE: Final = _declare(
    "GPE202",
    "Le territoire « {constat} » n'est pas de ceux du guichet : {attendu}.",
    "[GPE-4]",
    "Demander un territoire du guichet.",
)
SANS_EVENEMENT: Final = _declare("GPE203", "Le fichier ne porte aucun événement.", "[GPE-10]")
TYPE_INCONNU: Final = _declare(
    "GPE204",
    "Le type d'événement « {constat} » n'est pas de ceux de la demande : {attendu}.",
    "[GPE-11]",
    "Prendre un type que listent listerTypesEvenementsNationaux ou listerTypesEvenementsTerritoriaux.",
)
TYPE_PERIME: Final = _declare(
    "GPE205", "Le type d'événement « {constat} » n'est pas valable le {attendu}.", "[GPE-11]"
)
SURVENANCE_ABSENTE: Final = _declare("GPE206", "L'événement ne dit pas quel jour il a eu lieu.", "[GPE-12]")
SURVENANCE_FUTURE: Final = _declare(
    "GPE207", "L'événement a lieu le {constat}, après le jour de réception, {attendu}.", "[GPE-12]"
)
SURVENANCE_AVANT_DEPOT: Final = _declare(
    "GPE208", "L'événement a lieu le {constat}, avant le dépôt de la demande, le {attendu}.", "[GPE-12]"
)
CHAMP_INCONNU: Final = _declare(
    "GPE209", "Le type d'événement n'a pas le champ « {constat} » ; ses champs : {attendu}.", "[GPE-13]"
)
CHAMP_ABSENT: Final = _declare("GPE210", "Le champ « {constat} » est obligatoire.", "[GPE-13]")
CHAMP_MALFORME: Final = _declare(
    "GPE211", "Le champ « {constat} » n'a pas la valeur attendue : {attendu}.", "[GPE-13]"
)
CHAMP_REPETE: Final = _declare("GPE212", "Le champ « {constat} » est donné plusieurs fois.", "[GPE-13]")
AUTEUR_NON_HABILITE: Final = _declare(
    "GPE213",
    "Un guichet de type {constat} n'écrit pas d'événement de ce type ; types habilités : {attendu}.",
    "[GPE-14]",
    "Laisser un guichet habilité écrire cet événement.",
)
DEMANDE_NON_ACTIVE: Final = _declare(
    "GPE215",
    "La demande {constat} n'est pas active : ses événements ne changent plus.",
    "[GPE-15]",
    "Vérifier le numéro unique ; s'il est juste, rétablir la demande avant d'y écrire.",
)
EVENEMENT_INCONNU: Final = _declare(
    "GPE216",
    "La demande n'a pas d'événement {constat}.",
    "[GPE-20]",
    "Lister les événements de la demande et reprendre l'identifiant donné.",
)
IDENTIFIANT_ABSENT: Final = _declare(
    "GPE217", "L'événement à changer n'est pas désigné : idEvenement est absent.", "[GPE-20]"
)
IDENTIFIANT_PRESENT: Final = _declare(
    "GPE218",
    "L'événement à ajouter porte déjà un identifiant, {constat} ; c'est l'échangeur qui l'attribue.",
    "[GPE-10]",
    "Retirer idEvenement ; pour changer un événement, appeler modifierEvenementDemande.",
)
AUTRE_AUTEUR: Final = _declare(
    "GPE219",
    "L'événement {constat} a été écrit par le guichet {attendu} : lui seul peut le changer.",
    "[GPE-21]",
    "S'adresser au guichet qui l'a écrit.",
)
MODIFIE_DEPUIS: Final = _declare(
    "GPE220",
    "L'événement {constat} a été changé depuis, {attendu} : le changement est refusé pour ne rien perdre.",
    "[GPE-22]",
    "Lister les événements de la demande, reprendre le changement sur ce qui est rendu.",
)
TYPE_IMMUABLE: Final = _declare(
    "GPE221",
    "Le type d'un événement ne change pas : c'était {attendu}, le fichier porte {constat}.",
    "[GPE-23]",
    "Supprimer l'événement et en ajouter un autre.",
)
EVENEMENT_REPETE: Final = _declare(
    "GPE222", "L'événement {constat} est plusieurs fois dans le fichier.", "[GPE-20]"
)
TROP_D_EVENEMENTS: Final = _declare(
    "GPE223",
    "La demande aurait plus de {attendu} événements.",
    "[GPE-16]",
    "Supprimer les événements écrits par erreur.",
)
