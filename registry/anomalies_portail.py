"""The part of the catalogue about brouillons and deposits of the portal."""

from __future__ import annotations

from typing import Final

from registry.anomalies import CATALOGUE, Tour, TypeAnomalie


def _declare(code: str, texte: str, conduite: str, source: str) -> TypeAnomalie:
    return CATALOGUE.declare(code, texte, tour=Tour.PARTENAIRE, conduite=conduite, source=source)


DEPOT_INCONNU: Final = _declare(
    "POR201",
    "Le dépôt {constat} n'existe pas, ou n'est pas dans le périmètre du guichet {attendu}.",
    "Vérifier l'identifiant ; s'il est juste, voir avec le gestionnaire territorial le périmètre du guichet.",
    "POR-30",
)
DEPOT_TRAITE: Final = _declare(
    "POR202",
    "Le dépôt n'est plus à traiter : {constat}. Attendu : {attendu}.",
    "Lire le dépôt par consulterDepot ; un dépôt validé est une demande, qui se lit par son numéro.",
    "POR-35",
)
PAS_UN_BROUILLON: Final = _declare(
    "POR203",
    "Le fichier ne peut pas être gardé en brouillon : {constat}. Attendu : {attendu}.",
    "Envoyer une demande de création (CRE), même incomplète, sans numéro unique.",
    "POR-10",
)
DATE_DEPOT: Final = _declare(
    "POR204",
    "La date de dépôt {constat} n'est pas celle de la réception, {attendu}.",
    "Mettre dans dateCreationDemande le jour de l'envoi : l'ancienneté part du dépôt sur le portail.",
    "POR-22",
)
DOUBLON_RESERVE: Final = _declare(
    "POR205",
    "Un dépôt du portail ne force pas un doublon : le guichet qui valide en décide.",
    "Ôter forcerDoublon et renvoyer.",
    "POR-22",
)
IDENTITE_DISCORDANTE: Final = _declare(
    "POR206",
    "La demande ne dit pas ce que porte la pièce d'identité : {constat}.",
    "Vérifier la saisie ; sinon joindre le fichier corrigé, ou invalider le dépôt.",
    "POR-31",
)
CODE_REFUSE: Final = _declare(
    "POR207",
    "« {constat} » n'est pas un code permis ici ; codes permis : {attendu}.",
    "Choisir un des codes permis.",
    "POR-31",
)
CONSTAT_INCOMPLET: Final = _declare(
    "POR208",
    "Il manque : {constat}.",
    "Compléter le message et le renvoyer.",
    "POR-31",
)
SANS_FICHIER: Final = _declare(
    "POR209",
    "Il n'y a rien à déposer : ni fichier, ni brouillon.",
    "Joindre fichierDemande, ou donner l'identifiant d'un brouillon.",
    "POR-20",
)
CRITERE_REFUSE: Final = _declare(
    "POR210",
    "Le critère {constat} ne se lit pas : {attendu} attendu.",
    "Corriger le critère et renvoyer.",
    "POR-32",
)
