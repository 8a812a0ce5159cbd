"""Family 02: the SOAP 1.2 envelope, the operation that it asks for, what the WSDL allows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from lxml import etree

from conformance import message
from conformance.assertion import Capacite, Constat, Empeche, check, client, equal, one_of, serveur
from conformance.cible import Cible
from conformance.message import Message
from conformance.pupitre import Pupitre, first_request
from conformance.reponse import Lu, read
from schemas import contract

_INCONNU = "000000000000000000"
_GUI103 = "code de la faute d'un numéro inconnu"


def _post(c: Cible, msg: Message, *changes: tuple[str, str], **entetes: str) -> Lu:
    """The answer to a message of which some texts are others, sent with other headers."""
    headers, body = message.inline(msg)
    for before, after in changes:
        if before.encode() not in body:
            raise Empeche(f"« {before} » n'est pas dans le message")
        body = body.replace(before.encode(), after.encode(), 1)
    named = {name.replace("_", "-"): value for name, value in entetes.items()}
    return read(c.poste().post(msg.chemin, body, {**headers, **named}))


_SANS_ACTION = "application/soap+xml; charset=utf-8"


@serveur(
    "S0201",
    "SOA-10",
    titre="À un message en clair, la réponse est en clair",
    conduite="Ne répondre en MTOM qu'à un message en MTOM.",
)
def inline_answer(c: Cible) -> Iterator[Constat]:
    lu = c.send(message.demande(c.nom, c.document()))
    yield equal("réponse en MTOM", False, lu.mtom)
    yield check("fichierDemande", bool(lu.octets), lu.resume, "le document en base64")


@serveur(
    "S0202",
    "SOA-11",
    titre="L'action peut être le seul nom de l'opération",
    conduite="Accepter getDemandeLogement comme l'action entière.",
)
def short_action(c: Cible) -> Iterator[Constat]:
    kind = f'{_SANS_ACTION}; action="getDemandeLogement"'
    yield equal(_GUI103, "GUI103", _post(c, message.lecture(_INCONNU), Content_Type=kind).code)


@serveur(
    "S0203",
    "SOA-11",
    titre="L'action peut être dans l'en-tête SOAPAction",
    conduite="Lire SOAPAction, avec ou sans guillemets, quand le type de contenu n'a pas d'action.",
)
def soap_action(c: Cible) -> Iterator[Constat]:
    msg = message.lecture(_INCONNU)
    for value in (f'"{msg.action}"', msg.action):
        lu = _post(c, msg, Content_Type=_SANS_ACTION, SOAPAction=value)
        yield equal(f"{_GUI103}, SOAPAction: {value}", "GUI103", lu.code)


@serveur(
    "S0204",
    "SOA-11",
    titre="Sans action, l'élément du corps désigne l'opération qui est seule à le porter",
    conduite="Déduire l'opération de l'élément du corps quand une seule le porte.",
)
def no_action(c: Cible) -> Iterator[Constat]:
    yield equal(_GUI103, "GUI103", _post(c, message.lecture(_INCONNU), Content_Type=_SANS_ACTION).code)


@serveur(
    "S0205",
    "SOA-11",
    titre="Sans action, un élément que plusieurs opérations portent est refusé (SOA031)",
    conduite="Ne pas choisir au hasard : les six opérations de la gestion partagée ont le même élément.",
    exige=(Capacite.PARTAGEE,),
)
def ambiguous(c: Cible) -> Iterator[Constat]:
    msg = message.fichier(contract.GESTION_PARTAGEE, "listerTypesEvenementsNationaux", b"<x/>")
    yield equal("code de la faute", "SOA031", _post(c, msg, Content_Type=_SANS_ACTION).code)


@serveur(
    "S0206",
    "SOA-11",
    titre="Une action et un corps en désaccord sont refusés (SOA032)",
    conduite="Comparer l'élément du corps à celui de l'opération de l'action, et refuser sans rien faire.",
)
def disagreement(c: Cible) -> Iterator[Constat]:
    kind = f'{_SANS_ACTION}; action="{message.WS}getDoublons"'
    yield equal("code de la faute", "SOA032", _post(c, message.lecture(_INCONNU), Content_Type=kind).code)


@serveur(
    "S0207",
    "SOA-11",
    titre="Une action inconnue du service est refusée (SOA030)",
    conduite="Refuser une action que le WSDL du service n'a pas.",
)
def unknown_action(c: Cible) -> Iterator[Constat]:
    kind = f'{_SANS_ACTION}; action="{message.WS}getToutCeQueVousAvez"'
    yield equal("code de la faute", "SOA030", _post(c, message.lecture(_INCONNU), Content_Type=kind).code)


@serveur(
    "S0208",
    "SOA-12",
    titre="Des éléments dans un autre ordre que celui du WSDL sont refusés (SOA026)",
    conduite="Valider le corps selon le schéma du WSDL avant de rien exécuter.",
)
def wrong_order(c: Cible) -> Iterator[Constat]:
    msg = message.lecture(_INCONNU)
    swapped = replace(msg, champs=(msg.champs[1], msg.champs[0], *msg.champs[2:]))
    yield equal("code de la faute", "SOA026", c.send(swapped).code)


@serveur(
    "S0209",
    "SOA-12",
    titre="Un élément obligatoire absent est refusé (SOA026)",
    conduite="Valider le corps selon le schéma du WSDL avant de rien exécuter.",
)
def missing_field(c: Cible) -> Iterator[Constat]:
    msg = message.lecture(_INCONNU)
    yield equal("code de la faute", "SOA026", c.send(replace(msg, champs=msg.champs[:2])).code)


@serveur(
    "S0210",
    "SOA-12",
    titre="Des éléments locaux dans l'espace de noms des services sont refusés (SOA026)",
    conduite="Les éléments locaux sont sans espace de noms (elementFormDefault unqualified).",
)
def qualified(c: Cible) -> Iterator[Constat]:
    lu = _post(
        c, message.lecture(_INCONNU), ("<numUnique>", "<ws:numUnique>"), ("</numUnique>", "</ws:numUnique>")
    )
    yield equal("code de la faute", "SOA026", lu.code)


@serveur(
    "S0211",
    "SOA-12",
    titre="Un contentType sans espace de noms est admis",
    conduite="Tolérer contentType non qualifié sur certificat et les fichiers : des piles l'écrivent ainsi.",
)
def unqualified_content_type(c: Cible) -> Iterator[Constat]:
    before, after = "<certificat>", '<certificat contentType="application/x-x509-ca-cert">'
    yield equal(_GUI103, "GUI103", _post(c, message.lecture(_INCONNU), (before, after)).code)


@serveur(
    "S0212",
    "SOA-14",
    titre="Un en-tête à comprendre et inconnu est refusé (SOA024, MustUnderstand)",
    conduite="Refuser avant tout traitement un bloc d'en-tête marqué mustUnderstand qui s'adresse au service.",
)
def must_understand(c: Cible) -> Iterator[Constat]:
    entete = '<s:Header><k:jeton xmlns:k="urn:kit" s:mustUnderstand="true"/></s:Header>'
    lu = c.send(replace(message.lecture(_INCONNU), entete=entete))
    yield equal("code de la faute", "SOA024", lu.code)
    yield equal("code SOAP", "MustUnderstand", lu.faute.code if lu.faute else "")


@serveur(
    "S0213",
    "SOA-14",
    titre="Un en-tête facultatif, ou qui s'adresse à un autre rôle, est ignoré",
    conduite="Ne refuser que ce qui est mustUnderstand et pour le destinataire final.",
)
def other_headers(c: Cible) -> Iterator[Constat]:
    none = "http://www.w3.org/2003/05/soap-envelope/role/none"
    for attributes in ("", f's:mustUnderstand="true" s:role="{none}"', 's:mustUnderstand="0"'):
        entete = f'<s:Header><k:jeton xmlns:k="urn:kit" {attributes}/></s:Header>'
        lu = c.send(replace(message.lecture(_INCONNU), entete=entete))
        yield equal(f"{_GUI103}, en-tête {attributes or 'facultatif'}", "GUI103", lu.code)


@serveur(
    "S0214",
    "SOA-10",
    titre="Une enveloppe SOAP 1.1 est refusée (SOA023, VersionMismatch)",
    conduite="Refuser toute autre racine que l'enveloppe SOAP 1.2, par le code VersionMismatch.",
)
def soap_11(c: Cible) -> Iterator[Constat]:
    lu = _post(c, message.lecture(_INCONNU), (message.SOAP, "http://schemas.xmlsoap.org/soap/envelope/"))
    yield equal("code de la faute", "SOA023", lu.code)
    yield equal("code SOAP", "VersionMismatch", lu.faute.code if lu.faute else "")


@serveur(
    "S0215",
    "SOA-16",
    titre="Un corps vide ou à deux éléments est refusé (SOA025)",
    conduite="Exiger un seul élément dans le corps.",
)
def body_children(c: Cible) -> Iterator[Constat]:
    msg = message.lecture(_INCONNU)
    empty = _post(c, msg, ("<s:Body>", "<s:Body/><!--"), ("</s:Body>", "-->"))
    yield equal("corps vide", "SOA025", empty.code)
    yield equal("corps à deux éléments", "SOA025", _post(c, msg, ("</s:Body>", "<ws:x/></s:Body>")).code)


@serveur(
    "S0216",
    "SOA-16",
    titre="Une enveloppe mal formée est refusée (SOA020)",
    conduite="Répondre par une faute, jamais par une page d'erreur, à ce qui n'est pas du XML.",
)
def malformed(c: Cible) -> Iterator[Constat]:
    yield equal("enveloppe coupée", "SOA020", _post(c, message.lecture(_INCONNU), ("</s:Envelope>", "")).code)


@serveur(
    "S0217",
    "SOA-16",
    titre="Une enveloppe à DTD ou à entité est refusée (SOA021)",
    conduite="Refuser toute DTD avant d'analyser : elle mène aux bombes d'entités et à la lecture de fichiers.",
)
def dtd(c: Cible) -> Iterator[Constat]:
    bomb = '<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><s:Envelope'
    yield equal("DTD", "SOA021", _post(c, message.lecture(_INCONNU), ("<s:Envelope", bomb)).code)


@serveur(
    "S0218",
    "SOA-10",
    titre="Un autre type de contenu que SOAP 1.2 ou MTOM est refusé (SOA007)",
    conduite="Refuser text/xml (SOAP 1.1), JSON et les formulaires, en nommant ce qui est admis.",
)
def wrong_type(c: Cible) -> Iterator[Constat]:
    for kind in ("text/xml; charset=utf-8", "application/json", "application/x-www-form-urlencoded"):
        yield equal(kind, "SOA007", _post(c, message.lecture(_INCONNU), Content_Type=kind).code)


@serveur(
    "S0219",
    "SOA-12",
    titre="La réponse suit le WSDL : élément, ordre, espaces de noms",
    conduite="Valider les réponses selon le schéma du WSDL ; les éléments locaux sont sans espace de noms.",
)
def answer_follows_the_contract(c: Cible) -> Iterator[Constat]:
    creee = c.create()
    for quoi, lu in (
        ("getNumUnique", creee.lu),
        ("getDemandeLogement", c.send(message.lecture(creee.numero))),
    ):
        assert lu.element is not None
        schema = contract.message_schema(contract.DEMANDE_LOGEMENT)
        valid = schema.validate(etree.ElementTree(lu.element))
        found = "conforme" if valid else str(schema.error_log.last_error)
        yield check(f"réponse de {quoi}", valid, found, "conforme au schéma du WSDL")


@serveur(
    "S0220",
    "SOA-16",
    titre="Une base64 invalide est refusée (SOA017)",
    conduite="Décoder strictement : un caractère étranger n'est pas sauté.",
)
def bad_base64(c: Cible) -> Iterator[Constat]:
    lu = _post(c, message.demande(c.nom, c.document()), ("<fichierDemande>", "<fichierDemande>*!"))
    yield equal("code de la faute", "SOA017", lu.code)


@serveur(
    "S0221",
    "SOA-15",
    titre="Le nom du fichier de la réponse est fait du préfixe, du guichet, de l'heure et d'un rang",
    conduite="Composer DEM, le code du guichet, yyyyMMddHHmm à l'heure de Paris, et un rang de six chiffres.",
)
def answer_name(c: Cible) -> Iterator[Constat]:
    found = c.create().lu.champs.get("nomFichierDemande", "")
    pattern = rf"DEM{c.emetteur.code}-\d{{12}}-\d{{6}}\.xml"
    yield check("nomFichierDemande", re.fullmatch(pattern, found) is not None, found, pattern)


@serveur(
    "S0222",
    "SOA-15",
    titre="Le nom du fichier de la requête n'est pas interprété",
    conduite="Ne tirer du nom ni chemin, ni guichet, ni type ; ne pas exiger qu'il soit nouveau.",
)
def request_name(c: Cible) -> Iterator[Constat]:
    for nom in ("../../etc/passwd", "DEMG9999-201708311530-000000.xml", "é à.txt", ""):
        lu = c.send(message.demande(nom, c.document()))
        yield check(f"création sous le nom « {nom} »", bool(lu.numero), lu.resume, "un numéro unique")
        answer = lu.champs.get("nomFichierDemande", "")
        yield check(
            "nom de la réponse", c.emetteur.code in answer and "/" not in answer, answer, "celui du guichet"
        )


# --- the client of a partner ------------------------------------------------------------------------------

_APPELS = (Capacite.APPELS,)


@client(
    "C0201",
    "SOA-10",
    titre="Le client envoie une enveloppe SOAP 1.2",
    conduite="Employer l'espace de noms et le type de contenu de SOAP 1.2.",
    exige=_APPELS,
)
def sends_soap_12(p: Pupitre) -> Iterator[Constat]:
    lu = first_request(p)
    yield check("enveloppe", not lu.probleme, lu.probleme or "SOAP 1.2", "SOAP 1.2")
    kind = lu.http.entetes.get("content-type", "").partition(";")[0].strip().lower()
    yield one_of("type de contenu", ("application/soap+xml", "multipart/related"), kind)


@client(
    "C0202",
    "SOA-11",
    titre="L'action du message est celle de l'opération",
    conduite="Annoncer l'action, en entier ou par son seul nom.",
    exige=_APPELS,
)
def tells_the_action(p: Pupitre) -> Iterator[Constat]:
    for action, name in (
        ("enregistrer", "getNumUnique"),
        ("lire", "getDemandeLogement"),
        ("doublons", "getDoublons"),
    ):
        entetes = first_request(p, action).http.entetes
        told = entetes.get("content-type", "") + entetes.get("soapaction", "")
        yield check(f"action de {action}", name in told, told, name)


@client(
    "C0203",
    "SOA-12",
    titre="Le corps du message suit le WSDL",
    conduite="Respecter l'ordre et les éléments obligatoires ; les éléments locaux sont sans espace de noms.",
    exige=_APPELS,
)
def follows_the_contract(p: Pupitre) -> Iterator[Constat]:
    schema = contract.message_schema(contract.DEMANDE_LOGEMENT)
    for action in ("enregistrer", "lire", "doublons"):
        element = first_request(p, action).element
        valid = element is not None and schema.validate(etree.ElementTree(element))
        found = "conforme" if valid else str(schema.error_log.last_error)
        yield check(f"corps de {action}", valid, found, "conforme au schéma du WSDL")


@client(
    "C0204",
    "SOA-14",
    titre="Le client n'exige aucun en-tête que l'interface ne connaît pas",
    conduite="Retirer WS-Addressing et WS-Security obligatoires.",
    exige=_APPELS,
)
def needs_no_header(p: Pupitre) -> Iterator[Constat]:
    found = b"mustUnderstand" in first_request(p).http.corps
    yield check("mustUnderstand", not found, "présent" if found else "absent", "absent")
