"""One HTTPS exchange, byte by byte: what a partner sends, what comes back, or why nothing did.

Not a library of HTTP: the kit must be able to send what such a library refuses to send, and to see what it
would hide (a redirection, a compressed body, the version of TLS).
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from conformance.assertion import Empeche


@dataclass(frozen=True, slots=True)
class Reponse:
    """statut: 0 when nothing came, `coupure` then says why. entetes: names in lower case. tls: version."""

    statut: int
    entetes: Mapping[str, str] = field(default_factory=dict)
    corps: bytes = b""
    coupure: str = ""
    tls: str = ""

    @property
    def resume(self) -> str:
        """What a person is told of it."""
        return f"HTTP {self.statut}" if self.statut else f"aucune réponse ({self.coupure})"


@dataclass(frozen=True, slots=True)
class Poste:
    """Where calls start from: a TLS context (its certificate, or none) and the address of the target.

    adresse: ``https://hôte:port``. delai: seconds for each wait.
    """

    adresse: str
    contexte: ssl.SSLContext
    delai: float = 30.0

    @property
    def hote(self) -> str:
        """``hôte:port``, as the Host field wants it."""
        return urlsplit(self.adresse).netloc

    def post(self, chemin: str, corps: bytes, entetes: Mapping[str, str]) -> Reponse:
        """POST with Content-Length, and these fields."""
        return self.request("POST", chemin, corps, {"Content-Length": str(len(corps)), **entetes})

    def get(self, chemin: str) -> Reponse:
        """GET."""
        return self.request("GET", chemin, b"", {})

    def request(self, methode: str, chemin: str, corps: bytes, entetes: Mapping[str, str]) -> Reponse:
        """Any method; the fields are sent as they are."""
        lines = {"Host": self.hote, "Connection": "close", **entetes}
        head = f"{methode} {chemin} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items())
        return self.send(head.encode("latin-1") + b"\r\n" + corps, methode)

    def send(self, octets: bytes, methode: str = "POST", *, couper: bool = False) -> Reponse:
        """These bytes on a new connection. couper: close without reading what comes."""
        parts = urlsplit(self.adresse)
        hote, port = parts.hostname or "localhost", parts.port or 443
        try:
            with (
                socket.create_connection((hote, port), timeout=self.delai) as raw,
                self.contexte.wrap_socket(raw, server_hostname=hote) as tls,
            ):
                try:
                    tls.sendall(octets)
                except OSError as error:
                    # Whoever refuses without reading may close while it is still being written
                    # to: its answer, if it made one, is there to be read.
                    if isinstance(error, TimeoutError):
                        raise
                if couper:
                    return Reponse(0, coupure="coupée par le kit", tls=tls.version() or "")
                return _read(tls, methode)
        except TimeoutError:
            return Reponse(0, coupure=f"rien en {self.delai:g} s")
        except ssl.SSLError as error:
            return Reponse(0, coupure=f"TLS : {error.reason or error}")
        except (OSError, http.client.HTTPException) as error:
            return Reponse(0, coupure=f"{type(error).__name__} : {error}")


def _read(tls: ssl.SSLSocket, methode: str) -> Reponse:
    answer = http.client.HTTPResponse(tls, method=methode)
    answer.begin()
    body = answer.read()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return Reponse(answer.status, headers, body, tls=tls.version() or "")


def read_certificate(poste: Poste) -> bytes:
    """The certificate that a server presents, in DER, whatever it is worth. Raises Empeche when there is no
    handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    parts = urlsplit(poste.adresse)
    hote, port = parts.hostname or "localhost", parts.port or 443
    try:
        with (
            socket.create_connection((hote, port), timeout=poste.delai) as raw,
            context.wrap_socket(raw, server_hostname=hote) as tls,
        ):
            return tls.getpeercert(binary_form=True) or b""
    except OSError as error:
        raise Empeche(f"aucune poignée de main : {error}") from None
