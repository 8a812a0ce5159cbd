"""Why a process is not ready, each with what to do."""

from __future__ import annotations

from typing import Final

from registry.anomalies import CATALOGUE, Tour

BASE_MUETTE: Final = CATALOGUE.declare(
    "HUB201",
    "La base de données n'a pas pris d'écriture : {constat} (attendu : {attendu}).",
    tour=Tour.EXPLOITANT,
    conduite="Rétablir PostgreSQL ou l'accès à lui ; le processus reprend de lui-même.",
    source="spécification, EXP-7",
    rejouable=True,
)
SCHEMA_AUTRE: Final = CATALOGUE.declare(
    "HUB202",
    "Le schéma de la base est {constat}, et ce programme attend {attendu}.",
    tour=Tour.EXPLOITANT,
    conduite="Finir la mise à jour : les processus de l'ancienne version s'arrêtent les derniers.",
    source="spécification, EXP-7",
)
APPEL_MANQUE: Final = CATALOGUE.declare(
    "HUB203",
    "Un appel SOAP du processus à lui-même n'a pas eu sa réponse : {constat} (attendu : {attendu}).",
    tour=Tour.EXPLOITANT,
    conduite="Lire le journal technique ; vérifier le certificat du serveur, ses dates et la charge.",
    source="spécification, EXP-7",
    rejouable=True,
)
ENVOIS_ARRETES: Final = CATALOGUE.declare(
    "HUB204",
    "Le processus ne peut rien prendre à envoyer : {constat} (attendu : {attendu}).",
    tour=Tour.EXPLOITANT,
    conduite="Vérifier la base ; le processus rouvre sa session dès qu'elle répond.",
    source="spécification, EXP-7",
    rejouable=True,
)
COURRIER_ARRETE: Final = CATALOGUE.declare(
    "HUB205",
    "Le courrier ne passe pas : {constat} (attendu : {attendu}).",
    tour=Tour.EXPLOITANT,
    conduite="Vérifier la réception, le relais ([relais]) et la boîte ([boite]) avec leur administrateur.",
    source="spécification, EXP-7",
    rejouable=True,
)
CONSOLE_MUETTE: Final = CATALOGUE.declare(
    "HUB206",
    "La console n'a pas rendu sa page d'accueil : {constat} (attendu : {attendu}).",
    tour=Tour.EXPLOITANT,
    conduite="Lire le journal technique ; vérifier le certificat de la console.",
    source="spécification, EXP-7",
    rejouable=True,
)
EN_RETRAIT: Final = CATALOGUE.declare(
    "HUB207",
    "Le processus est en phase « {constat} », et non en service.",
    tour=Tour.EXPLOITANT,
    conduite="Rien : il démarre ou il s'arrête. Envoyer les appels aux autres processus.",
    source="spécification, EXP-3",
    rejouable=True,
)
ALERTES_BLOQUEES: Final = CATALOGUE.declare(
    "HUB209",
    "Les courriers d'alerte ne partent pas : {constat} (attendu : {attendu}).",
    tour=Tour.EXPLOITANT,
    conduite="Vérifier le relais ([relais]) et les adresses de [alertes] ; lire : echangeur alertes lister.",
    source="spécification, ALE-7",
    rejouable=True,
)
EPREUVE_TROP_LONGUE: Final = CATALOGUE.declare(
    "HUB208",
    "L'épreuve du rôle {constat} n'a pas fini en {attendu} secondes.",
    tour=Tour.EXPLOITANT,
    conduite="Vérifier la charge de la machine et de la base.",
    source="spécification, EXP-7",
    rejouable=True,
)
