"""The part of the catalogue that the console says, instead of a page."""

from __future__ import annotations

from typing import Final

from registry.anomalies import CATALOGUE, Tour, TypeAnomalie


def _declare(code: str, texte: str, conduite: str, source: str, tour: Tour = Tour.PARTENAIRE) -> TypeAnomalie:
    return CATALOGUE.declare(code, texte, tour=tour, conduite=conduite, source=source)


SANS_SESSION: Final = _declare(
    "CON101", "Votre session est fermée.", "Se connecter de nouveau, puis recommencer.", "CSL-12"
)
PAGE_REFUSEE: Final = _declare(
    "CON102",
    "Votre profil ({constat}) ne donne pas cette page. Profils qui la donnent : {attendu}.",
    "Demander au gestionnaire territorial le profil voulu.",
    "CSL-2",
    Tour.GESTIONNAIRE,
)
INTROUVABLE: Final = _declare(
    "CON103",
    "Il n'y a rien à cette adresse, ou rien que vous puissiez voir.",
    "Vérifier l'adresse ; si elle est juste, voir avec le gestionnaire territorial.",
    "CSL-3",
)
FORMULAIRE_ETRANGER: Final = _declare(
    "CON104",
    "Ce formulaire ne vient pas de votre session.",
    "Rouvrir la page du formulaire et l'envoyer de nouveau.",
    "CSL-22",
)
TROP_VOLUMINEUX: Final = _declare(
    "CON105", "Ce qui est envoyé dépasse {attendu} octets.", "Envoyer moins à la fois.", "CSL-24"
)
METHODE_REFUSEE: Final = _declare(
    "CON106", "Cette adresse n'attend pas « {constat} ».", "Repartir d'une page de la console.", "CSL-21"
)
FORMULAIRE_ILLISIBLE: Final = _declare(
    "CON107",
    "Le formulaire reçu ne se lit pas.",
    "Rouvrir la page du formulaire et l'envoyer de nouveau.",
    "CSL-24",
)
HABILITATION: Final = _declare(
    "CON108",
    "Cette page montre des données nominatives : votre compte n'y est pas habilité.",
    "Demander l'habilitation à l'autorité qui certifie le compte.",
    "CSL-4",
    Tour.GESTIONNAIRE,
)
NON_CONFIRME: Final = _declare(
    "CON301",
    "Rien n'est fait : il manque la confirmation ({attendu}).",
    "Confirmer, et recommencer.",
    "RAC-7",
)
SANS_MOYENS: Final = _declare(
    "CON302",
    "Ce processus de la console n'a ni les clés, ni le réseau de l'échangeur.",
    "Le faire par la ligne de commande, ou donner à ce processus les fichiers de l'instance.",
    "RAC-7",
    Tour.EXPLOITANT,
)
PARTENAIRE_REFUSE: Final = _declare(
    "CON303", "Rien n'est fait : {constat}.", "Corriger, et recommencer.", "RAC-7"
)
TROP_SOUVENT: Final = _declare(
    "CON304",
    "Trop de demandes en une minute.",
    "Attendre une minute, puis recommencer.",
    "CNF-9",
)
IDENTIFIANTS: Final = _declare(
    "CON111",
    "L'adresse, le mot de passe ou le code ne sont pas les bons.",
    "Recommencer avec un nouveau code ; sans mot de passe, demander une invitation au gestionnaire.",
    "CSL-31",
)
ATTENTE: Final = _declare(
    "CON112",
    "Trop d'essais : le prochain sera examiné dans {attendu}.",
    "Attendre, puis recommencer ; un certificat ou ProConnect n'attendent pas.",
    "CSL-33",
)
A_CERTIFIER: Final = _declare(
    "CON113",
    "Votre compte attend d'être certifié.",
    "Demander au gestionnaire territorial de certifier le compte.",
    "CSL-35",
    Tour.GESTIONNAIRE,
)
INVITATION_CLOSE: Final = _declare(
    "CON114",
    "Ce lien d'invitation a déjà servi, ou a expiré.",
    "Demander un nouveau lien au gestionnaire territorial.",
    "CSL-36",
    Tour.GESTIONNAIRE,
)
CERTIFICAT_SANS_COMPTE: Final = _declare(
    "CON115",
    "Le certificat présenté n'ouvre aucun compte.",
    "Faire lier le certificat au compte par le gestionnaire territorial.",
    "CSL-34",
    Tour.GESTIONNAIRE,
)
SOI_MEME: Final = _declare(
    "CON116",
    "On ne certifie et on ne ferme pas son propre compte.",
    "Le demander à un autre gestionnaire, ou à l'exploitant.",
    "CSL-35",
    Tour.GESTIONNAIRE,
)
ERREUR_INTERNE: Final = _declare(
    "CON199",
    "Une erreur inattendue est survenue ; elle est consignée sous le numéro d'échange ci-dessous.",
    "Réessayer ; si l'erreur revient, donner ce numéro à l'exploitant.",
    "CSL-23",
    Tour.EXPLOITANT,
)
