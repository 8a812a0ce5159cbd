"""The part of the catalogue for the distributions that a guichet comes for (docs/specification)."""

from __future__ import annotations

from typing import Final

from registry.anomalies import CATALOGUE, Tour

_P = Tour.PARTENAIRE
_CLAUSES = "conception, décision 4"

NOMBRE_REFUSE: Final = CATALOGUE.declare(
    "DIS201",
    "Le nombre demandé ({constat}) n'est pas admis : de 1 à {attendu} par appel.",
    tour=_P,
    conduite="Demander moins, puis la suite après le dernier numéro d'ordre reçu.",
    source=_CLAUSES,
)
ETAT_INCONNU: Final = CATALOGUE.declare(
    "DIS202",
    "L'état {constat} n'existe pas ; les états sont {attendu}.",
    tour=_P,
    conduite="Donner un des états de la liste, ou aucun : ce qui reste à acquitter.",
    source=_CLAUSES,
)
SEQUENCE_INCONNUE: Final = CATALOGUE.declare(
    "DIS203",
    "Aucune distribution n'a le numéro d'ordre {constat} chez le guichet {attendu}.",
    tour=_P,
    conduite="Reprendre le numéro d'ordre donné par listerDistributions.",
    source=_CLAUSES,
)
EMPREINTE_MAL_FORMEE: Final = CATALOGUE.declare(
    "DIS204",
    "L'empreinte donnée pour la distribution {constat} n'est pas un SHA-256 : 64 chiffres hexadécimaux.",
    tour=_P,
    conduite="Calculer le SHA-256 des octets du fichier reçu et l'écrire en hexadécimal.",
    source=_CLAUSES,
)
EMPREINTE_AUTRE: Final = CATALOGUE.declare(
    "DIS205",
    "L'empreinte donnée pour la distribution {constat} ({attendu}) n'est pas celle de son fichier.",
    tour=_P,
    conduite="Relire la distribution, garder ses octets tels quels, et acquitter leur empreinte.",
    source="regles §16",
)
DISTRIBUTION_RETIREE: Final = CATALOGUE.declare(
    "DIS206",
    "La distribution {constat} est retirée : la demande a été effacée, ou n'est plus lisible du guichet.",
    tour=_P,
    conduite="Ne rien faire : une distribution retirée ne s'acquitte pas, et ne laisse pas de trou.",
    source="regles §12",
)
TROP_D_ACQUITS: Final = CATALOGUE.declare(
    "DIS207",
    "Le message désigne {constat} distributions ; {attendu} au plus.",
    tour=_P,
    conduite="Partager en plusieurs messages.",
    source="conception, décision 10",
)
TROP_DE_TRANCHES: Final = CATALOGUE.declare(
    "DIS208",
    "Le rapprochement a {constat} tranches ; {attendu} au plus.",
    tour=_P,
    conduite="Réunir les numéros qui se suivent, ou partager par apresSequence et jusquaSequence.",
    source="conception, décision 10",
)
TROP_D_EMPREINTES: Final = CATALOGUE.declare(
    "DIS209",
    "Le rapprochement donne {constat} empreintes ; {attendu} au plus.",
    tour=_P,
    conduite="Partager en plusieurs messages, par apresSequence et jusquaSequence.",
    source="conception, décision 10",
)
TRANCHE_INVERSEE: Final = CATALOGUE.declare(
    "DIS210",
    "La tranche de {constat} finit avant de commencer.",
    tour=_P,
    conduite="Donner le plus petit numéro d'ordre d'abord.",
    source=_CLAUSES,
)
NOMBRE_D_EMPREINTES: Final = CATALOGUE.declare(
    "DIS211",
    "Le nombre d'empreintes d'une tranche n'est pas celui de ses numéros : {constat}, {attendu} attendues.",
    tour=_P,
    conduite="Donner une empreinte par numéro d'ordre de la tranche, dans l'ordre, ou aucune.",
    source=_CLAUSES,
)
