"""Broken partners: the reference one with one defect, and the assertion meant for it."""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from aiohttp import web

from conformance import client_reference, partenaire_reference
from conformance.client_reference import ClientReference, Lecture
from conformance.partenaire_courrier import PartenaireCourrier
from conformance.partenaire_reference import Comportement, PartenaireReference, Reception
from conformance.retrait_reference import Distribution, RetraitReference
from tests.conformance.variante import Defaut


@dataclass(frozen=True)
class Variante(Defaut):
    """Of a partner: what takes the place of each of its parts."""

    nom: str
    assertion: str
    service: type[PartenaireReference] = PartenaireReference
    client: type[ClientReference] = ClientReference
    retrait: type[RetraitReference] = RetraitReference
    consequences: tuple[str, ...] = ()
    robot: type[PartenaireCourrier] = PartenaireCourrier
    aussi: tuple[str, ...] = ()


VARIANTES: list[Variante] = []


# --- the service of reception -----------------------------------------------------------------------------


def _behaves(comportement: Comportement) -> type[PartenaireReference]:
    class Tel(PartenaireReference):
        def __init__(self, *args: Any, **kw: Any) -> None:
            super().__init__(*args, **kw)
            self.comportement = comportement

    return Tel


for nom, comportement in (
    ("accuse une autre empreinte", Comportement.AUTRE_EMPREINTE),
    ("accuse une autre distribution", Comportement.AUTRE_DISTRIBUTION),
    ("refuse tout", Comportement.REFUS),
    ("est en panne", Comportement.PANNE),
    ("répond par une page", Comportement.ILLISIBLE),
    ("répond par un statut que le WSDL n'a pas", Comportement.HORS_CONTRAT),
):
    VARIANTES.append(Variante(f"le service {nom}", "C0701", _behaves(comportement), consequences=("C0709",)))


class ToujoursRecu(PartenaireReference):
    def _keep(self, reception: Reception) -> str:
        super()._keep(reception)
        return "RECU"


class SansOrdre(PartenaireReference):
    """Refuses what comes after one that it has not."""

    def _keep(self, reception: Reception) -> str:
        return "EN_AVANCE" if reception.sequence == 5002 else super()._keep(reception)


class SansCertificat(PartenaireReference):
    def __init__(self, context: ssl.SSLContext, **kw: Any) -> None:
        super().__init__(context, **kw)
        context.verify_mode = ssl.CERT_OPTIONAL


def _without_schema(data: bytes) -> Reception | str:
    """As `_read_request`, but for the document."""
    found = partenaire_reference._read_request(data)
    if not isinstance(found, str):
        return found
    ident = re.search(rb"<idDistribution>([^<]+)", data)
    file = re.search(rb"<fichierDemande>([^<]+)", data)
    if ident is None or file is None or b"*!" in file[1]:
        return found
    contenu = base64.b64decode(file[1])
    return Reception(ident[1].decode(), 1, "x", contenu, hashlib.sha256(contenu).hexdigest(), "", "")


class Refait(PartenaireReference):
    """Answers from another reading of the request than the good one."""

    lit: Callable[[bytes], Reception | str] = staticmethod(partenaire_reference._read_request)

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        found = type(self).lit(await request.read())
        if isinstance(found, str):
            return partenaire_reference._fault("Sender", found)
        return self._acknowledge(found, self._keep(found))


class SansSchema(Refait):
    lit = staticmethod(_without_schema)


def _stripped(data: bytes) -> Reception | str:
    found = partenaire_reference._read_request(data)
    if isinstance(found, str):
        return found
    digest = hashlib.sha256(found.contenu.strip()).hexdigest()
    return Reception(found.id, found.sequence, found.nom_fichier, found.contenu, digest, "", "")


class AutresOctets(Refait):
    lit = staticmethod(_stripped)


def _refuses(pattern: bytes) -> type[PartenaireReference]:
    def read(data: bytes) -> Reception | str:
        found = partenaire_reference._read_request(data)
        if not isinstance(found, str) and re.search(pattern, found.contenu):
            return "ce document n'est pas de ceux que le guichet lit"
        return found

    class Etroit(Refait):
        lit = staticmethod(read)

    return Etroit


class Page(PartenaireReference):
    async def _receive(self, request: web.Request) -> web.StreamResponse:
        if b"Envelope" not in await request.read():
            return web.Response(status=500, text="<h1>Erreur</h1>", content_type="text/html")
        return await super()._receive(request)


class Retient(PartenaireReference):
    """Knows an identifier as soon as it has seen it, kept or not."""

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        data = await request.read()
        found = partenaire_reference._read_request(data)
        ident = re.search(rb"<idDistribution>([^<]+)", data)
        seen: set[bytes] = self.__dict__.setdefault("vus", set())
        known = ident is not None and ident[1] in seen
        if ident is not None:
            seen.add(ident[1])
        if known and isinstance(found, Reception):
            return self._acknowledge(found, "DEJA_RECU")
        return await super()._receive(request)


