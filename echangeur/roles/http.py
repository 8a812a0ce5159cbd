"""A listening application: started on a socket, drained within a bound, its TLS replaced while it serves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

from aiohttp import web

from echangeur.roles.proxy import Reseau, SiteMandatee


class Ecouteur:
    """Serves a runner on a socket that was bound before. delai: seconds left to the requests in progress.
    mandataires: the proxies that say who calls."""

    def __init__(
        self,
        runner: web.AppRunner,
        sock: socket.socket,
        delai: float,
        mandataires: tuple[Reseau, ...] = (),
    ) -> None:
        self._runner = runner
        self._sock = sock
        self._delai = delai
        self._mandataires = mandataires
        self._site: web.BaseSite | None = None
        self.adresse = _loopback(sock)

    async def start(self, context: ssl.SSLContext | None) -> None:
        """Accept connections. context: None in clear."""
        await self._runner.setup()
        self._site = await self._listen(context)

    async def replace(self, context: ssl.SSLContext) -> None:
        """Open the next connections with `context`. Those that are open go on with the former, and nobody is
        refused meanwhile: the queue of the socket is that of its copies."""
        before, self._sock = self._site, self._sock.dup()
        self._site = await self._listen(context)
        if before is not None:
            await before.stop()

    async def drain(self) -> None:
        """Accept no more, and let the requests in progress end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._delai):
                await self._runner.cleanup()

    async def _listen(self, context: ssl.SSLContext | None) -> web.BaseSite:
        # A site closes its socket when it stops.
        site: web.BaseSite = (
            SiteMandatee(self._runner, self._sock, self._mandataires, context)
            if self._mandataires
            else web.SockSite(self._runner, self._sock, ssl_context=context)
        )
        await site.start()
        return site


def _loopback(sock: socket.socket) -> str:
    """The https address by which this very process reaches itself."""
    hote, port = sock.getsockname()[:2]
    hote = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(hote, hote)  # noqa: S104 - compared, not bound
    return f"https://[{hote}]:{port}" if ":" in hote else f"https://{hote}:{port}"
