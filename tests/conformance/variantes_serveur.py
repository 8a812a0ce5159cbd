"""Broken hubs: the real one behind a proxy that spoils one thing, and the assertion meant for it."""

from __future__ import annotations

import base64
import gzip
import re
import uuid
from collections.abc import Callable
from itertools import count

from tests.conformance.mandataire import Deformation, Demande, Retour
from tests.conformance.variante import Variante

VARIANTES: list[Variante] = []


def _answers(nom: str, assertion: str, change: Callable[[Demande, Retour], None], *consequences: str) -> None:
    VARIANTES.append(Variante(nom, assertion, Deformation(reponse=change), consequences))


def _requests(
    nom: str, assertion: str, change: Callable[[Demande], Retour | None], *consequences: str
) -> None:
    VARIANTES.append(Variante(nom, assertion, Deformation(requete=change), consequences))


def _faults(nom: str, assertion: str, pattern: str, by: str, *consequences: str) -> None:
    """Every fault, with one text for another."""

    def change(_demande: Demande, retour: Retour) -> None:
        if b":Fault>" in retour.corps:
            retour.corps = re.sub(pattern.encode(), by.encode(), retour.corps, flags=re.DOTALL)

    _answers(nom, assertion, change, *consequences)


def change_files(retour: Retour, change: Callable[[bytes], bytes]) -> None:
    """Each file of an answer, inline or in its part."""

    def again(found: re.Match[bytes]) -> bytes:
        return found[1] + base64.b64encode(change(base64.b64decode(found[2]))) + found[3]

    if retour.entetes.get("Content-Type", "").startswith("multipart"):
        retour.corps = change(retour.corps)
    else:
        retour.corps = re.sub(rb"(<(?:fichier|liste)\w*>)([A-Za-z0-9+/=\s]+)(<)", again, retour.corps)


def _documents(nom: str, assertion: str, pattern: str, by: str, *consequences: str, where: str = "") -> None:
    """Every document of the answers to an action, with one text for another."""

    def change(demande: Demande, retour: Retour) -> None:
        if where in demande.entetes.get("Content-Type", ""):
            change_files(retour, lambda data: re.sub(pattern.encode(), by.encode(), data, flags=re.DOTALL))

    _answers(nom, assertion, change, *consequences)


def _bodies(nom: str, assertion: str, pattern: str, by: str, *consequences: str, where: str = "") -> None:
    """Every answer to an action, with one text for another."""

    def change(demande: Demande, retour: Retour) -> None:
        if where in demande.entetes.get("Content-Type", ""):
            retour.corps = re.sub(pattern.encode(), by.encode(), retour.corps, flags=re.DOTALL)

    _answers(nom, assertion, change, *consequences)


def _tolerates(nom: str, assertion: str, pattern: str, by: str, *consequences: str, where: str = "") -> None:
    """Every request, with one text for another: what the hub should refuse no longer reaches it."""

    def change(demande: Demande) -> Retour | None:
        if where in demande.entetes.get("Content-Type", ""):
            demande.corps = re.sub(pattern.encode(), by.encode(), demande.corps, flags=re.DOTALL)
        return None

    _requests(nom, assertion, change, *consequences)


def _reads(
    nom: str, assertion: str, change: Callable[[bytes], bytes], *consequences: str, where: str = ""
) -> None:
    """The inline file of every request, changed."""

    def again(found: re.Match[bytes]) -> bytes:
        try:
            data = base64.b64decode(found[2], validate=True)
        except ValueError:
            return found[0]
        return found[1] + base64.b64encode(change(data)) + found[3]

    def alter(demande: Demande) -> Retour | None:
        if where in demande.entetes.get("Content-Type", ""):
            demande.corps = re.sub(rb"(<fichier(?:Demande|Xml)>)([^<]+)(<)", again, demande.corps)
        return None

    _requests(nom, assertion, alter, *consequences)


def _refuses(
    nom: str, assertion: str, when: Callable[[Demande], bool], code: str, *consequences: str
) -> None:
    """What should be admitted is refused."""

    def refuse(demande: Demande) -> Retour | None:
        if not when(demande):
            return None
        text = (
            '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Sender'
            f'</s:Value><s:Subcode><s:Value xmlns:ws="http://ws.metier.nuu.application.i2/">ws:{code}</s:Value>'
            '</s:Subcode></s:Code><s:Reason><s:Text xml:lang="fr">Refusé.</s:Text></s:Reason></s:Fault></s:Body>'
            "</s:Envelope>"
        )
        return Retour(500, {"Content-Type": "application/soap+xml; charset=utf-8"}, text.encode())

    _requests(nom, assertion, refuse, *consequences)


