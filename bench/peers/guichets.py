"""Endpoints of guichets that cost little: ``python -m bench.peers.guichets DOSSIER`` prints their ports.

DOSSIER holds cert.pem, key.pem and ca.pem. Three endpoints: `normal` acknowledges after 20 ms, `lent` after
9 s, `muet` accepts and never answers. They check nothing: what they measure is not them.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import ssl
import sys
from pathlib import Path
from typing import Final

from aiohttp import web

from certs.tls import server_context
from schemas import contract

REPONSES: Final = {"normal": 0.02, "lent": 9.0, "muet": None}
"""Seconds before the answer; None: never."""

_ID: Final = re.compile(rb"<(?:\w+:)?idDistribution>([^<]+)<")
_FICHIER: Final = re.compile(rb"<(?:\w+:)?fichierDemande[^>]*>([^<]+)<")


async def _receive(request: web.Request, delai: float | None) -> web.Response:
    data = await request.read()
    if delai is None:
        await asyncio.Event().wait()
    identifiant, fichier = _ID.search(data), _FICHIER.search(data)
    assert identifiant is not None
    assert fichier is not None
    empreinte = hashlib.sha256(base64.b64decode(fichier[1])).hexdigest()
    await asyncio.sleep(delai or 0)
    body = (
        '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>'
        f'<ws:distributionReponse xmlns:ws="{contract.NAMESPACE_SERVICES}">'
        f"<idDistribution>{identifiant[1].decode()}</idDistribution><statut>RECU</statut>"
        f"<empreinte>{empreinte}</empreinte></ws:distributionReponse></e:Body></e:Envelope>"
    )
    return web.Response(body=body.encode(), content_type="application/soap+xml", charset="utf-8")


async def _serve(context: ssl.SSLContext, delai: float | None) -> int:
    async def receive(request: web.Request) -> web.Response:
        return await _receive(request, delai)

    app = web.Application(client_max_size=8 << 20)
    app.router.add_post("/", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context, backlog=4096).start()
    port: int = runner.addresses[0][1]
    return port


async def main(folder: Path) -> None:
    context = server_context(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
    ports = {nom: await _serve(context, delai) for nom, delai in REPONSES.items()}
    print(json.dumps(ports), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