class SansWsdl(PartenaireReference):
    async def _describe(self, request: web.Request) -> web.Response:
        raise web.HTTPNotFound


VARIANTES += [
    Variante("le service ne reconnaît pas ce qu'il a reçu", "C0703", ToujoursRecu),
    Variante("le service refuse ce qui vient en avance", "C0704", SansOrdre),
    Variante("le service n'exige pas de certificat", "C0705", SansCertificat),
    Variante(
        "le service accuse sans valider",
        "C0707",
        SansSchema,
        consequences=("C0713", "C0718", "C0719", "C0721"),
    ),
    Variante("le service condense le fichier sans ses blancs", "C0708", AutresOctets),
    Variante(
        "le service refuse les suppressions", "C0710", _refuses(rb"typeFichier>SUP<"), consequences=("C0711",)
    ),
    Variante("le service refuse les avis de sortie", "C0711", _refuses(rb"SORTIE DE PERIMETRE")),
    Variante("le service ne lit que la version 02.01", "C0712", _refuses(rb'versionInterface="02\.00"')),
    Variante("le service refuse les radiations", "C0723", _refuses(rb"dateRadiation>")),
    Variante("le service répond par une page à ce qu'il ne lit pas", "C0709", Page),
    Variante("le service tient pour reçu ce qu'il a refusé", "C0721", Retient, consequences=("C0707",)),
    Variante("le service ne publie pas son contrat", "C0722", SansWsdl),
]


# --- the client -------------------------------------------------------------------------------------------


class Brut(ClientReference):
    """Sends other bytes or headers than those of the good client."""

    corps: Callable[[bytes], bytes] = staticmethod(lambda data: data)
    entete: Callable[[str], str] = staticmethod(lambda value: value)
    chemin = "/services/DemandeLogementImplService/"
    supplement: ClassVar[dict[str, str]] = {}

    def post(self, operation: str, body: bytes) -> bytes:
        connection = http.client.HTTPSConnection(
            self._host, self._port, timeout=self._delai, context=self._contexte
        )
        try:
            headers = client_reference.build_headers(operation)
            headers["Content-Type"] = type(self).entete(headers["Content-Type"])
            data = type(self).corps(body)
            sent = {**headers, "Content-Length": str(len(data)), **self.supplement}
            connection.request("POST", self.chemin, data, sent)
            with connection.getresponse() as response:
                return response.read()
        finally:
            connection.close()


class SansVerifier(ClientReference):
    def __init__(self, adresse: str, contexte: ssl.SSLContext, **kw: Any) -> None:
        contexte.check_hostname = False
        contexte.verify_mode = ssl.CERT_NONE
        super().__init__(adresse, contexte, **kw)


class Anonyme(ClientReference):
    def __init__(self, adresse: str, contexte: ssl.SSLContext, **kw: Any) -> None:
        bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        bare.load_verify_locations(
            cadata="".join(ssl.DER_cert_to_PEM_cert(each) for each in contexte.get_ca_certs(binary_form=True))
        )
        super().__init__(adresse, bare, **kw)


def _sends(**how: Any) -> type[ClientReference]:
    return type("Autre", (Brut,), {k: staticmethod(v) if callable(v) else v for k, v in how.items()})


class Date(ClientReference):
    """Writes another date at each send."""

    rang = 0

    def num_unique(self, nom_fichier: str, document: bytes) -> Lecture:
        Date.rang += 1
        changed = re.sub(
            rb"(dateFichier>....-..-..T)..:..", rb"\g<1>%02d:%02d" % divmod(Date.rang % 1440, 60), document
        )
        return super().num_unique(nom_fichier, changed)


class Optimiste(ClientReference):
    """Does not look at anomalies."""

    def num_unique(self, nom_fichier: str, document: bytes) -> Lecture:
        found = super().num_unique(nom_fichier, document)
        return Lecture(found.document, (), found.erreur)


class Insistant(ClientReference):
    def num_unique(self, nom_fichier: str, document: bytes) -> Lecture:
        found = super().num_unique(nom_fichier, document)
        return super().num_unique(nom_fichier, document) if found.anomalies else found


class Presse(ClientReference):
    """Sends again at once whatever was not done."""

    def num_unique(self, nom_fichier: str, document: bytes) -> Lecture:
        for _ in range(8):
            found = super().num_unique(nom_fichier, document)
            if "SOA091" not in found.erreur:
                break
        return found


class Confiant(ClientReference):
    """What has no anomaly was done."""

    def num_unique(self, nom_fichier: str, document: bytes) -> Lecture:
        found = super().num_unique(nom_fichier, document)
        return found if found.document else Lecture("<vide/>")