def _kind(demande: Demande) -> str:
    return demande.entetes.get("Content-Type", "")


# --- connection and addresses -----------------------------------------------------------------------------

VARIANTES += [
    Variante(
        "un appelant sans certificat est tenu pour l'émetteur",
        "S0101",
        Deformation(role=lambda r: r or "emetteur"),
        ("S0105",),
    ),
    Variante(
        "un certificat retiré sert encore",
        "S0113",
        Deformation(role=lambda r: "emetteur" if r == "retire" else r),
    ),
    Variante(
        "le profil du certificat ne compte pas",
        "S0612",
        Deformation(role=lambda r: "emetteur" if r == "consultant" else r),
    ),
]
_answers(
    "une adresse inconnue répond 200",
    "S0111",
    lambda _, r: setattr(r, "statut", 200 if r.statut == 404 else r.statut),
)
_bodies(
    "le WSDL porte l'adresse de la machine de développement",
    "S0107",
    r'location="https://[^"]*"',
    'location="http://localhost:8080/nuu"',
)
_bodies("le WSDL a perdu une action", "S0109", r'soapAction="[^"]*getDoublons"', 'soapAction=""')
_answers(
    "le schéma inclus par le WSDL n'est pas servi",
    "S0108",
    lambda d, r: _lose(r) if "xmlmime" in d.ligne else None,
)
_refuses("le service ne répond pas sous /nuu/", "S0110", lambda d: " /nuu/" in d.ligne, "SOA002")
_refuses(
    "Host choisit le service", "S0106", lambda d: "ecole" in d.entetes.get("Host", ""), "SOA002", "S0309"
)
_answers(
    "une autre méthode est exécutée",
    "S0117",
    lambda _, r: setattr(r, "statut", 200 if r.statut == 405 else r.statut),
)


def _lose(retour: Retour) -> None:
    retour.statut, retour.corps = 404, b"introuvable"


def _compress(demande: Demande, retour: Retour) -> None:
    if "gzip" in demande.entetes.get("Accept-Encoding", ""):
        retour.corps = gzip.compress(retour.corps)
        retour.entetes["Content-Encoding"] = "gzip"


_answers("la réponse est compressée quand le client l'annonce", "S0112", _compress)
_answers(
    "la réponse se dit text/xml",
    "S0118",
    lambda _, r: (
        r.entetes.update(
            {"Content-Type": r.entetes["Content-Type"].replace("application/soap+xml", "text/xml")}
        )
        if "multipart" not in r.entetes.get("Content-Type", "")
        else None
    ),
)

# --- envelope and MTOM ------------------------------------------------------------------------------------

