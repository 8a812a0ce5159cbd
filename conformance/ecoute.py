"""A listener over mutual TLS that keeps every call and answers as it is told to: what a kit listens with."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from conformance.boucle import Boucle


@dataclass(frozen=True, slots=True)
class Appel:
    """One request. entetes: names in lower case. empreinte: SHA-256 of the client certificate, or empty."""

    methode: str
    chemin: str
    requete: str
    entetes: Mapping[str, str]
    corps: bytes
    empreinte: str
    tls: str


@dataclass(frozen=True, slots=True)
class Reaction:
    """An answer. couper: close the connection without a word; attente: seconds before anything."""

    statut: int = 200
    corps: bytes = b""
    entetes: Mapping[str, str] = field(default_factory=dict)
    couper: bool = False
    attente: float = 0.0


class Ecoute:
    """Listens between `start` and `stop`. repond: called on the thread of the listener, one call at
    a time. port: any free one if 0."""

    def __init__(
        self,
        contexte: ssl.SSLContext,
        repond: Callable[[Appel], Reaction],
        hote: str = "localhost",
        port: int = 0,
    ) -> None:
        self._contexte = contexte
        self._repond = repond
        self._hote = hote
        self._port = port
        self._boucle = Boucle("ecoute")
        self._changed = threading.Condition()
        self._runner: web.AppRunner | None = None
        self.appels: list[Appel] = []
        self.adresse = ""

    def start(self) -> None:
        """Listen; `adresse` is then the base address. Raises OSError when the port is taken."""
        self._boucle.start()
        self._boucle.run(self._start())

    async def _start(self) -> None:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{chemin:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._hote, self._port, ssl_context=self._contexte).start()
        self.adresse = f"https://{self._hote}:{self._runner.addresses[0][1]}"

    def stop(self) -> None:
        """Stop listening."""
        runner, self._runner = self._runner, None
        self._boucle.stop(*(() if runner is None else (runner.cleanup(),)))

    def wait(self, fact: Callable[[], bool], delai: float) -> bool:
        """Wait until the calls received make `fact` true; False when they have not in `delai` seconds."""
        with self._changed:
            return self._changed.wait_for(fact, delai)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        tls = request.transport.get_extra_info("ssl_object") if request.transport is not None else None
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        call = Appel(
            request.method,
            request.path,
            request.query_string,
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
            hashlib.sha256(der).hexdigest() if der else "",
            tls.version() or "" if tls is not None else "",
        )
        reaction = self._repond(call)
        with self._changed:
            self.appels.append(call)
            self._changed.notify_all()
        if reaction.attente:
            await asyncio.sleep(reaction.attente)
        if reaction.couper and request.transport is not None:
            request.transport.abort()
        return web.Response(
            status=reaction.statut, body=reaction.corps, headers={"Connection": "close", **reaction.entetes}
        )
