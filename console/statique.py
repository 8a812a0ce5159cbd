"""The style sheets, scripts and fonts: all ours, under names that change with their content.

A browser asks for each once and keeps it a year. They are read and compressed once in a process, when its
first console starts.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from aiohttp import web

PREFIXE: Final = "/statique/"
_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "woff2": "font/woff2",
    "svg": "image/svg+xml",
    "json": "application/json",
}
_CACHE: Final = "public, max-age=31536000, immutable"
_URL: Final = re.compile(rb"url\(([A-Za-z0-9_-]+\.woff2)\)")


@dataclass(frozen=True, slots=True)
class _Fichier:
    type_mime: str
    octets: bytes
    comprimes: bytes | None


class Statique:
    """The files of console/static."""

    def __init__(self) -> None:
        """Read them all; some 0.1 s."""
        self._noms: dict[str, str] = {}
        self._fichiers: dict[str, _Fichier] = {}
        found = [
            each
            for each in files("console").joinpath("static").iterdir()
            if each.name.rpartition(".")[2] in _TYPES
        ]
        # Style sheets last: they name the fonts.
        for each in sorted(found, key=lambda file: (file.name.endswith(".css"), file.name)):
            self._add(each.name, each.read_bytes())

    def url(self, nom: str) -> str:
        """The address of a file of console/static. Raises KeyError for an unknown one."""
        return PREFIXE + self._noms[nom]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a file by its hashed name. Raises HTTPNotFound."""
        file = self._fichiers.get(request.match_info["nom"])
        if file is None:
            raise web.HTTPNotFound
        headers = {"Content-Type": file.type_mime, "Cache-Control": _CACHE}
        if file.comprimes is not None:
            headers["Vary"] = "Accept-Encoding"
            if "gzip" in request.headers.get("Accept-Encoding", ""):
                headers["Content-Encoding"] = "gzip"
                return web.Response(body=file.comprimes, headers=headers)
        return web.Response(body=file.octets, headers=headers)

    def _add(self, nom: str, octets: bytes) -> None:
        stem, _, suffix = nom.rpartition(".")
        if suffix == "css":
            octets = _URL.sub(lambda found: b"url(%s)" % self._noms[found[1].decode()].encode(), octets)
        hashed = f"{stem}.{hashlib.sha256(octets).hexdigest()[:16]}.{suffix}"
        compressed = None if suffix == "woff2" else gzip.compress(octets, 9, mtime=0)
        self._noms[nom] = hashed
        self._fichiers[hashed] = _Fichier(_TYPES[suffix], octets, compressed)


@cache
def load_statique() -> Statique:
    """The files of console/static, read once in a process."""
    return Statique()