_tolerates("un en-tête à comprendre est ignoré", "S0212", r' s:mustUnderstand="true"', "")
_tolerates(
    "SOAP 1.1 est admis",
    "S0214",
    "http://schemas.xmlsoap.org/soap/envelope/",
    "http://www.w3.org/2003/05/soap-envelope",
)
_tolerates("une DTD dans l'enveloppe est admise", "S0217", r"<!DOCTYPE s \[.*?\]>", "")
_tolerates("la base64 se décode en sautant ce qui n'en est pas", "S0220", r"\*!", "")
_tolerates("des éléments locaux qualifiés sont admis", "S0210", r"(</?)ws:numUnique>", r"\1numUnique>")
_requests(
    "text/xml est admis",
    "S0218",
    lambda d: d.entetes.update({"Content-Type": _kind(d).replace("text/xml", "application/soap+xml")}),
)
_requests(
    "une action en désaccord avec le corps est ignorée",
    "S0206",
    lambda d: (
        d.entetes.update({"Content-Type": _kind(d).replace("getDoublons", "getDemandeLogement")})
        if b"demandeLogementParametres" in d.corps
        else None
    ),
)
_refuses(
    "start sans chevrons n'est pas compris", "S0302", lambda d: 'start="racine@kit"' in _kind(d), "SOA011"
)
_refuses(
    "la racine doit être la première partie",
    "S0303",
    lambda d: "multipart" in _kind(d) and b"Envelope" not in d.corps[:600],
    "SOA011",
    "S0313",
)
_refuses(
    "quoted-printable n'est pas décodé", "S0305", lambda d: b"quoted-printable" in d.corps[:2000], "SOA016"
)
_refuses("l'encodage se compare en minuscules", "S0304", lambda d: b": BASE64" in d.corps, "SOA016", "S0309")
_tolerates(
    "une référence hors du message est prise pour un fichier vide",
    "S0316",
    r'<xop:Include[^>]*href="(?:http|file)[^>]*/>',
    "",
    where="multipart",
)
_tolerates(
    "une partie absente est prise pour un fichier vide",
    "S0310",
    r'<xop:Include[^>]*href="cid:absent[^>]*/>',
    "",
    where="multipart",
)
_bodies("le préfixe des documents a deux caractères", "S0319", r"\bns1\b", "n1", "S0309", where="multipart")
_bodies(
    "le nom du fichier de la réponse n'est pas composé",
    "S0221",
    r"<nomFichierDemande>DEM(\w+)-",
    r"<nomFichierDemande>doc-\1-",
    "S0438",
    where="getNumUnique",
)
_bodies(
    "la réponse ne suit pas le WSDL",
    "S0219",
    r"nomFichierDemande>",
    "nomFichier>",
    "S0221",
    "S0222",
    "S0431",
    "S0438",
    where="getNumUnique",
)

# --- documents --------------------------------------------------------------------------------------------

_documents(
    "le document rendu garde son type", "S0401", "typeFichier>RET<", "typeFichier>CRE<", where="getNumUnique"
)
_documents(
    "le document rendu n'est pas valide",
    "S0402",
    r"<(\w+:)precision",
    r"<\1inventee/><\1precision",
    "S0407",
    "S0526",
    where="getNumUnique",
)
_documents(
    "seule la première anomalie est dite",
    "S0405",
    r"(</\w+:anomalie>)<\w+:anomalie .*?(</\w+:listeAnomalie>)",
    r"\1\2",
)
_documents(
    "le complément précède le message",
    "S0611",
    r"(<(\w+:)anomalie [^>]*>)",
    r'\1<\2complement nom="c">x</\2complement>',
)
_RANGS = count(1)
_reads(
    "un rejeu est évalué de nouveau",
    "S0408",
    lambda data: data + b"\n" * (next(_RANGS) % 7 + 1),
    *("S0409", "S0509", "S1101", "S1103"),
    where="getNumUnique",
)
_reads(
    "forcerDoublon est ignoré", "S0423", lambda d: d.replace(b"forcerDoublon>true<", b"forcerDoublon>false<")
)
_reads(
    "le guichet du document n'est pas comparé",
    "S0410",
    lambda d: d.replace(b"numGuichet>G9999<", b"numGuichet>G1104<"),
)
_reads("une DTD dans le fichier est admise", "S0434", lambda d: re.sub(rb"<!DOCTYPE.*?\]>", b"", d))
_reads("un prénom sans lettre est admis", "S0415", lambda d: d.replace(b"prenom>---<", b"prenom>Alix<"))
_reads(
    "un code hors liste est admis",
    "S0416",
    lambda d: d.replace(b'typeLogement code="ZZ"', b'typeLogement code="T2"'),
)
_tolerates(
    "le certificat de chiffrement est ignoré",
    "S0431",
    r"<certificat>[^<]+<",
    "<certificat><",
    "S0432",
    where="getNumUnique",
)
_tolerates("complet n'est pas lu", "S0439", r"<complet>[^<]*</complet>", "", where="getNumUnique")
_bodies(
    "getDoublons ne trouve jamais rien",
    "S0424",
    r"<nomFichierDoublons>.*?</listeDoublons>",
    "",
    where="getDoublons",
)
_documents("modifie n'est pas écrit", "S0508", r' \w+:modifie="true"', "", where="getNumUnique")
_documents("une copie se dit RET", "S0524", "typeFichier>COP<", "typeFichier>RET<")

# --- faults -----------------------------------------------------------------------------------------------

