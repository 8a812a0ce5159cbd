"""The anomalies of signed mail. What stops a whole message is told by a signed refusal, to a known partner
only."""

from __future__ import annotations

from typing import Final

from registry.anomalies import CATALOGUE, Tour

_P = Tour.PARTENAIRE
_G = Tour.GESTIONNAIRE
_E = Tour.EXPLOITANT

MESSAGE_ILLISIBLE: Final = CATALOGUE.declare(
    "COU001",
    "Le message n'est pas lisible : {constat}. Attendu : {attendu}.",
    tour=_P,
    conduite="Composer le message selon RFC 5322 et RFC 2046, dans les limites de la spécification.",
    source="RFC 2046 §5.1",
)
TROP_VOLUMINEUX: Final = CATALOGUE.declare(
    "COU002",
    "Le message est trop volumineux : {constat}. Attendu : {attendu}.",
    tour=_P,
    conduite="Répartir les fichiers sur plusieurs messages.",
    source="conception, décision 10",
)
NON_OUVERT: Final = CATALOGUE.declare(
    "COU003",
    # The same words whatever the cause: to tell them apart helps only who attacks the encryption.
    "Le message n'a pas pu être ouvert.",
    tour=_P,
    conduite="Chiffrer le message signé pour le certificat de chiffrement en cours de l'échangeur, et le "
    "renvoyer.",
    source="RFC 5652 §6",
)
SIGNATURE_INVALIDE: Final = CATALOGUE.declare(
    "COU004",
    "La signature du message n'est pas valide : son contenu n'est pas celui qui a été signé.",
    tour=_P,
    conduite="Signer de nouveau et renvoyer ; vérifier que rien ne modifie le message en chemin.",
    source="RFC 5652 §5.6",
)
NON_SIGNE: Final = CATALOGUE.declare(
    "COU005",
    "Le message n'est pas sous la forme attendue : {constat}. Attendu : {attendu}.",
    tour=_P,
    conduite="Signer les fichiers, puis chiffrer le message signé.",
    source="RFC 8551 §3.7",
)
SANS_FICHIER: Final = CATALOGUE.declare(
    "COU006",
    "Le message ne contient aucun fichier.",
    tour=_P,
    conduite="Joindre au moins un fichier de demande, une requête ou une archive.",
    source="regles §16",
)
ARCHIVE_REFUSEE: Final = CATALOGUE.declare(
    "COU007",
    "L'archive ne peut pas être lue : {constat}. Attendu : {attendu}.",
    tour=_P,
    conduite="Refaire l'archive : zip sans mot de passe ni sous-archive, dans les limites écrites.",
    source="conception, décision 10",
)
REQUETE_INVALIDE: Final = CATALOGUE.declare(
    "COU008",
    "La requête jointe n'est pas valide : {constat}",
    tour=_P,
    conduite="Écrire la requête selon le schéma courrier.xsd.",
    source="regles §16",
)
OPERATION_INCONNUE: Final = CATALOGUE.declare(
    "COU009",
    "L'opération {constat} n'existe pas par courrier. Opérations : {attendu}.",
    tour=_P,
    conduite="Nommer l'opération comme dans les services SOAP.",
    source="interface/services",
)
PAS_PAR_COURRIER: Final = CATALOGUE.declare(
    "COU010",
    "L'opération {constat} n'est pas assurée par courrier : la gestion partagée et les pièces ne passent que "
    "par les services SOAP.",
    tour=_P,
    conduite="Appeler le service SOAP.",
    source="regles §10",
)
CANAL_FERME: Final = CATALOGUE.declare(
    "COU011",
    "Le canal asynchrone est fermé depuis le {attendu} ; rien de ce message n'a été traité.",
    tour=_P,
    conduite="Envoyer les mêmes fichiers par les services SOAP.",
    source="regles §6",
)
SANS_ADRESSE: Final = CATALOGUE.declare(
    "COU012",
    "Le guichet {constat} n'a pas d'adresse de courrier : rien ne peut lui être répondu.",
    tour=_G,
    conduite="Déclarer l'adresse de courrier du guichet, puis rejouer le message.",
    source="conception, décision 3",
)
FICHIER_ABSENT: Final = CATALOGUE.declare(
    "COU013",
    "L'opération {constat} demande {attendu}, qui n'est pas dans le message.",
    tour=_P,
    conduite="Joindre le fichier au même message que la requête, ou écrire le paramètre.",
    source="interface/services",
)
PARAMETRE_INVALIDE: Final = CATALOGUE.declare(
    "COU014",
    "Le paramètre {constat} n'est pas une date et une heure (AAAA-MM-JJThh:mm:ss).",
    tour=_P,
    conduite="Corriger le paramètre de la requête.",
    source="interface/services",
)
REPONSE_TROP_GRANDE: Final = CATALOGUE.declare(
    "COU015",
    "La réponse est trop grande pour un courrier : {constat} octets une fois compressée, {attendu} au plus.",
    tour=_P,
    conduite="Restreindre la requête (date plus récente, critères), ou appeler le service SOAP.",
    source="conception, décision 10",
)
RAPPROCHEMENT_INVALIDE: Final = CATALOGUE.declare(
    "COU016",
    "Le rapprochement joint n'est pas valide : {constat}",
    tour=_P,
    conduite="Écrire le rapprochement selon le schéma distributions.xsd.",
    source="regles §16",
)
JOUR_INVALIDE: Final = CATALOGUE.declare(
    "COU017",
    "Le paramètre {constat} n'est pas un jour (AAAA-MM-JJ).",
    tour=_P,
    conduite="Corriger le paramètre de la requête.",
    source="interface/services",
)
ERREUR_INATTENDUE: Final = CATALOGUE.declare(
    "COU090",
    "Une erreur inattendue est survenue lors du traitement de la demande.",
    tour=_E,
    conduite="Renvoyer le même fichier plus tard ; si l'erreur persiste, donner l'identifiant d'échange à "
    "l'exploitant.",
    source="interface/wire §4",
    rejouable=True,
)
