"""Trying the reception endpoint of a partner without sending it anything: name, connection, TLS, service.

The address is the one that its guichet declared, and it goes nowhere else: no redirection is followed, the
name is resolved once, and what the server answers is neither kept nor shown, but its HTTP status. Addresses
of this machine and of its link are refused unless the operator allows them: a form must not be a way to knock
at what listens behind our own doors (OWASP, server-side request forgery).
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

DELAI: Final = 10.0
"""Seconds for each step; a partner that takes longer would make distributions wait as long."""

_TETE_MAX: Final = 4_096
_STATUT: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r]")

ADRESSE, CONNEXION, TLS, SERVICE = "adresse", "connexion", "tls", "service"
ETAPES: Final = (ADRESSE, CONNEXION, TLS, SERVICE)
"""What is tried, in order; a failure ends the trial."""


@dataclass(frozen=True, slots=True)
class Constatee:
    """What was found of one step. detail: French."""

    etape: str
    reussie: bool
    detail: str


class _Echec(Exception):
    """A step failed; the message is French."""


async def try_reception(
    adresse: str, context: Callable[[], ssl.SSLContext], *, locales: bool = False, delai: float = DELAI
) -> tuple[Constatee, ...]:
    """Try the reception endpoint of a guichet (https URL), up to the first failure.

    context: makes the TLS context that presents the certificate of the hub. locales: addresses of this
    machine may be tried. delai: seconds for each step.
    """
    found: list[Constatee] = []
    writer: asyncio.StreamWriter | None = None
    etape = ADRESSE
    try:
        parts = urlsplit(adresse)
        hote, port = parts.hostname or "", parts.port or 443
        async with asyncio.timeout(delai):
            addresses = await _resolve(hote, port, locales=locales)
        found.append(Constatee(etape, True, f"{hote} est connu"))
        etape = CONNEXION
        async with asyncio.timeout(delai):
            reader, writer = await _connect(addresses)
        found.append(Constatee(etape, True, f"le port {port} répond"))
        etape = TLS
        async with asyncio.timeout(delai):
            await writer.start_tls(context(), server_hostname=hote)
        found.append(Constatee(etape, True, _told(writer)))
        etape = SERVICE
        async with asyncio.timeout(delai):
            statut = await _ask(reader, writer, parts.path or "/", hote, port)
        found.append(_judge(statut))
    except _Echec as echec:
        found.append(Constatee(etape, False, str(echec)))
    except TimeoutError:
        found.append(Constatee(etape, False, f"pas de réponse en {delai:g} s"))
    except ssl.SSLError as error:
        found.append(Constatee(etape, False, _ssl_words(error)))
    except OSError as error:
        found.append(Constatee(etape, False, _os_words(error)))
    finally:
        if writer is not None:
            writer.transport.abort()
    return tuple(found)


async def _resolve(hote: str, port: int, *, locales: bool) -> list[tuple[str, int]]:
    try:
        infos = await asyncio.get_running_loop().getaddrinfo(hote, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise _Echec(f"le nom {hote} n'est pas connu du DNS") from None
    addresses = list(dict.fromkeys((str(info[4][0]), port) for info in infos))
    if not locales and not all(is_elsewhere(address) for address, _ in addresses):
        raise _Echec("cette adresse désigne la machine de l'échangeur ou son réseau immédiat : refusée")
    return addresses


def is_elsewhere(address: str) -> bool:
    """Whether an IP address is that of another machine: neither loopback, nor of the link, nor of a group."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None) or ip
    return not (
        mapped.is_loopback
        or mapped.is_link_local
        or mapped.is_multicast
        or mapped.is_unspecified
        or mapped.is_reserved
    )


async def _connect(
    addresses: Sequence[tuple[str, int]],
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To the first that answers. Raises the error of the last one otherwise."""
    for rank, (address, port) in enumerate(addresses, 1):
        try:
            return await asyncio.open_connection(address, port, limit=_TETE_MAX)
        except OSError:
            if rank == len(addresses):
                raise
    raise _Echec("le nom n'a aucune adresse")


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chemin: str, hote: str, port: int
) -> int:
    """The HTTP status of a reading of its WSDL: a request without effect."""
    name = f"[{hote}]" if ":" in hote else hote
    head = f"GET {chemin}?wsdl HTTP/1.1\r\nHost: {name}:{port}\r\nUser-Agent: echangeur\r\n"
    writer.write(f"{head}Accept: */*\r\nConnection: close\r\n\r\n".encode("ascii", "replace"))
    await writer.drain()
    line = await reader.read(_TETE_MAX)
    # In TLS 1.3, whoever refuses our certificate says so only now.
    if not line:
        raise _Echec("le serveur ferme la connexion sans répondre : a-t-il enregistré notre certificat ?")
    found = _STATUT.match(line)
    if found is None:
        raise _Echec("ce qui répond n'est pas un service HTTP")
    return int(found[1])


def _judge(statut: int) -> Constatee:
    """What an HTTP status says of the endpoint. Pure."""
    if statut in (401, 403):
        return Constatee(SERVICE, False, f"HTTP {statut} : le serveur n'admet pas notre certificat")
    if statut == 404:
        return Constatee(SERVICE, False, "HTTP 404 : rien n'est servi à ce chemin")
    if 300 <= statut < 400:
        return Constatee(SERVICE, False, f"HTTP {statut} : renvoie ailleurs, ce qui n'est pas suivi")
    if statut in (502, 503, 504):
        return Constatee(SERVICE, False, f"HTTP {statut} : le service est arrêté derrière son serveur")
    # A SOAP service without a WSDL to read answers 400, 405, 415 or 500: it is there all the same.
    return Constatee(SERVICE, True, f"le service répond (HTTP {statut})")


def _told(writer: asyncio.StreamWriter) -> str:
    tls = writer.get_extra_info("ssl_object")
    certificate = tls.getpeercert() or {}
    end = certificate.get("notAfter")
    until = ""
    if isinstance(end, str):
        last = datetime.fromtimestamp(ssl.cert_time_to_seconds(end), UTC)
        until = f", certificat valide jusqu'au {last:%d/%m/%Y}"
    return f"{tls.version()}{until}"


_VERIFICATION: Final = {
    10: "le certificat du serveur a expiré",
    18: "le certificat du serveur s'est signé lui-même : l'exploitant n'en connaît pas l'autorité",
    19: "l'autorité du certificat du serveur n'est pas de celles que l'exploitant connaît",
    20: "l'autorité du certificat du serveur n'est pas de celles que l'exploitant connaît",
    21: "l'autorité du certificat du serveur n'est pas de celles que l'exploitant connaît",
    23: "le certificat du serveur est révoqué",
    62: "le certificat du serveur n'est pas à ce nom",
    64: "le certificat du serveur n'est pas à cette adresse",
}
"""By X509_V_ERR of OpenSSL (x509_vfy.h)."""


def _ssl_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFICATION.get(error.verify_code, "le certificat du serveur n'est pas acceptable")
    reason = error.reason or ""
    if "ALERT" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason or "HANDSHAKE" in reason):
        return "le serveur refuse notre certificat : l'a-t-il enregistré ?"
    if "WRONG_VERSION" in reason or "UNSUPPORTED_PROTOCOL" in reason:
        return "le serveur ne parle pas TLS 1.2 ou plus"
    return "la poignée de main TLS échoue"


def _os_words(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connexion refusée : rien n'écoute sur ce port"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "le serveur coupe la connexion"
    return "le serveur n'est pas joignable"
