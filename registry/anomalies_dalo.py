"""The catalogue of the DALO operations (docs/specification/40-dalo.md)."""

from __future__ import annotations

from typing import Final

from registry.anomalies import CATALOGUE, Tour

_CORRIGER: Final = "Corriger l'élément indiqué et renvoyer."

DALO_DECLARANT: Final = CATALOGUE.declare(
    "DAL201",
    "Le guichet {constat} ne déclare pas de DALO ; le peuvent les guichets de type {attendu}.",
    tour=Tour.GESTIONNAIRE,
    conduite="Faire déclarer la décision par le service de l'État ; si le guichet doit pouvoir le faire, "
    "voir avec le gestionnaire territorial.",
    source="docs/specification/40-dalo (DAL-2)",
)
DALO_SANS_NUMERO: Final = CATALOGUE.declare(
    "DAL202",
    "La déclaration ne porte pas de numéro unique : la demande concernée n'est pas connue.",
    tour=Tour.PARTENAIRE,
    conduite="Renseigner numUnique et renvoyer.",
    source="docs/specification/40-dalo (DAL-3)",
)
DALO_SANS_STATUT: Final = CATALOGUE.declare(
    "DAL203",
    "La déclaration ne porte pas de statut DALO : informationDalo/statutDalo est absent ou sans code.",
    tour=Tour.PARTENAIRE,
    conduite="Renseigner informationDalo, avec le code du statut, et renvoyer.",
    source="docs/specification/40-dalo (DAL-3)",
)
DALO_SANS_DATE: Final = CATALOGUE.declare(
    "DAL204",
    "Le statut DALO {constat} suppose une décision : dateDecisionDalo est absente.",
    tour=Tour.PARTENAIRE,
    conduite="Renseigner la date de la décision de la commission de médiation et renvoyer.",
    source="docs/specification/40-dalo (DAL-3)",
)
DALO_DATE_FUTURE: Final = CATALOGUE.declare(
    "DAL205",
    "La date de la décision DALO, {constat}, est postérieure au jour de réception, {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite=_CORRIGER,
    source="docs/specification/40-dalo (DAL-3)",
)
DALO_INACTIVE: Final = CATALOGUE.declare(
    "DAL206",
    "La demande {constat} n'est pas active (état : {attendu}) : son volet DALO ne change plus.",
    tour=Tour.PARTENAIRE,
    conduite="Vérifier le numéro unique ; si la demande a été radiée à tort, demander sa réactivation.",
    source="docs/specification/40-dalo (DAL-4)",
)
CRITERE_INCONNU: Final = CATALOGUE.declare(
    "DAL207",
    "Le code « {constat} » du critère n'est pas dans {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Employer un code de la liste, ou omettre le critère.",
    source="docs/specification/40-dalo (DAL-13)",
)
DATE_A_VENIR: Final = CATALOGUE.declare(
    "DAL208",
    "La date demandée, {constat}, est à venir : il est {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Demander depuis la date de la réponse précédente (entete/dateFichier).",
    source="docs/specification/40-dalo (DAL-12)",
)
