"""The part of the catalogue for the search of demandes (docs/specification/50-recherche.md)."""

from __future__ import annotations

from typing import Final

from registry.anomalies import CATALOGUE, Tour

_SPECIFICATION: Final = "docs/specification/50-recherche.md"

TROP_DE_DEMANDES: Final = CATALOGUE.declare(
    "REC201",
    "Plus de {attendu} demandes répondent aux critères : {constat} seulement sont rendues.",
    tour=Tour.PARTENAIRE,
    conduite="Ajouter des critères, ou resserrer les dates, et chercher à nouveau.",
    source=f"{_SPECIFICATION} [REC-7]",
)
RECHERCHE_TROP_LONGUE: Final = CATALOGUE.declare(
    "REC202",
    "La recherche dépasse la durée permise, {attendu} : ses critères sont trop larges.",
    tour=Tour.PARTENAIRE,
    conduite="Ajouter un critère qui désigne peu de demandes (numéro, personne, commune, dates proches) et "
    "chercher à nouveau.",
    source=f"{_SPECIFICATION} [REC-8]",
    rejouable=True,
)
SANS_CRITERE: Final = CATALOGUE.declare(
    "REC203",
    "La recherche ne porte aucun critère.",
    tour=Tour.PARTENAIRE,
    conduite="Donner au moins un critère.",
    source=f"{_SPECIFICATION} [REC-3]",
)
ETAT_INCONNU: Final = CATALOGUE.declare(
    "REC204",
    "L'état « {constat} » n'est pas connu ; attendu : {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Corriger etatDemande et chercher à nouveau.",
    source=f"{_SPECIFICATION} [REC-5]",
)
PERIODE_RENVERSEE: Final = CATALOGUE.declare(
    "REC205",
    "La période commence le {constat}, après sa fin le {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Corriger les deux dates et chercher à nouveau.",
    source=f"{_SPECIFICATION} [REC-4]",
)
PRENOM_SEUL: Final = CATALOGUE.declare(
    "REC206",
    "Le prénom ne suffit pas à chercher une personne.",
    tour=Tour.PARTENAIRE,
    conduite="Ajouter le nom ou la date de naissance.",
    source=f"{_SPECIFICATION} [REC-6]",
)
CRITERE_VIDE: Final = CATALOGUE.declare(
    "REC207",
    "« {constat} » ne contient ni lettre ni chiffre : rien ne peut être cherché.",
    tour=Tour.PARTENAIRE,
    conduite="Renseigner l'élément indiqué, ou le retirer.",
    source=f"{_SPECIFICATION} [REC-6]",
)
COMMUNE_INCONNUE: Final = CATALOGUE.declare(
    "REC208",
    "La commune « {constat} » n'existe pas au code officiel géographique.",
    tour=Tour.PARTENAIRE,
    conduite="Corriger le code de la commune et chercher à nouveau.",
    source=f"{_SPECIFICATION} [REC-4]",
)
