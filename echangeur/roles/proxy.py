"""Behind a proxy of connections: who calls, as the proxy says it before the first octet of TLS.

The PROXY protocol, version 2 (haproxy, `doc/proxy-protocol.txt` §2.2): a signature, a command, a family, a
length, then the two addresses. It is believed from the addresses that the configuration gives, which must
send it; from any other, a connection is taken as it is, so that nobody gives himself another address.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import structlog
from aiohttp import web

from echangeur.sortie import MauvaisUsage

_log = structlog.get_logger("echangeur")

Reseau = IPv4Network | IPv6Network
Adresse = tuple[str, int]

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
ENTETE: Final = len(SIGNATURE) + 4
"""Octets before the addresses: signature, version and command, family, length of what follows."""

ANNONCE_MAX: Final = 536
"""Octets after them; the standard asks for 216 of addresses at most, the rest is what haproxy may add."""

DELAI: Final = 5.0
"""Seconds left to a proxy to say who calls: it does so at once."""

_FAMILLES: Final = {0x11: ("4s", IPv4Address), 0x21: ("16s", IPv6Address)}
"""TCP over IPv4 and over IPv6: the form of an address, and how it is read."""


class AnnonceIllisible(ValueError):
    """What a proxy sent is no announce of version 2. The message is for our log."""


def read_networks(adresses: Iterable[str]) -> tuple[Reseau, ...]:
    """Addresses and networks as the configuration writes them. Raises MauvaisUsage."""
    try:
        return tuple(ip_network(each) for each in adresses)
    except ValueError as error:
        raise MauvaisUsage(
            f"mandataires : {error}", "Écrivez des adresses ou des réseaux, 192.0.2.7 ou 192.0.2.0/24."
        ) from None


def length_of(entete: bytes) -> int:
    """Octets that follow a header. Pure. Raises AnnonceIllisible."""
    if not entete.startswith(SIGNATURE) or entete[12] >> 4 != 2:
        raise AnnonceIllisible("ce n'est pas le protocole PROXY, version 2")
    (longueur,) = struct.unpack_from("!H", entete, 14)
    if longueur > ANNONCE_MAX:
        raise AnnonceIllisible(f"annonce de {longueur} octets")
    return int(longueur)


def source_of(entete: bytes, suite: bytes) -> Adresse | None:
    """Who calls: None when the proxy calls for itself (command LOCAL), or does not know. Pure.

    Raises AnnonceIllisible."""
    if entete[12] & 0x0F == 0:
        return None
    if entete[12] & 0x0F != 1:
        raise AnnonceIllisible(f"commande {entete[12] & 0x0F}")
    if entete[13] not in _FAMILLES:
        return None
    forme, lire = _FAMILLES[entete[13]]
    try:
        source, _, port, _ = struct.unpack_from(f"!{forme}{forme}HH", suite)
    except struct.error:
        raise AnnonceIllisible(f"adresses de {len(suite)} octets") from None
    return str(lire(source)), port


class _Annoncee(socket.socket):
    """A connection whose far end is the one that was announced: all that asks for the peer is told that."""

    source: Adresse

    def getpeername(self) -> Adresse:
        return self.source


class SiteMandatee(web.BaseSite):
    """Serves a runner on a socket whose connections may come through these proxies."""

    def __init__(
        self,
        runner: web.AppRunner,
        sock: socket.socket,
        mandataires: tuple[Reseau, ...],
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        super().__init__(runner, ssl_context=ssl_context)
        self._app_runner = runner
        self._sock = sock
        self._mandataires = mandataires
        self._accepting: asyncio.Task[None] | None = None
        self._opening: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        return str(self._sock.getsockname())

    async def start(self) -> None:
        """Accept connections."""
        await super().start()
        self._accepting = asyncio.create_task(self._accept(), name="connexions")

    async def stop(self) -> None:
        """Accept no more. What was accepted and is not open yet goes on opening."""
        if self._accepting is not None:
            self._accepting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._accepting
            self._sock.close()
        await super().stop()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                conn, peer = await loop.sock_accept(self._sock)
            except OSError as error:
                # No descriptor left, or gone before it was taken: the queue of the kernel waits meanwhile.
                _log.warning("connexion non acceptée", erreur=type(error).__name__)
                await asyncio.sleep(1)
                continue
            task = asyncio.create_task(self._open(conn, str(peer[0])))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, conn: socket.socket, peer: str) -> None:
        loop = asyncio.get_running_loop()
        server = self._app_runner.server
        assert server is not None, "le runner est préparé"
        try:
            if _is_in(peer, self._mandataires):
                async with asyncio.timeout(DELAI):
                    conn = await _announced(conn)
            await loop.connect_accepted_socket(server, conn, ssl=self._ssl_context)
        except (AnnonceIllisible, TimeoutError) as error:
            _log.warning("annonce du mandataire refusée", mandataire=peer, raison=str(error) or "muet")
            conn.close()
        except OSError:
            # A handshake that fails is the affair of who calls, as on any other listener.
            conn.close()


def _is_in(peer: str, reseaux: Iterable[Reseau]) -> bool:
    adresse = ip_address(peer)
    # A socket of both families tells an IPv4 peer in this form.
    proche = getattr(adresse, "ipv4_mapped", None) or adresse
    return any(proche in reseau for reseau in reseaux)


async def _announced(conn: socket.socket) -> socket.socket:
    """The same connection, from whom the proxy says. Raises AnnonceIllisible and OSError."""
    entete = await _read_exactly(conn, ENTETE)
    source = source_of(entete, await _read_exactly(conn, length_of(entete)))
    if source is None:
        return conn
    annoncee = _Annoncee(conn.family, conn.type, conn.proto, fileno=conn.detach())
    annoncee.setblocking(False)
    annoncee.source = source
    return annoncee


async def _read_exactly(conn: socket.socket, taille: int) -> bytes:
    """Not an octet more: what follows is of TLS."""
    loop, lus = asyncio.get_running_loop(), b""
    while len(lus) < taille:
        morceau = await loop.sock_recv(conn, taille - len(lus))
        if not morceau:
            raise AnnonceIllisible("coupée")
        lus += morceau
    return lus