VARIANTES += [
    Variante(
        "le client ne vérifie pas le serveur",
        "C0103",
        client=SansVerifier,
        consequences=("C1005",),
        aussi=("C0104", "C1001", "C1002", "C1003", "C1004", "C1006"),
    ),
    Variante("le client ne présente pas son certificat", "C0101", client=Anonyme),
    Variante(
        "le client compresse son message", "C0105", client=_sends(supplement={"Content-Encoding": "x-rien"})
    ),
    Variante("le client appelle une autre adresse", "C0106", client=_sends(chemin="/nuu/DemandeLogement")),
    Variante(
        "le client n'annonce pas la bonne action",
        "C0202",
        client=_sends(entete=lambda value: value.replace("getDoublons", "doublons")),
    ),
    Variante(
        "le client envoie du SOAP 1.1",
        "C0201",
        client=_sends(
            corps=lambda data: data.replace(
                b"http://www.w3.org/2003/05/soap-envelope", b"http://schemas.xmlsoap.org/soap/envelope/"
            )
        ),
        consequences=(
            "C0203",
            "C0301",
            "C0302",
            "C0303",
            "C0401",
            "C0402",
            "C0403",
            "C0404",
            "C0405",
            "C0406",
            "C0407",
            "C0409",
            "C1102",
        ),
    ),
    Variante(
        "le client qualifie les éléments locaux",
        "C0203",
        client=_sends(corps=lambda data: data.replace(b"nomCertificat>", b"ws:nomCertificat>")),
    ),
    Variante(
        "le client exige WS-Addressing",
        "C0204",
        client=_sends(
            corps=lambda data: data.replace(
                b"<soap:Header/>",
                b'<soap:Header><a:To xmlns:a="urn:a" soap:mustUnderstand="1">x</a:To></soap:Header>',
            )
        ),
    ),
    Variante(
        "le client oublie le délimiteur de fin",
        "C0301",
        client=_sends(corps=lambda data: data.removesuffix(b"--")),
    ),
    Variante(
        "le client perd les accents",
        "C0404",
        client=_sends(corps=lambda data: re.sub(rb"&#\d+;", b"?", data)),
    ),
    Variante(
        "le client écrit le code d'un autre guichet",
        "C0402",
        client=_sends(corps=lambda data: re.sub(rb"numGuichet>\w+<", b"numGuichet>G9999<", data)),
        consequences=("C0404",),
    ),
    Variante("le client redate ce qu'il renvoie", "C0406", client=Date, consequences=("C0404",)),
    Variante("le client ne regarde pas les anomalies", "C0407", client=Optimiste),
    Variante("le client renvoie ce qui est refusé", "C0408", client=Insistant),
    Variante("le client renvoie sans attendre", "C0602", client=Presse),
    Variante(
        "le client tient une réponse vide pour un succès",
        "C0605",
        client=Confiant,
        consequences=("C0601", "C0603", "C0604"),
    ),
]


# --- the passages -----------------------------------------------------------------------------------------


class Muet(RetraitReference):
    def _acknowledge_all(self) -> None:
        return None


class UnePage(RetraitReference):
    def _list(self, apres: int, nombre: int, etat: str) -> tuple[list[Distribution], int, bool]:
        found, after, _ = super()._list(apres, nombre, etat)
        return found, after, False


class Gourmand(RetraitReference):
    def passer(self, *, nombre: int = 100, depuis: str = "") -> int:
        return super().passer(nombre=1000, depuis=depuis)


class ToutAcquitte(RetraitReference):
    """Keeps, hence acknowledges, what has no file."""

    def keep(self, distribution: Distribution) -> bool:
        contenu = distribution.contenu or b""
        return super().keep(Distribution(distribution.id, distribution.sequence, distribution.nom, contenu))


class Oublieux(RetraitReference):
    """Never notes that an acknowledgement is over."""

    def _acknowledge_all(self) -> None:
        super()._acknowledge_all()
        with self.base:
            self.base.execute("UPDATE distribution SET acquittee = 0")


VARIANTES += [
    Variante("le passage n'acquitte rien", "C0724", retrait=Muet),
    Variante("le passage s'arrête à la première page", "C0725", retrait=UnePage),
    Variante("le passage demande mille distributions", "C0731", retrait=Gourmand),
    Variante("le passage acquitte ce qui est retiré", "C0727", retrait=ToutAcquitte),
    Variante(
        "le passage acquitte sans fin", "C0730", retrait=Oublieux, consequences=("C0724", "C0732", "C0733")
    ),
]

GROUPES: dict[str, Callable[[str], bool]] = {
    "service": lambda ident: "C0701" <= ident <= "C0723" or "C1009" <= ident <= "C1016",
    "client": lambda ident: ident[:3] not in ("C07", "C09") and not "C1009" <= ident <= "C1016",
    "retrait": lambda ident: "C0724" <= ident <= "C0799",
    "courrier": lambda ident: ident.startswith("C09"),
}


def group_of(variante: Variante) -> Callable[[str], bool]:
    """The assertions that a defect can touch: those of the part that has it."""
    if variante.service is not PartenaireReference:
        return GROUPES["service"]
    if variante.robot is not PartenaireCourrier:
        return GROUPES["courrier"]
    return GROUPES["client" if variante.client is not ClientReference else "retrait"]
