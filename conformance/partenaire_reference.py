"""The reference partner: a guichet that receives distributions as a good partner should.

It serves `ReceptionDistributionService` over mutual TLS, validates what it receives, keeps it before it
acknowledges, and acknowledges a repeated identifier without handling it twice. It can be told to misbehave,
so that the hub is tested against partners that fail, hang, lose their answers or lie.

Written against the WSDL and the schemas alone: it shares with the hub the contract, not the code that sends.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from aiohttp import web
from lxml import etree

from schemas import contract
from schemas.demande import read_demande
from schemas.documents import DEMANDES, Document, read_document
from schemas.parser import ENVELOPE_LIMITS, parse

SERVICE: Final = contract.RECEPTION_DISTRIBUTION
CHEMIN: Final = f"/services/{SERVICE}/"
_SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
_WS: Final = contract.NAMESPACE_SERVICES


class Comportement(StrEnum):
    """How the partner answers."""

    NORMAL = "normal"
    PANNE = "panne"
    """A SOAP fault of its own (Receiver), nothing kept."""
    REFUS = "refus"
    """A SOAP fault about the document (Sender), nothing kept."""
    MUET = "muet"
    """No answer, nothing kept."""
    PERD_LA_REPONSE = "perd-la-reponse"
    """Kept, then the connection is cut before the answer."""
    AUTRE_EMPREINTE = "autre-empreinte"
    """Acknowledges other bytes than those received."""
    AUTRE_DISTRIBUTION = "autre-distribution"
    """Acknowledges another distribution."""
    BAVARD = "bavard"
    """An answer without end."""
    REDIRIGE = "redirige"
    """Sends the caller elsewhere."""
    ILLISIBLE = "illisible"
    """An answer that is not XML."""
    HORS_CONTRAT = "hors-contrat"
    """An acknowledgement that the WSDL forbids."""


@dataclass(frozen=True, slots=True)
class Reception:
    """One distribution received and kept.

    numero, type_fichier: what the document says. empreinte: SHA-256 of `contenu`, hexadecimal.
    """

    id: str
    sequence: int
    nom_fichier: str
    contenu: bytes
    empreinte: str
    numero: str
    type_fichier: str


class PartenaireReference:
    """A partner that receives, between `start` and `stop`, on one event loop.

    context: of its server; a client certificate is demanded whatever it says. dossier: where what is received
    is kept, under the identifier; None: in memory only. echangeurs: fingerprints (SHA-256, hexadecimal) of
    the certificates that may push; empty: any that the context trusts. sur_reception: told after each new
    reception.

    receptions: by identifier, in the order of arrival. deliveries: how many times each identifier came.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        dossier: Path | None = None,
        echangeurs: frozenset[str] = frozenset(),
        sur_reception: Callable[[Reception], None] | None = None,
    ) -> None:
        context.verify_mode = ssl.CERT_REQUIRED
        self._context = context
        self._dossier = dossier
        self._echangeurs = echangeurs
        self._told = sur_reception
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.comportement = Comportement.NORMAL
        self.adresse = ""
        self.receptions: dict[str, Reception] = {}
        self.deliveries: dict[str, int] = {}

    async def start(self, hote: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; returns the address of the service. port 0: any free one. Raises OSError when taken."""
        self._reload()
        app = web.Application(client_max_size=8 << 20)
        app.router.add_post(CHEMIN, self._receive)
        app.router.add_get(CHEMIN, self._describe)
        app.router.add_get(CHEMIN + "xmlmime.xsd", self._schema)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, hote, port, ssl_context=self._context)
        await site.start()
        found = self._runner.addresses[0][1]
        self.adresse = f"https://{hote}:{found}{CHEMIN}"
        return self.adresse

    async def stop(self) -> None:
        """Stop listening; what hangs is cut."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def wait_for(self, nombre: int) -> None:
        """Wait until that many distributions have been received."""
        while len(self.receptions) < nombre:
            self._changed.clear()
            await self._changed.wait()

    async def _describe(self, request: web.Request) -> web.Response:
        if "wsdl" not in {key.lower() for key in request.query}:
            raise web.HTTPNotFound
        return web.Response(body=contract.wsdl_bytes(SERVICE, self.adresse), content_type="text/xml")

    async def _schema(self, _: web.Request) -> web.Response:
        return web.Response(body=contract.xsd_bytes("xmlmime.xsd"), content_type="text/xml")

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        if self._echangeurs and _empreinte_of(request) not in self._echangeurs:
            return _fault("Sender", "certificat inattendu : seul l'échangeur distribue")
        data = await request.read()
        match self.comportement:
            case Comportement.PANNE:
                return _fault("Receiver", "le guichet est en panne")
            case Comportement.REFUS:
                return _fault("Sender", "le guichet refuse ce document")
            case Comportement.MUET:
                await self._stopping.wait()
                return _fault("Receiver", "le guichet s'arrête")
            case Comportement.REDIRIGE:
                raise web.HTTPTemporaryRedirect("https://127.0.0.1:1/ailleurs")
            case Comportement.ILLISIBLE:
                return web.Response(text="<p>Bienvenue", content_type="text/html")
            case Comportement.BAVARD:
                return web.Response(body=b" " * (1 << 20), content_type="application/soap+xml")
        found = _read_request(data)
        if isinstance(found, str):
            return _fault("Sender", found)
        statut = self._keep(found)
        if self.comportement is Comportement.PERD_LA_REPONSE and request.transport is not None:
            request.transport.abort()
        return self._acknowledge(found, statut)

    def _keep(self, reception: Reception) -> str:
        self.deliveries[reception.id] = self.deliveries.get(reception.id, 0) + 1
        if reception.id in self.receptions:
            return "DEJA_RECU"
        if self._dossier is not None:
            # Kept before it is acknowledged; whole or not at all.
            self._dossier.mkdir(parents=True, exist_ok=True)
            place = self._dossier / f"{reception.sequence:012d}_{reception.id}.xml"
            draft = place.with_suffix(".partiel")
            draft.write_bytes(reception.contenu)
            draft.replace(place)
        self.receptions[reception.id] = reception
        if self._told is not None:
            self._told(reception)
        self._changed.set()
        return "RECU"

    def _reload(self) -> None:
        """Know again what was received before a restart."""
        for place in sorted(self._dossier.glob("*_*.xml")) if self._dossier is not None else ():
            sequence, _, identifier = place.stem.partition("_")
            found = _reception(identifier, int(sequence), place.name, place.read_bytes())
            if isinstance(found, Reception):
                self.receptions[identifier] = found

    def _acknowledge(self, reception: Reception, statut: str) -> web.Response:
        identifier, empreinte = reception.id, reception.empreinte
        match self.comportement:
            case Comportement.AUTRE_EMPREINTE:
                empreinte = hashlib.sha256(b"autre chose").hexdigest()
            case Comportement.AUTRE_DISTRIBUTION:
                identifier = "00000000-0000-7000-8000-000000000000"
            case Comportement.HORS_CONTRAT:
                statut = "PEUT_ETRE"
        return _envelope(
            200,
            f'<ws:distributionReponse xmlns:ws="{_WS}"><idDistribution>{escape(identifier)}</idDistribution>'
            f"<statut>{statut}</statut><empreinte>{empreinte}</empreinte></ws:distributionReponse>",
        )


def _read_request(data: bytes) -> Reception | str:
    """The distribution of a request, or what is wrong with it, in French."""
    root = parse(data, ENVELOPE_LIMITS)
    if not isinstance(root, etree._Element):
        return f"enveloppe illisible : {root.message}"
    wrapper = root.find(f"{{{_SOAP}}}Body/{{{_WS}}}distributionParametres")
    if wrapper is None:
        return "distributionParametres est attendu dans le corps d'une enveloppe SOAP 1.2"
    if not contract.message_schema(SERVICE).validate(etree.ElementTree(wrapper)):
        return "distributionParametres n'est pas conforme au WSDL"
    try:
        contenu = base64.b64decode("".join((wrapper.findtext("fichierDemande") or "").split()), validate=True)
    except ValueError:
        return "fichierDemande n'est pas du base64"
    return _reception(
        wrapper.findtext("idDistribution") or "",
        int(wrapper.findtext("sequence") or 0),
        wrapper.findtext("nomFichierDemande") or "",
        contenu,
    )


def _reception(identifier: str, sequence: int, nom: str, contenu: bytes) -> Reception | str:
    if not identifier or not identifier.replace("-", "").isalnum() or not identifier.isascii():
        return "idDistribution n'est pas un identifiant"
    document = read_document(contenu, DEMANDES)
    if not isinstance(document, Document):
        return f"la demande distribuée n'est pas conforme : {document[0].message}"
    demande = read_demande(document.root)
    return Reception(
        id=identifier,
        sequence=sequence,
        nom_fichier=nom,
        contenu=contenu,
        empreinte=hashlib.sha256(contenu).hexdigest(),
        numero=demande.num_unique or "",
        type_fichier=demande.type_fichier,
    )


def _empreinte_of(request: web.Request) -> str:
    tls = request.transport.get_extra_info("ssl_object") if request.transport is not None else None
    der = tls.getpeercert(binary_form=True) if tls is not None else None
    return hashlib.sha256(der).hexdigest() if der else ""


def _fault(code: str, reason: str) -> web.Response:
    return _envelope(
        500,
        f"<s:Fault><s:Code><s:Value>s:{code}</s:Value></s:Code>"
        f'<s:Reason><s:Text xml:lang="fr">{escape(reason)}</s:Text></s:Reason></s:Fault>',
    )


def _envelope(status: int, body: str) -> web.Response:
    text = f'<s:Envelope xmlns:s="{_SOAP}"><s:Body>{body}</s:Body></s:Envelope>'
    return web.Response(
        status=status, body=text.encode(), content_type="application/soap+xml", charset="utf-8"
    )
