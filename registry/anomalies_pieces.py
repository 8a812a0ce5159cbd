"""The part of the catalogue for the pièces of the dossier unique (docs/specification)."""

from __future__ import annotations

from typing import Final

from registry.anomalies import CATALOGUE, Tour

_P = Tour.PARTENAIRE
_ENREGISTRER = "Enregistrer de nouveau le document, ou l'imprimer en PDF, puis déposer ce nouveau fichier."

PIECE_HORS_PROFIL: Final = CATALOGUE.declare(
    "PIE201",
    "Le profil {constat} ne va pas jusqu'à cette pièce. Profils qui permettent l'action : {attendu}.",
    tour=Tour.GESTIONNAIRE,
    conduite="Faire agir un utilisateur habilité, ou demander un autre profil au gestionnaire territorial.",
    source="regles §1, §11",
)
PROFIL_REFUSE: Final = CATALOGUE.declare(
    "PIE202",
    "Le profil annoncé {constat} n'existe pas ou dépasse celui du certificat ({attendu}).",
    tour=_P,
    conduite="Annoncer un profil égal ou inférieur à celui du compte, ou n'en annoncer aucun.",
    source="regles §1",
)
UTILISATEUR_ABSENT: Final = CATALOGUE.declare(
    "PIE203",
    "L'utilisateur qui agit n'est pas indiqué, ou son identifiant dépasse {attendu} caractères.",
    tour=_P,
    conduite="Indiquer dans utilisateur l'identifiant de l'agent individuellement habilité.",
    source="regles §12",
)
CATEGORIE_REFUSEE: Final = CATALOGUE.declare(
    "PIE204",
    "La catégorie de pièce {constat} n'existe pas ou n'est plus ouverte au dépôt à cette date.",
    tour=_P,
    conduite="Choisir une catégorie ouverte ; seules les pièces de la liste réglementaire sont reçues.",
    source="regles §11",
)
PIECE_INCONNUE: Final = CATALOGUE.declare(
    "PIE205",
    "Aucune pièce {constat} dans le dossier de cette demande.",
    tour=_P,
    conduite="Lister les pièces de la demande et reprendre l'identifiant.",
    source="regles §11",
)
PIECE_SUPPRIMEE: Final = CATALOGUE.declare(
    "PIE206",
    "La pièce {constat} a été supprimée le {attendu}.",
    tour=_P,
    conduite="Ne plus demander cette pièce ; l'historique dit qui l'a supprimée.",
    source="regles §11",
)
DOSSIER_PLEIN: Final = CATALOGUE.declare(
    "PIE212",
    "Le dossier a déjà {constat} pièces ; maximum : {attendu}.",
    tour=_P,
    conduite="Supprimer du dossier les pièces inexploitables ou obsolètes, puis déposer celle-ci.",
    source="docs/configuration.md",
)
PIECE_EN_DOUBLE: Final = CATALOGUE.declare(
    "PIE207",
    "Ce fichier est déjà dans le dossier : pièce {constat}, déposée le {attendu}.",
    tour=_P,
    conduite="Consulter la pièce déjà déposée ; chaque pièce n'est donnée qu'une fois.",
    source="regles §11",
)
DEMANDE_FERMEE: Final = CATALOGUE.declare(
    "PIE208",
    "La demande est {constat} ; des pièces ne se déposent, ne se marquent et ne se suppriment que sur une "
    "demande active.",
    tour=_P,
    conduite="Consulter seulement ; après réactivation de la demande, recommencer.",
    source="regles §2",
)
MARQUE_REFUSEE: Final = CATALOGUE.declare(
    "PIE209",
    "Rien à marquer : {constat}. Attendu : {attendu}.",
    tour=_P,
    conduite="Donner une marque de la liste, une autre catégorie, ou les deux.",
    source="regles §11",
)
MOTIF_ABSENT: Final = CATALOGUE.declare(
    "PIE210",
    "Une suppression porte un motif de 1 à {attendu} caractères.",
    tour=_P,
    conduite="Écrire pourquoi la pièce est supprimée ; le motif reste dans l'historique.",
    source="regles §11",
)
EMPREINTE_DIFFERENTE: Final = CATALOGUE.declare(
    "PIE211",
    "L'empreinte SHA-256 du fichier reçu est {constat} ; celle annoncée est {attendu}.",
    tour=_P,
    conduite="Renvoyer le fichier : il a été altéré en chemin, ou l'empreinte est celle d'un autre.",
    source="regles §16",
    rejouable=True,
)
PIECE_TROP_GROSSE: Final = CATALOGUE.declare(
    "PIE220",
    "La pièce est trop grosse : {constat} octets, {attendu} au plus.",
    tour=_P,
    conduite="Numériser en gris à 200 points par pouce, ou partager le document en plusieurs pièces.",
    source="regles §16",
)
TYPE_NON_RECU: Final = CATALOGUE.declare(
    "PIE227",
    "Ce service ne reçoit pas le type {constat} ; types reçus : {attendu}.",
    tour=_P,
    conduite="Déposer le document sous l'un des types reçus.",
    source="docs/configuration.md",
)
FORMAT_REFUSE: Final = CATALOGUE.declare(
    "PIE221",
    "Le contenu n'est pas celui d'un PDF, d'un JPEG ou d'un PNG : {constat}.",
    tour=_P,
    conduite="Déposer un PDF, un JPEG ou un PNG ; l'extension du nom ne compte pas, le contenu seul.",
    source="regles §11",
)
FICHIER_ABIME: Final = CATALOGUE.declare(
    "PIE222",
    "Le fichier ({attendu}) est incomplet ou abîmé : {constat}.",
    tour=_P,
    conduite=_ENREGISTRER,
    source="regles §11",
)
PROGRAMME_REFUSE: Final = CATALOGUE.declare(
    "PIE223",
    "Le fichier est ou contient un programme ({constat}) : il n'entre pas dans le dossier.",
    tour=_P,
    conduite="Faire analyser le poste qui a produit ce fichier ; ne pas le déposer de nouveau.",
    source="conception, décision 10",
)
CONTENU_ACTIF: Final = CATALOGUE.declare(
    "PIE224",
    "Le PDF contient un contenu actif ({constat}) ; seuls des documents inertes sont reçus.",
    tour=_P,
    conduite=_ENREGISTRER,
    source="ISO 32000-1 §12.6",
)
FICHIER_DOUBLE: Final = CATALOGUE.declare(
    "PIE225",
    "Le fichier se lit de plusieurs façons : {constat}.",
    tour=_P,
    conduite=_ENREGISTRER,
    source="conception, décision 10",
)
INVERIFIABLE: Final = CATALOGUE.declare(
    "PIE226",
    "Le contenu du PDF ne peut pas être vérifié : {constat}.",
    tour=_P,
    conduite="Retirer la protection, ou imprimer le document en PDF, puis déposer ce fichier.",
    source="conception, décision 10",
)
