"""Thousands of guichets that receive, in one process: ``python -m bench.partenaires_simules PLAN DOSSIER``.

PLAN is a JSON file, ``{code: [conduite, médiane]}``. Each guichet listens on a port of its own, so that the
hub opens to each its own TLS connections, as to as many hosts. Prints ``{code: port}`` in JSON when all
listen, and serves until its standard input ends; it then prints what each was asked, in JSON.

It answers what the contract asks (identifier and SHA-256 of the file), without validating what it receives:
it shares the machine with what is measured and must cost little. Its delays are drawn, log-normal around the
median (seconds), as those of real services are.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import math
import random
import re
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from certs.tls import bound_buffers, server_context
from schemas.contract import NAMESPACE_SERVICES

GRAINE: Final = 20261129
ECHECS: Final = 0.01
"""Share of the calls that a guichet `capricieux` answers with a fault."""
_ECART: Final = 0.5
"""Standard deviation of the logarithm of a delay: one in a hundred is more than three times the median."""
_ID: Final = re.compile(rb"idDistribution>([^<]+)<")
_FICHIER: Final = re.compile(rb"<fichierDemande[^>]*>([^<]+)<")
_LONGUEUR: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"


class Conduite(StrEnum):
    """How a guichet behaves."""

    RAPIDE = "rapide"
    LENT = "lent"
    CAPRICIEUX = "capricieux"
    """Quick, but one call in a hundred gets a fault."""
    FIGE = "figé"
    """Accepts everything and never answers."""
    ETEINT = "éteint"
    """Nobody listens."""


@dataclass
class Guichet:
    """One of them, and what it was asked."""

    conduite: Conduite
    mediane: float
    recues: int = 0
    distinctes: int = 0
    connexions: int = 0


class Service(asyncio.Protocol):
    """One connection to one guichet: requests one after the other, as the hub sends them."""

    def __init__(self, guichet: Guichet, rng: random.Random, connues: set[bytes]) -> None:
        self._guichet = guichet
        self._rng = rng
        self._connues = connues
        self._data = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._guichet.connexions += 1

    def data_received(self, data: bytes) -> None:
        self._data += data
        end = self._data.find(b"\r\n\r\n")
        if end < 0 or self._guichet.conduite is Conduite.FIGE:
            return
        found = _LONGUEUR.search(self._data, 0, end + 2)
        length = int(found[1]) if found else 0
        if len(self._data) < end + 4 + length:
            return
        body = bytes(self._data[end + 4 : end + 4 + length])
        del self._data[: end + 4 + length]
        guichet = self._guichet
        guichet.recues += 1
        answer = self._answer(body)
        delai = guichet.mediane * math.exp(self._rng.gauss(0, _ECART))
        asyncio.get_running_loop().call_later(delai, self._write, answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)

    def _answer(self, body: bytes) -> bytes:
        identifier, contenu = _ID.search(body), _FICHIER.search(body)
        assert identifier is not None
        assert contenu is not None
        if self._guichet.conduite is Conduite.CAPRICIEUX and self._rng.random() < ECHECS:
            fault = (
                "<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code>"
                '<s:Reason><s:Text xml:lang="fr">un caprice</s:Text></s:Reason></s:Fault>'
            )
            return _http("500 Internal Server Error", fault)
        new = identifier[1] not in self._connues
        self._connues.add(identifier[1])
        self._guichet.distinctes += new
        empreinte = hashlib.sha256(base64.b64decode(contenu[1])).hexdigest()
        return _http(
            "200 OK",
            f'<ws:distributionReponse xmlns:ws="{NAMESPACE_SERVICES}">'
            f"<idDistribution>{identifier[1].decode()}</idDistribution>"
            f"<statut>{'RECU' if new else 'DEJA_RECU'}</statut><empreinte>{empreinte}</empreinte>"
            "</ws:distributionReponse>",
        )


def _http(status: str, inside: str) -> bytes:
    body = f'<s:Envelope xmlns:s="{_SOAP}"><s:Body>{inside}</s:Body></s:Envelope>'.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/soap+xml; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def serve(plan: dict[str, tuple[str, float]], dossier: Path) -> None:
    """Listen for all, until the standard input ends."""
    bound_buffers()
    context = server_context(dossier / "cert.pem", dossier / "key.pem", dossier / "ca.pem")
    loop = asyncio.get_running_loop()
    rng = random.Random(GRAINE)
    connues: set[bytes] = set()
    guichets = {code: Guichet(Conduite(conduite), mediane) for code, (conduite, mediane) in plan.items()}
    ports = {}
    servers = []
    for code, guichet in guichets.items():

        def factory(guichet: Guichet = guichet) -> Service:
            return Service(guichet, rng, connues)

        server = await loop.create_server(factory, "127.0.0.1", 0, ssl=context, backlog=4)
        ports[code] = server.sockets[0].getsockname()[1]
        if guichet.conduite is Conduite.ETEINT:
            server.close()
        servers.append(server)
    print(json.dumps(ports), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    counts = {code: [each.recues, each.distinctes, each.connexions] for code, each in guichets.items()}
    print(json.dumps(counts), flush=True)


def main() -> None:
    plan, dossier = map(Path, sys.argv[1:])
    asyncio.run(serve(json.loads(plan.read_text(encoding="utf-8")), dossier))


if __name__ == "__main__":
    main()
