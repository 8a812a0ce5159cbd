"""The catalogue of the controls against the directory of dwellings (docs/specification/41-rpls.md)."""

from __future__ import annotations

from typing import Final

from registry.anomalies import CATALOGUE, Tour

LOGEMENT_INCONNU: Final = CATALOGUE.declare(
    "RPL201",
    "Le logement « {constat} » n'est pas au répertoire, qui connaît les logements du bailleur {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Corriger numeroRpls ; si le logement est nouveau, laisser numeroRpls vide et le décrire.",
    source="regles §9",
)
LOGEMENT_AUTRE_COMMUNE: Final = CATALOGUE.declare(
    "RPL202",
    "Le logement attribué est dit de la commune {constat} ; au répertoire, il est de la commune {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Corriger numeroRpls ou la commune de l'adresse et renvoyer.",
    source="regles §14",
)
LOGEMENT_AUTRE_BAILLEUR: Final = CATALOGUE.declare(
    "RPL203",
    "L'attribution est dite du bailleur {constat} ; au répertoire, le logement est au bailleur {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Corriger numeroRpls ou codeSirenBailleur et renvoyer ; si le logement a changé de bailleur "
    "depuis la dernière collecte, laisser numeroRpls vide et le décrire.",
    source="regles §14",
)
