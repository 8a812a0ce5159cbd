"""The HTTP edge: paths, limits, identity, and the fixed order of an inbound message (conception, décision 8).

Size limit, authentication, raw bytes kept, and only then does anything read what was sent ([SOA-32]). A
refusal before the SOAP layer is a fault like the others, with HTTP 500, except on a wrong path (404) or
method (405): there is no service to speak SOAP with, so the answer is plain text.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import structlog
from aiohttp import ClientPayloadError, web

from registry.annexes import Annexes
from registry.anomalies import Anomalie
from registry.batching import Saturation
from registry.clock import Clock
from registry.echanges import Canal, Echange, Emetteur
from registry.limites import LIMITES_PIECES
from schemas.contract import PARTNER_SERVICES, wsdl_bytes, wsdl_source, xsd_bytes
from soap import faults
from soap.connexions import SERVEUR, TEXTE, Runner, report, report_unread
from soap.correlation import ENTETE, new_id
from soap.description import Service
from soap.flux import Flux, is_streamed, write_flux
from soap.mtom import announced_action
from soap.operations import Attestateur, Operations, Refuser, Servie, Traitement
from soap.publication import ROUTE, Publication
from soap.services import SERVICES
from soap.spyne_engine import XML_UTF8, Executant, Moteur, ReponseHttp, Requete

_XSD: Final = "xmlmime.xsd"
"""The schema that every WSDL includes by this relative address."""
_HOTE: Final = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
_XML: Final = "text/xml; charset=utf-8"
_HORLOGE: Final = web.AppKey("horloge", Clock)


@dataclass(frozen=True, slots=True)
class Limites:
    """Caps on what arrives.

    octets: bytes of a request body. Threat: memory; a body is held once as received and once taken apart,
        so 1,000 simultaneous callers at the cap would hold 16 GB: the cap is what a document of 1 MB and a
        certificate need in base64, with room for the file of several demandes of later operations.
    secondes: time for the whole body to arrive. Threat: connections held open by one byte a minute.
    piece: bytes of a pièce that is streamed; its message may then have half as many again.
    """

    octets: int = 8 << 20
    secondes: float = 30.0
    piece: int = LIMITES_PIECES.taille_max


@dataclass(frozen=True, slots=True)
class Servi:
    """A request that has its answer. operation: as the partner announced it, at most 100 characters.
    anomalies: why it was refused. secondes: from its headers to its answer. traceparent: as the partner wrote
    it, at most 100 characters."""

    echange: uuid.UUID
    operation: str
    anomalies: tuple[Anomalie, ...]
    secondes: float
    traceparent: str = ""


Observer = Callable[[Servi], None]
"""Told of each request answered; costs nothing of its own and raises nothing."""


Entourer = Callable[[Executant], Executant]
"""Puts something around what runs the operations."""


class Identification(Protocol):
    """Tells the guichet that a certificate names (`registry.certificats.Identites`)."""

    async def resolve(self, empreinte: str) -> Emetteur | Anomalie:
        """empreinte: SHA-256 of the DER, lower-case hexadecimal."""
        ...


class Bord:
    """The synchronous edge: one handler for each service, one for the rest."""

    def __init__(
        self,
        traitement: Traitement,
        identites: Identification,
        clock: Clock,
        limites: Limites,
        refuser: Refuser,
        autres: Mapping[str, Servie] | None = None,
        attestations: Attestateur | None = None,
        observer: Observer | None = None,
        entourer: Entourer | None = None,
    ) -> None:
        self._observer = observer or _observe_nothing
        self._traitement = traitement
        self._identites = identites
        self._clock = clock
        self._limites = limites
        self._refuser = refuser
        self._flux = Flux(limites.piece)
        operations = Operations(traitement, clock, refuser, autres, attestations)
        executant = operations.execute if entourer is None else entourer(operations.execute)
        self._moteurs = {service.nom: Moteur(service, executant) for service in SERVICES}
        self._publication = Publication()

    async def serve(self, service: Service, request: web.Request) -> web.StreamResponse:
        """Answer a request to the address of `service` ([SOA-3])."""
        correlation = new_id(self._clock.now())
        if request.method == "POST":
            with structlog.contextvars.bound_contextvars(echange=str(correlation)):
                start = time.perf_counter()
                operation = _operation(request)
                answer = await self._post(service, request, correlation, operation)
                secondes = time.perf_counter() - start
                context = request.headers.get("traceparent", "")[:100]
                self._observer(Servi(correlation, operation, answer.anomalies, secondes, context))
                return await _send(request, answer, correlation)
        if request.method not in ("GET", "HEAD"):
            return _method_refused(request, "POST, ou GET avec ?wsdl", "GET, HEAD, POST", correlation)
        query = {name.lower(): value for name, value in request.query.items()}
        if "wsdl" in query:
            return _document(wsdl_bytes(service.nom, _address(request)), correlation)
        if query.get("xsd") == _XSD:
            return _document(xsd_bytes(_XSD), correlation)
        return _method_refused(request, "POST, ou GET avec ?wsdl", "GET, HEAD, POST", correlation)

    async def serve_xsd(self, request: web.Request) -> web.StreamResponse:
        """Answer the schema that the WSDL include, beside each of them ([SOA-3])."""
        correlation = new_id(self._clock.now())
        if request.method not in ("GET", "HEAD"):
            return _method_refused(request, "GET", "GET, HEAD", correlation)
        return _document(xsd_bytes(_XSD), correlation)

    async def serve_contract_of_partners(self, nom: str, request: web.Request) -> web.StreamResponse:
        """Answer the WSDL of a service that partners serve, as it is: the address in it is theirs."""
        correlation = new_id(self._clock.now())
        if request.method not in ("GET", "HEAD") or "wsdl" not in {name.lower() for name in request.query}:
            return _method_refused(request, "GET avec ?wsdl", "GET, HEAD", correlation)
        return _document(wsdl_source(nom), correlation)

    async def serve_publication(self, request: web.Request) -> web.StreamResponse:
        """Answer the specification and what goes with it, to whoever asks ([SOA-40])."""
        if request.method not in ("GET", "HEAD"):
            return _method_refused(request, "GET", "GET, HEAD", new_id(self._clock.now()))
        return await self._publication.serve(request, _origin(request)) or await self.serve_unknown(request)

    async def serve_unknown(self, request: web.Request) -> web.StreamResponse:
        """Answer a path where there is nothing ([SOA-4])."""
        known = ", ".join(f"/services/{service.nom}" for service in SERVICES)
        anomalie = faults.CHEMIN_INCONNU(request.path[:200], known)
        return _plain(404, anomalie, new_id(self._clock.now()))

    async def _post(
        self, service: Service, request: web.Request, correlation: uuid.UUID, operation: str
    ) -> ReponseHttp:
        opened: Echange | Anomalie | None = None
        try:
            opened = await self._open(service, request, correlation, operation)
            if isinstance(opened, Anomalie):
                report_unread(correlation, opened.code, _fingerprint(request))
                return _fault(opened, correlation)
            await self._traitement.receive(opened)
            answer = await self._moteurs[service.nom].answer(
                Requete(
                    request.headers.get("Content-Type", ""),
                    request.headers.get("SOAPAction", ""),
                    opened.octets,
                ),
                opened,
            )
            if answer.anomalies and not answer.executee:
                await self._refuser(opened, answer.anomalies)
        except Saturation:
            return _fault(faults.SATURATION(), correlation)
        except Exception as error:  # noqa: BLE001 - the last line: whatever happened, the partner gets a fault
            report("erreur inattendue", error, str(correlation))
            return _fault(faults.ERREUR_INATTENDUE(), correlation)
        finally:
            if isinstance(opened, Echange):
                opened.annexes.close()
        return answer

    async def _open(
        self, service: Service, request: web.Request, correlation: uuid.UUID, operation: str
    ) -> Echange | Anomalie:
        """Size limit, authentication, then the bytes: an exchange that nobody has read yet."""
        length = request.content_length
        if length is None:
            return faults.SANS_LONGUEUR()
        streamed = service.flux and is_streamed(request)
        maximum = max(self._flux.octets_max, self._limites.octets) if streamed else self._limites.octets
        if length > maximum:
            return faults.TROP_VOLUMINEUX(str(length), str(maximum))
        compression = request.headers.get("Content-Encoding", "identity")
        if compression.lower() != "identity":
            return faults.COMPRESSION_REFUSEE(compression[:50])
        empreinte = _fingerprint(request)
        if empreinte is None:
            return faults.SANS_CERTIFICAT()
        emetteur = await self._identites.resolve(empreinte)
        if isinstance(emetteur, Anomalie):
            return emetteur
        annexes = Annexes()
        if streamed:
            read = await self._flux.read(request)
            if isinstance(read, Anomalie):
                return read
            octets, annexes = read
        else:
            try:
                async with asyncio.timeout(self._limites.secondes):
                    octets = await request.read()
            except (TimeoutError, ConnectionError, ClientPayloadError, web.RequestPayloadError):
                return faults.LECTURE_INTERROMPUE(attendu=f"{self._limites.secondes:g}")
        return Echange(correlation, emetteur, Canal.SOAP, operation, self._clock.now(), octets, annexes)


def create_app(
    traitement: Traitement,
    identites: Identification,
    clock: Clock,
    *,
    limites: Limites | None = None,
    refuser: Refuser | None = None,
    autres: Mapping[str, Servie] | None = None,
    attestations: Attestateur | None = None,
    observer: Observer | None = None,
    entourer: Entourer | None = None,
) -> web.Application:
    """The application that answers on all the addresses of the three services (`interface/services`).

    refuser: told of each exchange, already received, that is refused before any handler sees it; without it,
        such an exchange stays marked as received.
    autres: the operations beside those of `traitement`, by name.
    attestations: what makes the attestation of a registration; without it, no answer bears one.
    observer: told of each request answered.
    entourer: puts something around what runs the operations.
    Run it with `create_runner`. Routes added to it later are not reached when they begin with /services.
    """
    limites = limites or Limites()
    keep = refuser or _keep_nothing
    bord = Bord(traitement, identites, clock, limites, keep, autres, attestations, observer, entourer)
    app = web.Application(client_max_size=limites.octets)
    app[_HORLOGE] = clock
    places: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {}
    for service in SERVICES:
        for chemin in service.chemins():
            places[chemin] = partial(bord.serve, service)
            # Beside the WSDL, whether or not its address ends with a slash.
            places[chemin.rpartition("/")[0] + f"/{_XSD}"] = bord.serve_xsd
    for nom in PARTNER_SERVICES:
        for barre in ("", "/"):
            places[f"/services/{nom}{barre}"] = partial(bord.serve_contract_of_partners, nom)
        places[f"/services/{nom}/{_XSD}"] = bord.serve_xsd
    for chemin, handler in places.items():
        app.router.add_route("*", chemin, handler)
    app.router.add_route("*", ROUTE, bord.serve_publication)
    app.router.add_route("*", "/{reste:.*}", bord.serve_unknown)
    return app


def create_runner(app: web.Application) -> web.AppRunner:
    """A runner of `app` with the options that the edge relies on (`soap.connexions.Runner`)."""
    return Runner(app, app[_HORLOGE])


def _operation(request: web.Request) -> str:
    action = announced_action(request.headers.get("Content-Type", ""), request.headers.get("SOAPAction", ""))
    return action.removeprefix(faults.NS_WS)[:100]


def _observe_nothing(_servi: Servi) -> None:
    """For a caller that counts nothing."""


async def _keep_nothing(_echange: Echange, _anomalies: tuple[Anomalie, ...]) -> None:
    """For a caller that keeps no outcome."""


def _fingerprint(request: web.Request) -> str | None:
    """SHA-256 of the client certificate of the connection, or None when there is none."""
    transport = request.transport
    ssl_object = None if transport is None else transport.get_extra_info("ssl_object")
    der = None if ssl_object is None else ssl_object.getpeercert(binary_form=True)
    return None if der is None else hashlib.sha256(der).hexdigest()


def _address(request: web.Request) -> str:
    """The address of the service as the caller wrote it."""
    return _origin(request) + request.path


def _origin(request: web.Request) -> str:
    """Where the caller reaches us; a Host field that is no host name is not echoed."""
    host = request.host if _HOTE.fullmatch(request.host) else "localhost"
    return f"{request.scheme}://{host}"


def _fault(anomalie: Anomalie, correlation: uuid.UUID) -> ReponseHttp:
    body = faults.write_fault((anomalie,), correlation)
    return ReponseHttp(500, XML_UTF8, body, anomalies=(anomalie,))


async def _send(request: web.Request, answer: ReponseHttp, correlation: uuid.UUID) -> web.StreamResponse:
    headers = {"Content-Type": answer.content_type, ENTETE: str(correlation), "Server": SERVEUR}
    if answer.sorties:
        return await write_flux(request, answer.corps, answer.sorties[0], headers)
    return web.Response(status=answer.statut, body=answer.corps, headers=headers)


def _document(data: bytes, correlation: uuid.UUID) -> web.Response:
    return web.Response(
        body=data, headers={"Content-Type": _XML, ENTETE: str(correlation), "Server": SERVEUR}
    )


def _plain(status: int, anomalie: Anomalie, correlation: uuid.UUID, **headers: str) -> web.Response:
    return web.Response(
        status=status,
        body=faults.write_text(anomalie, correlation).encode(),
        headers={"Content-Type": TEXTE, ENTETE: str(correlation), "Server": SERVEUR, **headers},
    )


def _method_refused(request: web.Request, attendu: str, allowed: str, correlation: uuid.UUID) -> web.Response:
    anomalie = faults.METHODE_REFUSEE(request.method[:20], attendu)
    return _plain(405, anomalie, correlation, Allow=allowed)
