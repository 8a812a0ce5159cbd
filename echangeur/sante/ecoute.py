"""The administrative listener: `/vivant`, `/pret` and `/metriques`, apart from what partners reach.

In clear and without an account: on the loopback unless the configuration says otherwise, and nothing that it
says is nominative ([EXP-6]).
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import structlog
from aiohttp import web

from echangeur.lieux import PROCESSUS
from echangeur.sante.etat import Sante

_log = structlog.get_logger("echangeur")

_JSON: Final = "application/json"


def create_administration(sante: Sante, mesurer: Callable[[], bytes]) -> web.Application:
    """The application. mesurer: the figures, in the text format of Prometheus; called in a thread."""
    app = web.Application()

    async def alive(_: web.Request) -> web.Response:
        """The event loop answers: nothing else is proved, so that a database that is down has no process
        killed for it."""
        return web.Response(text="vivant\n")

    async def ready(_: web.Request) -> web.Response:
        etat = await sante.read()
        body = msgspec.json.encode(etat)
        return web.Response(status=200 if etat.pret else 503, body=body, content_type=_JSON)

    async def figures(request: web.Request) -> web.Response:
        body = await request.loop.run_in_executor(None, mesurer)
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app.router.add_get("/vivant", alive)
    app.router.add_get("/pret", ready)
    app.router.add_get("/metriques", figures)
    return app


@contextlib.contextmanager
def announced(instance: Path, sock: socket.socket, roles: tuple[str, ...]) -> Iterator[str]:
    """While it lasts, a file of the instance tells where this process can be asked (`echangeur sante`)."""
    hote, port = sock.getsockname()[:2]
    file = instance / PROCESSUS / f"{os.getpid()}.json"
    adresse = f"http://[{hote}]:{port}" if ":" in hote else f"http://{hote}:{port}"
    try:
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"pid": os.getpid(), "adresse": adresse, "roles": roles}))
    except OSError as error:
        # A folder that may not be written: the address is in the log all the same.
        _log.warning("processus non annoncé", erreur=type(error).__name__, adresse=adresse)
    try:
        yield adresse
    finally:
        with contextlib.suppress(OSError):
            file.unlink()
