"""Technical anomalies of the synchronous edge, and the SOAP 1.2 fault that carries them.

A functional anomaly travels in `listeAnomalie` of the document; what no document can carry leaves by a
fault (SOAP 1.2 part 1 §5.4). The published contract declares no `wsdl:fault`; the only candidate for the
detail is `demandeLogementException` (`interface/services`, Exception element), so the detail holds it first,
then our own machine-readable element.

All faults leave with HTTP 500: SOAP 1.2 would have 400 for a sender fault, but some clients then do not read
the body (docs/decisions/0002-spyne.md).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from registry.anomalies import CATALOGUE, Anomalie, Tour

NS_SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
NS_WS: Final = "http://ws.metier.nuu.application.i2/"
NS_FAUTE: Final = "urn:echangeur:faute"
"""Namespace of our machine-readable detail element."""

_P = Tour.PARTENAIRE
_E = Tour.EXPLOITANT

SANS_CERTIFICAT: Final = CATALOGUE.declare(
    "SOA001",
    "Aucun certificat client n'a été présenté à l'ouverture de la connexion TLS.",
    tour=_P,
    conduite="Présenter le certificat client enregistré pour le guichet, avec sa clé privée.",
    source="interface/wire §1",
)
CHEMIN_INCONNU: Final = CATALOGUE.declare(
    "SOA002",
    "Aucun service à l'adresse {constat}. Adresses servies : {attendu}.",
    tour=_P,
    conduite="Corriger le chemin ; chaque service publie son WSDL à son adresse suivie de ?wsdl.",
    source="interface/services, Addresses",
)
METHODE_REFUSEE: Final = CATALOGUE.declare(
    "SOA003",
    "La méthode HTTP {constat} n'est pas admise ici. Attendu : {attendu}.",
    tour=_P,
    conduite="Envoyer les messages SOAP par POST ; lire le contrat par GET avec ?wsdl.",
    source="interface/wire §1",
)
SANS_LONGUEUR: Final = CATALOGUE.declare(
    "SOA004",
    "La requête n'annonce pas sa longueur (en-tête Content-Length).",
    tour=_P,
    conduite="Envoyer Content-Length et ne pas employer le transfert par morceaux (chunked).",
    source="interface/wire §1",
)
TROP_VOLUMINEUX: Final = CATALOGUE.declare(
    "SOA005",
    "Le message est trop volumineux : {constat} octets annoncés, {attendu} au plus.",
    tour=_P,
    conduite="Réduire le message ; un document de demande pèse d'ordinaire moins de 100 Ko.",
    source="RFC 9110 §15.5.14",
)
LECTURE_INTERROMPUE: Final = CATALOGUE.declare(
    "SOA006",
    "Le corps de la requête n'est pas arrivé en entier dans le délai de {attendu} secondes.",
    tour=_P,
    conduite="Renvoyer le même message ; vérifier la liaison et la longueur annoncée.",
    source="RFC 9110 §15.5.9",
    rejouable=True,
)
TYPE_REFUSE: Final = CATALOGUE.declare(
    "SOA007",
    "Le type de contenu « {constat} » n'est pas admis. Attendu : {attendu}.",
    tour=_P,
    conduite="Envoyer du SOAP 1.2, en clair (application/soap+xml) ou en MTOM (multipart/related).",
    source="interface/wire §2",
)
COMPRESSION_REFUSEE: Final = CATALOGUE.declare(
    "SOA008",
    "Le corps est compressé ({constat}) ; l'échangeur n'admet que des corps non compressés.",
    tour=_P,
    conduite="Retirer l'en-tête Content-Encoding et envoyer le message tel quel.",
    source="RFC 9110 §8.4",
)
HTTP_MALFORME: Final = CATALOGUE.declare(
    "SOA009",
    "Ce qui est arrivé n'est pas une requête HTTP lisible : {constat}.",
    tour=_P,
    conduite="Vérifier que Content-Length est la taille exacte du corps, et que la requête précédente de la "
    "connexion était complète.",
    source="RFC 9112 §2.2",
)
MULTIPART_MALFORME: Final = CATALOGUE.declare(
    "SOA010",
    "Le corps multipart/related est mal formé : {constat}. Attendu : {attendu}.",
    tour=_P,
    conduite="Composer le corps selon RFC 2046 §5.1, délimiteur de fin compris.",
    source="RFC 2046 §5.1, RFC 2387",
)
RACINE_ABSENTE: Final = CATALOGUE.declare(
    "SOA011",
    "La partie racine du message MTOM est introuvable : {constat}. Attendu : {attendu}.",
    tour=_P,
    conduite="Faire désigner par le paramètre start le Content-ID de la partie qui porte l'enveloppe.",
    source="RFC 2387 §3.2, interface/wire §2",
)
PARTIE_ABSENTE: Final = CATALOGUE.declare(
    "SOA012",
    "L'élément {attendu} renvoie à la pièce {constat}, mais le message ne contient aucune pièce jointe.",
    tour=_P,
    conduite="Joindre la pièce dans une partie du message multipart, ou écrire son contenu en base64.",
    source="XOP 1.0 §3.2",
)
CID_INCONNU: Final = CATALOGUE.declare(
    "SOA013",
    "La référence {constat} ne désigne aucune partie du message. Parties présentes : {attendu}.",
    tour=_P,
    conduite="Donner à la pièce le Content-ID que l'attribut href désigne.",
    source="XOP 1.0 §3.2, RFC 2392",
)
CID_EN_DOUBLE: Final = CATALOGUE.declare(
    "SOA014",
    "Deux parties du message portent le même Content-ID {constat}.",
    tour=_P,
    conduite="Donner à chaque partie un Content-ID différent.",
    source="RFC 2045 §7",
)
INCLUDE_MALFORME: Final = CATALOGUE.declare(
    "SOA015",
    "L'élément xop:Include est mal employé : {constat}. Attendu : {attendu}.",
    tour=_P,
    conduite="Écrire un seul xop:Include, seul dans son parent, dont href commence par cid:.",
    source="XOP 1.0 §2.1",
)
ENCODAGE_REFUSE: Final = CATALOGUE.declare(
    "SOA016",
    "Le contenu de la partie {constat} ne se décode pas. Attendu : {attendu}.",
    tour=_P,
    conduite="Annoncer 7bit, 8bit, binary, base64 ou quoted-printable, et encoder en conséquence.",
    source="RFC 2045 §6",
)
BASE64_INVALIDE: Final = CATALOGUE.declare(
    "SOA017",
    "Le contenu de {constat} n'est pas du base64 valide.",
    tour=_P,
    conduite="Encoder le fichier en base64 (RFC 4648 §4), blancs et fins de ligne admis.",
    source="RFC 4648 §3.3",
)
XML_MALFORME: Final = CATALOGUE.declare(
    "SOA020",
    "L'enveloppe n'est pas du XML bien formé : {constat}",
    tour=_P,
    conduite="Corriger l'enveloppe ; la faire lire par un analyseur XML avant l'envoi.",
    source="XML 1.0 §2.1",
)
DTD_INTERDITE: Final = CATALOGUE.declare(
    "SOA021",
    "L'enveloppe contient une déclaration de type de document (DTD) ou une entité : c'est interdit.",
    tour=_P,
    conduite="Retirer la déclaration DOCTYPE et les entités ; employer des références de caractères.",
    source="SOAP 1.2 part 1 §5",
)
XML_DEMESURE: Final = CATALOGUE.declare(
    "SOA022",
    "L'enveloppe dépasse les limites d'analyse : {constat}. Attendu : {attendu}.",
    tour=_P,
    conduite="Simplifier l'enveloppe ; elle ne porte que les quelques éléments du contrat.",
    source="conception, décision 10",
)
PAS_SOAP_12: Final = CATALOGUE.declare(
    "SOA023",
    "La racine du message est {constat}. Attendu : {attendu}.",
    tour=_P,
    conduite="Envoyer une enveloppe SOAP 1.2 ; SOAP 1.1 n'est pas servi.",
    source="SOAP 1.2 part 1 §5.4.7",
)
ENTETE_INCOMPRIS: Final = CATALOGUE.declare(
    "SOA024",
    "L'en-tête SOAP {constat} est marqué mustUnderstand, et l'échangeur ne le connaît pas.",
    tour=_P,
    conduite="Envoyer un en-tête SOAP vide : l'identité vient du certificat client.",
    source="SOAP 1.2 part 1 §5.2.3",
)
CORPS_INATTENDU: Final = CATALOGUE.declare(
    "SOA025",
    "Le corps SOAP contient {constat}. Attendu : {attendu}.",
    tour=_P,
    conduite="Mettre dans soap:Body le seul élément de l'opération.",
    source="SOAP 1.2 part 1 §5.3",
)
CONTRAT_NON_RESPECTE: Final = CATALOGUE.declare(
    "SOA026",
    "Le message ne respecte pas le contrat (WSDL) : {constat}",
    tour=_P,
    conduite="Comparer le message au WSDL publié : ordre des éléments, éléments sans espace de noms.",
    source="interface/services",
)
OPERATION_INCONNUE: Final = CATALOGUE.declare(
    "SOA030",
    "Opération inconnue de ce service : {constat}. Opérations du service : {attendu}.",
    tour=_P,
    conduite="Corriger le paramètre action, ou s'adresser au service qui offre l'opération.",
    source="interface/services",
)
ACTION_ABSENTE: Final = CATALOGUE.declare(
    "SOA031",
    "L'action SOAP est absente, et l'élément {constat} ne suffit pas à désigner l'opération. "
    "Possibles : {attendu}.",
    tour=_P,
    conduite="Envoyer le paramètre action du Content-Type.",
    source="interface/services, SOAP 1.2 part 2 §6.5.3",
)
CORPS_ET_ACTION: Final = CATALOGUE.declare(
    "SOA032",
    "L'élément {constat} n'est pas celui de l'opération demandée. Attendu : {attendu}.",
    tour=_P,
    conduite="Accorder l'action et l'élément du corps.",
    source="interface/services",
)
OPERATION_NON_ASSUREE: Final = CATALOGUE.declare(
    "SOA033",
    "L'opération {constat} figure au contrat, mais l'échangeur ne l'assure pas encore.",
    tour=_E,
    conduite="Attendre l'ouverture de l'opération ; l'exploitant l'annonce aux partenaires.",
    source="interface/services",
    rejouable=True,
)
CERTIFICAT_CHIFFREMENT: Final = CATALOGUE.declare(
    "SOA040",
    "Le certificat joint pour chiffrer la réponse n'est pas utilisable : {constat}.",
    tour=_P,
    conduite="Joindre un certificat X.509 en cours de validité (PEM ou DER), ou laisser l'élément vide.",
    source="regles §16",
)
ERREUR_INATTENDUE: Final = CATALOGUE.declare(
    "SOA090",
    # Word for word: partners search their answers for this sentence.
    "Une erreur inattendue est survenue lors du traitement de la demande.",
    tour=_E,
    conduite="Renvoyer le même message plus tard ; si l'erreur persiste, donner l'identifiant d'échange à "
    "l'exploitant.",
    source="interface/wire §4, §5",
    rejouable=True,
)
SATURATION: Final = CATALOGUE.declare(
    "SOA091",
    "L'échangeur est momentanément saturé ; le message n'a pas été traité.",
    tour=_E,
    conduite="Renvoyer le même message dans une minute.",
    source="conception, décision 10",
    rejouable=True,
)

_CODES_SOAP: Final = {PAS_SOAP_12.code: "VersionMismatch", ENTETE_INCOMPRIS.code: "MustUnderstand"}
"""SOAP 1.2 part 1 §5.4.6 reserves a fault code for these two cases."""


def _code_soap(anomalie: Anomalie) -> str:
    default = "Receiver" if anomalie.type.tour is Tour.EXPLOITANT else "Sender"
    return _CODES_SOAP.get(anomalie.code, default)


_HORS_XML: Final = re.compile("[^\\t\\n\\r\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 §2.2 does not admit: what was found is quoted, and may hold anything."""


