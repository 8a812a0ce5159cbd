"""What arrives on a connection and is no HTTP request: refused in our words, and kept out of the logs.

aiohttp would answer in English, quoting what it could not read, and log it with a traceback. What it could
not read may be the rest of a document whose length was announced too short: nominative data, in a log.
"""

from __future__ import annotations

import traceback
import uuid
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from registry.clock import Clock
from soap import faults
from soap.correlation import ENTETE, new_id

_log = structlog.get_logger("soap")

SERVEUR: Final = "echangeur"
"""Value of the Server field, in place of the versions that aiohttp would tell."""
TEXTE: Final = "text/plain; charset=utf-8"


class _Connexion(web.RequestHandler):
    """One connection. `handle_error` is called for what cannot be parsed, and for a handler that failed."""

    def __init__(self, serveur: _Serveur) -> None:
        # As web.Server does; there is no public way to another handler of requests.
        super().__init__(serveur, loop=serveur._loop, **serveur._kwargs)
        self._clock = serveur.clock

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - quotes what was received
    ) -> web.StreamResponse:
        """Answer in plain text: there is no message to answer in SOAP. The connection ends with it."""
        correlation = new_id(self._clock.now())
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            report("erreur inattendue", exc, str(correlation))
            anomalie = faults.ERREUR_INATTENDUE()
        else:
            _log.warning("requête HTTP illisible", echange=str(correlation), erreur=type(exc).__name__)
            long = isinstance(exc, LineTooLong)
            anomalie = faults.HTTP_MALFORME(
                "une ligne ou un en-tête est trop long"
                if long
                else "la ligne de requête ou un en-tête n'est pas du HTTP/1.1"
            )
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has left already")
        answer = web.Response(
            status=status,
            body=faults.write_text(anomalie, correlation).encode(),
            headers={"Content-Type": TEXTE, ENTETE: str(correlation), "Server": SERVEUR},
        )
        answer.force_close()
        return answer


class _Serveur(web.Server):
    """What makes a `_Connexion` of each connection, in place of the handler of aiohttp."""

    def __init__(self, modele: web.Server, clock: Clock) -> None:
        super().__init__(
            modele.request_handler,
            request_factory=modele.request_factory,
            loop=modele._loop,
            **modele._kwargs,
        )
        self.clock = clock

    def __call__(self) -> web.RequestHandler:
        return _Connexion(self)


class Runner(web.AppRunner):
    """The runner of an application whose connections are ours."""

    def __init__(self, app: web.Application, clock: Clock) -> None:
        # Bodies are not decompressed: a limit in bytes would otherwise say nothing. No access log names
        # partners. The 75 s are also what a caller has to send the headers of its first request.
        super().__init__(app, access_log=None, auto_decompress=False, keepalive_timeout=75.0)
        self._clock = clock

    async def _make_server(self) -> web.Server:
        return _Serveur(await super()._make_server(), self._clock)


def report(evenement: str, error: BaseException | None, echange: str) -> None:
    """Log an error by its type and its place: its text may hold what the partner sent."""
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    _log.error(
        evenement,
        echange=echange,
        erreur=type(error).__name__,
        lieux=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
    )


def report_unread(echange: uuid.UUID, code: str, certificat: str | None) -> None:
    """Log a request refused before its bytes were kept: no exchange can be shown, and the operator is asked.

    certificat: the empreinte of what was presented, or None.
    """
    _log.warning("requête refusée avant lecture", echange=str(echange), code=code, certificat=certificat)