_answers(
    "une faute est de statut 200",
    "S0601",
    lambda _, r: setattr(r, "statut", 200 if b":Fault>" in r.corps else r.statut),
)
_answers(
    "une faute Sender est de statut 400",
    "S0601",
    lambda _, r: setattr(r, "statut", 400 if b"soap:Sender" in r.corps else r.statut),
)
_faults("le sous-code n'est pas qualifié", "S0602", r"<soap:Value>ws:", "<soap:Value>")
_faults("la raison n'est pas en français", "S0603", r'xml:lang="fr"', 'xml:lang="en"')
_faults(
    "la faute n'a pas demandeLogementException",
    "S0604",
    r"<ws:demandeLogementException>.*?</ws:demandeLogementException>",
    "",
)
_faults("la faute ne dit pas quoi faire", "S0605", r"<f:conduite>.*?</f:conduite>", "")
_faults("la faute ne dit pas à qui d'agir", "S0605", r' tour="\w+"', ' tour="inconnu"')
_faults("toute faute est Receiver", "S0608", "soap:Sender<", "soap:Receiver<")
_faults(
    "la faute montre la pile d'appels",
    "S0609",
    "</f:message>",
    "Traceback (most recent call last)</f:message>",
)
_answers(
    "l'identifiant d'échange de l'en-tête n'est pas celui de la faute",
    "S0606",
    lambda _, r: r.entetes.update({"Echange-Id": str(uuid.uuid4())}),
)
_answers(
    "une réponse acceptée n'a pas d'identifiant d'échange",
    "S0607",
    lambda _, r: None if r.statut != 200 else _forget(r),
)


def _forget(retour: Retour) -> None:
    retour.entetes.pop("Echange-Id", None)


_requests(
    "ce qui n'est pas du XML reçoit une page d'erreur",
    "S0614",
    lambda d: (
        Retour(500, {"Content-Type": "text/html"}, b"<h1>Internal Server Error")
        if d.ligne.startswith("POST") and b"Envelope" not in d.corps
        else None
    ),
    "S0313",
)

# --- distributions and the rest ---------------------------------------------------------------------------

_bodies("suite vaut toujours NON", "S0713", "<suite>OUI<", "<suite>NON<", where="listerDistributions")
_bodies(
    "le type annoncé n'est pas DIS",
    "S0703",
    "<typeFichier>DIS<",
    "<typeFichier>RET<",
    "S0715",
    where="listerDistributions",
)
_bodies(
    "un acquit d'autres octets est accepté",
    "S0708",
    "<statut>REFUSE<",
    "<statut>ACQUITTEE<",
    "S0709",
    where="acquitterDistributions",
)
_bodies(
    "un numéro inconnu est refusé sans son code", "S0709", "DIS203", "DIS299", "S0717", where="Distributions"
)
_bodies(
    "rien n'est jamais dit manquant",
    "S0804",
    r"<manquante>.*?</manquante>",
    "",
    where="rapprocherDistributions",
)
_bodies(
    "rien n'est jamais dit en trop", "S0805", r"<enTrop>.*?</enTrop>", "", where="rapprocherDistributions"
)
_bodies(
    "rien n'est jamais dit différent",
    "S0806",
    r"<differente>.*?</differente>",
    "",
    where="rapprocherDistributions",
)
_bodies(
    "la signature d'un manifeste ne vaut rien",
    "S0811",
    r"(<fichierManifeste[^>]*>[^<]+)[^<]{44}([^<]{44}</fichierManifeste>)",
    r"\1" + "A" * 44 + r"\2",
    where="listerManifestes",
)
_bodies(
    "un jour manque aux manifestes",
    "S0811",
    r"(</manifeste>)\s*<manifeste>.*?</manifeste>",
    r"\1",
    where="listerManifestes",
)


def _renames(_demande: Demande, retour: Retour) -> None:
    retour.corps = re.sub(
        rb"(<idDistribution>)[^<]+", lambda f: f[1] + str(uuid.uuid4()).encode(), retour.corps
    )


_answers("l'identifiant d'une distribution change à chaque lecture", "S0705", _renames)
_tolerates("nombreMax n'est pas borné", "S0712", r"<nombreMax>(?:0|101)<", "<nombreMax>100<", "S0810")
_documents("une recherche sans critère n'est pas refusée", "S1202", "REC203", "REC201")
_documents("un événement à venir est admis", "S1207", "GPE207", "GPE206")
_bodies("une date à venir est admise", "S1211", "DAL208", "DAL209")
_documents("un bailleur déclare un DALO", "S1212", "DAL201", "DAL299")