def _text(value: str) -> str:
    return escape(_HORS_XML.sub("\N{REPLACEMENT CHARACTER}", value))


def write_fault(anomalies: Sequence[Anomalie], correlation: uuid.UUID) -> bytes:
    """The SOAP 1.2 fault envelope, in UTF-8, that says `anomalies` (at least one) in French ([SOA-30]).

    The subcode is qualified by a prefix declared on the envelope: Java stacks refuse an unqualified one.
    The first anomaly gives code and reason; the detail holds them all, each with its code, whose turn it
    is, what to do, and the correlation identifier of the exchange.
    """
    first = anomalies[0]
    summary = " ".join(f"[{each.code}] {each.message}" for each in anomalies)
    detail = "".join(
        f'<f:anomalie code="{each.code}" echange="{correlation}" tour="{each.type.tour.value}"'
        f' rejouable="{"true" if each.type.rejouable else "false"}">'
        f"<f:message>{_text(each.message)}</f:message>"
        f"<f:conduite>{_text(each.type.conduite)}</f:conduite></f:anomalie>"
        for each in anomalies
    )
    return (
        f'<soap:Envelope xmlns:soap="{NS_SOAP}" xmlns:ws="{NS_WS}" xmlns:f="{NS_FAUTE}">'
        "<soap:Body><soap:Fault>"
        f"<soap:Code><soap:Value>soap:{_code_soap(first)}</soap:Value>"
        f"<soap:Subcode><soap:Value>ws:{first.code}</soap:Value></soap:Subcode></soap:Code>"
        f'<soap:Reason><soap:Text xml:lang="fr">{_text(first.message)}</soap:Text></soap:Reason>'
        "<soap:Detail><ws:demandeLogementException>"
        f"<message>{_text(summary)} (échange {correlation})</message>"
        f"</ws:demandeLogementException>{detail}</soap:Detail>"
        "</soap:Fault></soap:Body></soap:Envelope>"
    ).encode()


def write_text(anomalie: Anomalie, correlation: uuid.UUID) -> str:
    """The same in plain text, for a caller to whom no SOAP answer makes sense (wrong path, wrong method)."""
    first = f"{anomalie.code} : {anomalie.message}\n{anomalie.type.conduite}\n"
    return f"{_HORS_XML.sub('?', first)}Identifiant d'échange : {correlation}\n"
