"""The client that pushes distributions to the partners: a `dispatching.transport.Transport`.

The messages are those of our own WSDL, never of the partner's; aiohttp carries them over mutual TLS. The
acknowledgement counts only when it names this distribution and gives the digest of these very bytes: a
partner that received something else has not received it.

Threats bounded here: a partner that hangs (time), that answers without end (bytes), that sends us elsewhere
(redirects are not followed), that feeds the parser (the hardened one, then the schema of the contract).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final
from xml.sax.saxutils import escape

import aiohttp
from lxml import etree

from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Statut
from schemas import contract
from schemas.parser import ENVELOPE_LIMITS, parse
from soap.faults import NS_SOAP

OPERATION: Final = "recevoirDistribution"
MAX_REPONSE: Final = 64 * 1024
"""Bytes read of an answer: an acknowledgement takes 600; a fault of a verbose server some thousands."""
MAX_MOTIF: Final = 300
"""Characters kept of what a partner says in a fault."""

CONTENUS: Final = 32
"""Files kept as they are written in a message: the receivers of one event get the same, at about the same
time. Of 1 MB at most each."""


@dataclass(frozen=True, slots=True)
class Delais:
    """connexion: to open the connection, TLS included. total: for the whole exchange."""

    connexion: timedelta = timedelta(seconds=10)
    total: timedelta = timedelta(seconds=30)


class DistributionClient:
    """Pushes distributions. Lives on one event loop, between `start` and `stop` ([DST-15]).

    context: presents the certificate of the hub and checks that of the partner (certs.tls.client_context).

    Sendings at once to one address are each at a place, with its own pool of connections, and the first free
    place is taken: the connections of a burst are left alone afterwards, and closed. In one pool aiohttp
    takes the one that has been idle longest, so that none ever closes; each holds 69 KiB.
    """

    def __init__(self, context: ssl.SSLContext, *, delais: Delais | None = None) -> None:
        self._context = context
        self._delais = delais or Delais()
        self._messages = _Messages()
        self._started = False
        # By place; and the places in use, by address.
        self._sessions: list[aiohttp.ClientSession] = []
        self._busy: dict[str, set[int]] = {}

    async def start(self) -> None:
        """Be ready to send."""
        self._started = True

    def _open(self) -> aiohttp.ClientSession:
        delais = self._delais
        return aiohttp.ClientSession(
            # No limit here: the worker bounds the sendings to each guichet.
            connector=aiohttp.TCPConnector(ssl=self._context, limit=0, keepalive_timeout=15),
            timeout=aiohttp.ClientTimeout(
                total=delais.total.total_seconds(), connect=delais.connexion.total_seconds()
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"Accept-Encoding": "identity", "User-Agent": "echangeur"},
        )

    async def stop(self) -> None:
        """Close the connections."""
        self._started = False
        sessions, self._sessions = self._sessions, []
        for session in sessions:
            await session.close()

    async def send(self, envoi: Envoi) -> Accuse | Echec:
        """Send one distribution. Raises RuntimeError when not started, and nothing else ([DST-12])."""
        if not self._started:
            raise RuntimeError("le client des distributions n'est pas démarré")
        body = self._messages.write(envoi)
        try:
            with self._place(envoi.adresse) as session:
                try:
                    status, data = await self._post(session, envoi, body)
                except aiohttp.ServerDisconnectedError:
                    # Most often an idle connection that the partner closed as we took it: once more, on a new
                    # one. Harmless if it was not that: the identifier is the same.
                    status, data = await self._post(session, envoi, body)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return _failure_of(error, self._delais)
        if data is None:
            return Echec(GenreEchec.REPONSE_INVALIDE, f"réponse de plus de {MAX_REPONSE} octets")
        return self._messages.read(envoi, status, data)

    @contextmanager
    def _place(self, address: str) -> Iterator[aiohttp.ClientSession]:
        """The first place at that address where nothing is being sent."""
        busy = self._busy.setdefault(address, set())
        place = next(place for place in range(len(busy) + 1) if place not in busy)
        while len(self._sessions) <= place:
            self._sessions.append(self._open())
        busy.add(place)
        try:
            yield self._sessions[place]
        finally:
            busy.discard(place)
            if not busy:
                self._busy.pop(address, None)

    async def _post(
        self, session: aiohttp.ClientSession, envoi: Envoi, body: bytes
    ) -> tuple[int, bytes | None]:
        headers = {"Content-Type": self._messages.content_type}
        if envoi.traceparent:
            headers["traceparent"] = envoi.traceparent
        async with session.post(envoi.adresse, data=body, headers=headers, allow_redirects=False) as response:
            data = bytearray()
            async for chunk in response.content.iter_chunked(MAX_REPONSE):
                data += chunk
                if len(data) > MAX_REPONSE:
                    response.close()
                    return response.status, None
            return response.status, bytes(data)


@lru_cache(maxsize=CONTENUS)
def _written(contenu: bytes) -> tuple[bytes, str]:
    """The file in base64, and its SHA-256 in hexadecimal."""
    return base64.b64encode(contenu), hashlib.sha256(contenu).hexdigest()


class _Messages:
    """The two messages of the operation, as zeep writes and reads them from the WSDL: a test compares. zeep
    itself took a quarter of what a distribution costs."""

    def __init__(self) -> None:
        service = contract.RECEPTION_DISTRIBUTION
        (operation,) = (item for item in contract.operations(service) if item.name == OPERATION)
        self.content_type = f'application/soap+xml; charset=utf-8; action="{operation.action}"'
        self._response = f"{{{contract.NAMESPACE_SERVICES}}}{operation.response}"
        self._request = (
            f'<s:Envelope xmlns:s="{NS_SOAP}"><s:Body>'
            f'<ws:{operation.request} xmlns:ws="{contract.NAMESPACE_SERVICES}">'
            "<idDistribution>%b</idDistribution><sequence>%d</sequence>"
            "<nomFichierDemande>%b</nomFichierDemande><fichierDemande>%b</fichierDemande>"
            f"</ws:{operation.request}></s:Body></s:Envelope>"
        ).encode()

    def write(self, envoi: Envoi) -> bytes:
        """The envelope of a request, the file inline in base64."""
        contenu, _ = _written(envoi.contenu)
        nom = escape(envoi.nom_fichier).encode()
        return self._request % (str(envoi.id).encode(), envoi.sequence, nom, contenu)

    def read(self, envoi: Envoi, status: int, data: bytes) -> Accuse | Echec:
        """The acknowledgement, if it is one and of this distribution."""
        root = parse(data, ENVELOPE_LIMITS)
        if not isinstance(root, etree._Element):
            return _invalid(f"HTTP {status}, réponse qui n'est pas du XML SOAP")
        body = root.find(f"{{{NS_SOAP}}}Body")
        content = None if body is None or len(body) != 1 else body[0]
        if root.tag != f"{{{NS_SOAP}}}Envelope" or content is None:
            return _invalid(f"HTTP {status}, réponse qui n'est pas une enveloppe SOAP 1.2")
        if content.tag == f"{{{NS_SOAP}}}Fault":
            reason = content.findtext(f"{{{NS_SOAP}}}Reason/{{{NS_SOAP}}}Text") or "sans motif"
            return Echec(_genre_of(content), f"erreur SOAP : {' '.join(reason.split())[:MAX_MOTIF]}")
        if content.tag != self._response or not contract.message_schema(
            contract.RECEPTION_DISTRIBUTION
        ).validate(etree.ElementTree(content)):
            return _invalid(f"HTTP {status}, accusé non conforme au WSDL")
        if status != 200:
            return _invalid(f"accusé avec le statut HTTP {status} au lieu de 200")
        # The schema has said that there are these three, each once, without elements inside.
        identifiant, statut, empreinte = (each.text or "" for each in content)
        if identifiant != str(envoi.id):
            return _invalid("accusé d'une autre distribution")
        if empreinte != _written(envoi.contenu)[1]:
            return _invalid("empreinte d'un autre fichier : ce qui a été reçu n'est pas ce qui a été envoyé")
        return Accuse(Statut(statut))


def _genre_of(fault: etree._Element) -> GenreEchec:
    """Whose fault it is, by the code (SOAP 1.2 part 1, §5.4.6): Receiver says that the same message may pass
    later; whatever else is about this message."""
    value = fault.findtext(f"{{{NS_SOAP}}}Code/{{{NS_SOAP}}}Value") or ""
    return GenreEchec.PANNE if value.strip().rpartition(":")[2] == "Receiver" else GenreEchec.REFUS


def _invalid(detail: str) -> Echec:
    return Echec(GenreEchec.REPONSE_INVALIDE, detail)


def _failure_of(error: Exception, delais: Delais) -> Echec:
    """What went wrong, in French and in the terms of who has to act."""
    if isinstance(error, asyncio.TimeoutError):
        total = delais.total.total_seconds()
        return Echec(GenreEchec.DELAI, f"pas de réponse dans les délais ({total:g} s au plus)")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = error.certificate_error
        text = getattr(reason, "verify_message", "") or "certificat refusé"
        return Echec(GenreEchec.CERTIFICAT, f"le certificat du guichet n'est pas accepté : {text}")
    if isinstance(error, aiohttp.ClientSSLError) or isinstance(error.__cause__, ssl.SSLError):
        return Echec(
            GenreEchec.CERTIFICAT, "la connexion TLS a échoué : le guichet refuse notre certificat ?"
        )
    if isinstance(error, aiohttp.InvalidURL):
        return Echec(GenreEchec.INJOIGNABLE, "adresse de réception mal formée")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Echec(GenreEchec.INJOIGNABLE, f"nom d'hôte inconnu : {error.host}")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Echec(GenreEchec.INJOIGNABLE, f"connexion impossible à {error.host}:{error.port}")
    if isinstance(error, aiohttp.ClientResponseError):
        return _invalid("réponse qui n'est pas de l'HTTP")
    return Echec(GenreEchec.INJOIGNABLE, "connexion coupée avant la réponse")
