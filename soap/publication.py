"""The specification, the schemas and the services, published without a certificate ([SOA-40] to [SOA-42])."""

from __future__ import annotations

import asyncio
import sys
from typing import Final

from aiohttp import web

from schemas.specification.page import POLITIQUE
from schemas.specification.site import HTML, RACINE, Publie, Site
from soap.connexions import SERVEUR

ROUTE: Final = "/specification{suite:(?:/.*)?}"
"""All that is answered here."""

_ENTETES: Final = {
    "Server": SERVEUR,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # The next edition has another address, but this text may still be corrected: it is asked about each time.
    "Cache-Control": "public, no-cache",
}


class Publication:
    """Answers the published files, and nothing else."""

    def __init__(self) -> None:
        self._site = Site()
        # Threat: a thread, or a process, for each of those who ask for a file while it is being made.
        self._turn = asyncio.Lock()

    async def find(self, chemin: str, base: str) -> Publie | None:
        """The file at an address below `RACINE`; made in a thread when it is asked for the first time, or in
        a process of its own. Raises RuntimeError when that one fails."""
        if chemin not in self._site.chemins:
            return None
        async with self._turn:
            if self._site.is_heavy(chemin):
                return self._site.keep(chemin, await _make_apart(chemin))
            return await asyncio.to_thread(self._site.find, chemin, base)

    async def serve(self, request: web.Request, base: str) -> web.StreamResponse | None:
        """Answer a GET or a HEAD, or None when nothing is published at that address."""
        if request.path == RACINE.rstrip("/"):
            return web.Response(status=308, headers={**_ENTETES, "Location": RACINE})
        found = await self.find(request.path.removeprefix(RACINE), base)
        if found is None:
            return None
        headers = {**_ENTETES, "ETag": found.etag, "Content-Type": found.type_mime}
        if found.type_mime == HTML:
            headers["Content-Security-Policy"] = POLITIQUE
        if _is_known(request.headers.get("If-None-Match", ""), found.etag):
            del headers["Content-Type"]
            return web.Response(status=304, headers=headers)
        answer = web.Response(body=found.octets, headers=headers)
        if found.type_mime == HTML:
            answer.enable_compression()
            answer.headers["Vary"] = "Accept-Encoding"
        return answer


async def _make_apart(chemin: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemas.specification", chemin), stdout=asyncio.subprocess.PIPE
    )
    octets, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"la spécification ne peut être écrite : code {process.returncode}")
    return octets


def _is_known(given: str, etag: str) -> bool:
    """RFC 9110 §13.1.2: the comparison is weak, for what was compressed on its way."""
    known = {each.strip().removeprefix("W/") for each in given.split(",")}
    return etag in known or given.strip() == "*"
