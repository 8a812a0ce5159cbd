"""The part of the catalogue that the pages of the flows say (docs/specification/93-console-flux.md)."""

from __future__ import annotations

from typing import Final

from registry.anomalies import CATALOGUE, Tour

RIEN_DE_CHOISI: Final = CATALOGUE.declare(
    "CON601",
    "Rien n'a été choisi : ni guichet, ni cause, ni « tout ».",
    tour=Tour.PARTENAIRE,
    conduite="Revenir à la page et dire ce qui doit être rejoué.",
    source="FLX-12",
)
MESSAGE_EFFACE: Final = CATALOGUE.declare(
    "CON602",
    "Il n'est plus conservé : son délai est passé, ou les données sont effacées.",
    tour=Tour.PARTENAIRE,
    conduite="Aucune ; l'empreinte et l'issue restent.",
    source="FLX-22",
)
LISTE_ILLISIBLE: Final = CATALOGUE.declare(
    "CON603",
    "La liste ne se lit pas : {constat}. Attendu, une ligne par numéro ou par tranche : {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Corriger la liste et l'envoyer de nouveau.",
    source="FLX-41",
)
