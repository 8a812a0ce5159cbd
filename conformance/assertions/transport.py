"""Family 01: the connection, the addresses, what a request must be before anybody reads it."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from conformance import message
from conformance.assertion import Capacite, Constat, check, client, equal, one_of, serveur
from conformance.cible import Cible
from conformance.pupitre import Pupitre, first_call
from conformance.reponse import read
from schemas import contract

_INCONNU = "000000000000000000"
_SERVICE = f"/services/{contract.DEMANDE_LOGEMENT}"
_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"


@serveur(
    "S0101",
    "SOA-1",
    titre="Sans certificat client, la réponse est la faute SOA001",
    conduite="Accepter la connexion TLS sans certificat et répondre par la faute SOA001, sans lire le message.",
)
def no_certificate(c: Cible) -> Iterator[Constat]:
    headers, body = message.inline(message.lecture(_INCONNU))
    lu = read(c.anonyme().post(_SERVICE, body, headers))
    yield equal("code de la faute", "SOA001", lu.code)


@serveur(
    "S0106",
    "SOA-2",
    titre="L'en-tête Host n'identifie ni n'écarte personne",
    conduite="Ne pas choisir le service ni refuser d'après Host : des partenaires y écrivent toujours le même nom.",
)
def any_host(c: Cible) -> Iterator[Constat]:
    headers, body = message.inline(message.lecture(_INCONNU))
    host = {"Host": "nuu-ws.ecole.application.developpement-durable.gouv.fr"}
    lu = read(c.poste().post(_SERVICE, body, {**headers, **host}))
    yield equal("code de la faute d'un numéro inconnu", "GUI103", lu.code)


@serveur(
    "S0107",
    "SOA-3",
    titre="Le WSDL se lit sans certificat et porte l'adresse de l'appelant",
    conduite="Servir le WSDL par GET avec ?wsdl, sans certificat ; y écrire l'adresse par laquelle il est lu.",
)
def public_wsdl(c: Cible) -> Iterator[Constat]:
    poste = c.anonyme()
    answer = poste.get(f"{_SERVICE}?wsdl")
    yield equal("statut HTTP", 200, answer.statut)
    root = _xml(answer.corps)
    yield check("WSDL", root is not None, answer.corps[:80], "un document XML")
    assert root is not None
    found = [
        each.get("location", "") for each in root.iter("{http://schemas.xmlsoap.org/wsdl/soap12/}address")
    ]
    yield equal("adresse du port", f"{poste.adresse}{_SERVICE}", "".join(found).rstrip("/"))


@serveur(
    "S0108",
    "SOA-3",
    titre="Le schéma inclus par le WSDL est là où l'adresse relative mène",
    conduite="Servir xmlmime.xsd à côté du WSDL et par ?xsd=xmlmime.xsd, sans certificat.",
)
def included_schema(c: Cible) -> Iterator[Constat]:
    for place in ("/services/xmlmime.xsd", f"{_SERVICE}/xmlmime.xsd", f"{_SERVICE}?xsd=xmlmime.xsd"):
        answer = c.anonyme().get(place)
        root = _xml(answer.corps)
        found = "" if root is None else root.get("targetNamespace", "")
        yield equal(
            f"espace de noms du schéma lu à {place}", contract.NAMESPACE_SERVICES, found or answer.resume
        )


@serveur(
    "S0109",
    "SOA-3",
    "SOA-12",
    titre="Le WSDL publié est celui de l'interface : opérations, actions, éléments",
    conduite="Publier le contrat tel qu'il est ; ne pas laisser une pile l'engendrer.",
)
def published_contract(c: Cible) -> Iterator[Constat]:
    for service in contract.SERVICES:
        answer = c.anonyme().get(f"/services/{service}?wsdl")
        root = _xml(answer.corps)
        yield check(f"WSDL de {service}", root is not None, answer.resume, "un document XML")
        assert root is not None
        expected = sorted((each.name, each.action) for each in contract.operations(service))
        actions = {
            parent.get("name", ""): each.get("soapAction", "")
            for each in root.iter("{http://schemas.xmlsoap.org/wsdl/soap12/}operation")
            if (parent := each.getparent()) is not None
        }
        yield equal(f"opérations et actions de {service}", expected, sorted(actions.items()))
        elements = {each.get("element", "").rpartition(":")[2] for each in root.iter(f"{_WSDL}part")}
        wanted = {each.request for each in contract.operations(service)}
        yield check(f"éléments de {service}", wanted <= elements, sorted(elements), ", ".join(sorted(wanted)))


@serveur(
    "S0110",
    "SOA-4",
    titre="Le service répond à toutes les adresses connues des partenaires",
    conduite="Répondre sous /services/, /nuu/services/ et /nuu-ws/services/, avec ou sans barre finale.",
)
def every_address(c: Cible) -> Iterator[Constat]:
    headers, body = message.inline(message.lecture(_INCONNU))
    for prefix in ("/services/", "/nuu/services/", "/nuu-ws/services/"):
        for slash in ("", "/"):
            place = f"{prefix}{contract.DEMANDE_LOGEMENT}{slash}"
            yield equal(f"réponse à {place}", "GUI103", read(c.poste().post(place, body, headers)).code)


@serveur(
    "S0111",
    "SOA-4",
    titre="Une adresse sans service répond 404",
    conduite="Répondre 404 en nommant les services (SOA002).",
)
def wrong_address(c: Cible) -> Iterator[Constat]:
    headers, body = message.inline(message.lecture(_INCONNU))
    answer = c.poste().post("/services/Ailleurs", body, headers)
    yield equal("statut HTTP", 404, answer.statut)
    yield check("texte", b"SOA002" in answer.corps, answer.corps, "le code SOA002")


@serveur(
    "S0112",
    "SOA-10",
    titre="La réponse n'est jamais compressée",
    conduite="Ignorer Accept-Encoding : des partenaires l'annoncent et ne savent pas décompresser.",
)
def never_compressed(c: Cible) -> Iterator[Constat]:
    headers, body = message.inline(message.lecture(_INCONNU))
    answer = c.poste().post(_SERVICE, body, {**headers, "Accept-Encoding": "gzip, deflate, br"})
    yield equal("Content-Encoding", "identity", answer.entetes.get("content-encoding", "identity"))
    yield equal("code lu dans la réponse", "GUI103", read(answer).code)


@serveur(
    "S0114",
    "SOA-5",
    titre="Une requête qui n'annonce pas sa longueur est refusée (SOA004)",
    conduite="Exiger Content-Length avant de lire.",
)
def no_length(c: Cible) -> Iterator[Constat]:
    headers, body = message.inline(message.lecture(_INCONNU))
    chunked = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    answer = c.poste().request("POST", _SERVICE, chunked, {**headers, "Transfer-Encoding": "chunked"})
    yield equal("code de la faute", "SOA004", read(answer).code)


@serveur(
    "S0115",
    "SOA-5",
    titre="Un message trop volumineux est refusé sur sa seule longueur annoncée (SOA005)",
    conduite="Comparer Content-Length à la limite avant de lire le corps.",
)
def too_large(c: Cible) -> Iterator[Constat]:
    headers, _ = message.inline(message.lecture(_INCONNU))
    answer = c.poste().request("POST", _SERVICE, b"", {**headers, "Content-Length": str(1 << 30)})
    yield equal("code de la faute", "SOA005", read(answer).code)


@serveur(
    "S0116",
    "SOA-5",
    titre="Un corps compressé est refusé (SOA008)",
    conduite="Refuser Content-Encoding : un corps compressé déjoue les limites de taille.",
)
def compressed(c: Cible) -> Iterator[Constat]:
    headers, body = message.inline(message.lecture(_INCONNU))
    answer = c.poste().post(_SERVICE, body, {**headers, "Content-Encoding": "gzip"})
    yield equal("code de la faute", "SOA008", read(answer).code)


@serveur(
    "S0117",
    "SOA-5",
    titre="Une autre méthode que POST est refusée (405)",
    conduite="Répondre 405 avec Allow, sans rien exécuter.",
)
def wrong_method(c: Cible) -> Iterator[Constat]:
    headers, body = message.inline(message.lecture(_INCONNU))
    sent = {**headers, "Content-Length": str(len(body))}
    answer = c.poste().request("PUT", _SERVICE, body, sent)
    yield equal("statut HTTP", 405, answer.statut)
    yield check("Allow", "POST" in answer.entetes.get("allow", ""), answer.entetes.get("allow", ""), "POST")


@serveur(
    "S0118",
    "SOA-10",
    titre="Le type de contenu de la réponse dit SOAP 1.2 et son codage",
    conduite="Répondre application/soap+xml; charset=utf-8 à un message en clair.",
)
def answer_type(c: Cible) -> Iterator[Constat]:
    lu = c.send(message.lecture(_INCONNU))
    kind, _, rest = lu.http.entetes.get("content-type", "").partition(";")
    yield equal("type de contenu", "application/soap+xml", kind.strip().lower())
    yield one_of("codage", ("charset=utf-8", 'charset="utf-8"'), rest.strip().lower())


def _xml(data: bytes) -> etree._Element | None:
    try:
        return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return None


# --- the client of a partner ------------------------------------------------------------------------------


@client(
    "C0101",
    "SOA-1",
    titre="Le client présente son certificat",
    conduite="Donner à la pile TLS le certificat client, sa chaîne et sa clé.",
    exige=(Capacite.APPELS,),
)
def presents_its_certificate(p: Pupitre) -> Iterator[Constat]:
    yield equal("empreinte du certificat présenté", p.empreinte, first_call(p).empreinte)


@client(
    "C0105",
    "SOA-5",
    titre="Le client annonce la longueur de son message, et ne le compresse pas",
    conduite="Envoyer Content-Length ; ni Transfer-Encoding: chunked ni Content-Encoding.",
    exige=(Capacite.APPELS,),
)
def tells_the_length(p: Pupitre) -> Iterator[Constat]:
    call = first_call(p)
    yield equal("Content-Length", str(len(call.corps)), call.entetes.get("content-length", ""))
    yield equal("Content-Encoding", "identity", call.entetes.get("content-encoding", "identity"))


@client(
    "C0106",
    "SOA-4",
    "SOA-5",
    titre="Le client appelle par POST une des adresses du service",
    conduite="Appeler /services/DemandeLogementImplService par POST.",
    exige=(Capacite.APPELS,),
)
def calls_the_service(p: Pupitre) -> Iterator[Constat]:
    call = first_call(p)
    yield equal("méthode", "POST", call.methode)
    known = tuple(f"{prefix}/services/{contract.DEMANDE_LOGEMENT}" for prefix in ("", "/nuu", "/nuu-ws"))
    yield one_of("chemin", known, call.chemin.rstrip("/"))
