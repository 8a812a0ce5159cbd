"""Broken partners: those that look at certificates badly, on either side of the connection."""

from __future__ import annotations

import socket
import ssl
import warnings
from typing import Any, ClassVar

from aiohttp import web

from certs.tls import NO_CHECK_TIME
from conformance import partenaire_reference
from conformance.client_reference import ClientReference
from conformance.partenaire_reference import PartenaireReference
from tests.conformance.variantes_partenaire import Variante


def _old(contexte: ssl.SSLContext) -> None:
    """TLS 1.0 at least."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        contexte.minimum_version = ssl.TLSVersion.TLSv1
    contexte.set_ciphers("DEFAULT:@SECLEVEL=0")


class Client(ClientReference):
    """Weakens its context before it calls."""

    def __init__(self, adresse: str, contexte: ssl.SSLContext, **kw: Any) -> None:
        self.weaken(contexte)
        super().__init__(adresse, contexte, **kw)

    def weaken(self, contexte: ssl.SSLContext) -> None: ...


class SansDates(Client):
    def weaken(self, contexte: ssl.SSLContext) -> None:
        contexte.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)


class SansNom(Client):
    def weaken(self, contexte: ssl.SSLContext) -> None:
        contexte.check_hostname = False


class SansForce(Client):
    def weaken(self, contexte: ssl.SSLContext) -> None:
        contexte.set_ciphers("DEFAULT:@SECLEVEL=0")


class VieuxTls(Client):
    def weaken(self, contexte: ssl.SSLContext) -> None:
        _old(contexte)


class EpingleLeServeur(ClientReference):
    """Speaks only to the first certificate that it met."""

    connu: ClassVar[bytes] = b""

    def post(self, operation: str, body: bytes) -> bytes:
        with (
            socket.create_connection((self._host, self._port), timeout=30) as raw,
            self._contexte.wrap_socket(raw, server_hostname=self._host) as tls,
        ):
            met = tls.getpeercert(binary_form=True) or b""
        type(self).connu = type(self).connu or met
        if met != type(self).connu:
            raise OSError("ce n'est pas le serveur connu")
        return super().post(operation, body)


class Service(PartenaireReference):
    """Weakens its context before it listens."""

    def __init__(self, context: ssl.SSLContext, **kw: Any) -> None:
        super().__init__(context, **kw)
        self.weaken(context)

    def weaken(self, contexte: ssl.SSLContext) -> None: ...


class ServiceSansDates(Service):
    def weaken(self, contexte: ssl.SSLContext) -> None:
        contexte.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)


class ServiceSansForce(Service):
    def weaken(self, contexte: ssl.SSLContext) -> None:
        contexte.set_ciphers("DEFAULT:@SECLEVEL=0")


class ServiceVieuxTls(Service):
    def weaken(self, contexte: ssl.SSLContext) -> None:
        _old(contexte)


class ServiceSansVerifier(Service):
    def weaken(self, contexte: ssl.SSLContext) -> None:
        contexte.verify_mode = ssl.CERT_NONE


class EpingleLEchangeur(PartenaireReference):
    """Listens only to the first certificate that called it."""

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        met = partenaire_reference._empreinte_of(request)
        self._echangeurs = self._echangeurs or frozenset({met})
        return await super()._receive(request)


VARIANTES = [
    Variante("le client ne regarde pas les dates du serveur", "C0104", client=SansDates, aussi=("C1001",)),
    Variante("le client ne compare pas le nom du serveur", "C1002", client=SansNom),
    Variante("le client admet une clé faible", "C1005", client=SansForce),
    Variante("le client parle TLS 1.1", "C1007", client=VieuxTls, aussi=("C1005",)),
    Variante("le client ne connaît que le certificat du jour", "C1008", client=EpingleLeServeur),
    Variante(
        "le service ne regarde pas les dates de l'appelant", "C1009", ServiceSansDates, aussi=("C1010",)
    ),
    Variante("le service ne connaît que le certificat du jour", "C1016", EpingleLEchangeur),
    Variante("le service admet une clé faible", "C1013", ServiceSansForce),
    Variante("le service parle TLS 1.1", "C1015", ServiceVieuxTls, aussi=("C1013",)),
    Variante(
        "le service ne vérifie aucun certificat",
        "C0706",
        ServiceSansVerifier,
        aussi=("C0705", "C1009", "C1010", "C1011", "C1012", "C1014"),
        consequences=("C1013",),
    ),
]
