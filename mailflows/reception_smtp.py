"""Direct reception: a listener of SMTP, or of LMTP behind a mail server (aiosmtpd).

It takes what is for our addresses, within bounds, keeps it, and says so only after the commit: before, the
sender keeps it and tries again. Nothing is read of a message here.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from mailflows.entrants import Depot, Source, record
from registry.clock import Clock

_LOG: Final = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ecoute:
    """What the listener accepts.

    adresses: ours, lower case; others are refused. octets: bytes of a message, announced as SIZE. Threat:
    memory; it is held once while it arrives. connexions: at once. secondes: of silence before a connection is
    closed. tls: to offer STARTTLS, which is then demanded when `tls_exige`.
    """

    adresses: frozenset[str]
    lmtp: bool = False
    octets: int = 32 << 20
    connexions: int = 50
    secondes: float = 60.0
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    tls_exige: bool = True
    nom: str = "echangeur"


class _Borne(SMTP):
    """A dialogue that is refused when there are too many already."""

    def __init__(self, *args: Any, ouvertes: set[SMTP], connexions: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self._ouvertes = ouvertes
        self._connexions = connexions

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Called again when the connection turns to TLS.
        if self not in self._ouvertes and len(self._ouvertes) >= self._connexions:
            assert isinstance(transport, asyncio.Transport)
            transport.write(b"421 4.3.2 Trop de connexions, renvoyez plus tard\r\n")
            transport.close()
            return
        self._ouvertes.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self in self._ouvertes:
            self._ouvertes.discard(self)
            super().connection_lost(error)


class _DialogueSmtp(_Borne):
    pass


class _DialogueLmtp(_Borne, LMTP):
    """After its text, a message is answered once for each recipient that was taken (RFC 2033 §4.2), whatever
    the answer: a client that lacks one waits for it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._reponses = 1

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        try:
            await super().smtp_DATA(arg)
        finally:
            self._reponses = 1

    async def push(self, status: str | bytes) -> None:
        text = status.decode("ascii") if isinstance(status, bytes) else status
        await super().push("\r\n".join([text] * self._reponses))
        if text.startswith("354"):
            assert self.envelope is not None
            self._reponses = len(self.envelope.rcpt_tos)


class Reception:
    """The listener, between `start` and `stop`, on one event loop."""

    def __init__(
        self, engine: Engine, clock: Clock, ecoute: Ecoute, told: Callable[[], None] | None = None
    ) -> None:
        """told: called after each message kept, on the event loop."""
        self._engine = engine
        self._clock = clock
        self._ecoute = ecoute
        self._told = told
        self._server: asyncio.Server | None = None
        self._ouvertes: set[SMTP] = set()
        # Two messages of 32 MB are kept at once, not fifty.
        self._places = asyncio.Semaphore(2)

    async def start(self, sock: socket.socket) -> None:
        """Listen on a bound socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, sock=sock)

    async def stop(self) -> None:
        """Stop listening; what is being received is cut, and its sender tries again."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def _protocol(self) -> SMTP:
        ecoute = self._ecoute
        kind = _DialogueLmtp if ecoute.lmtp else _DialogueSmtp
        return kind(
            self,
            ouvertes=self._ouvertes,
            connexions=ecoute.connexions,
            data_size_limit=ecoute.octets,
            hostname=ecoute.nom,
            ident="echangeur",
            tls_context=ecoute.tls,
            require_starttls=ecoute.tls is not None and ecoute.tls_exige,
            timeout=ecoute.secondes,
            # No command of a dialogue is needed more often: a chatterbox is sent away.
            command_call_limit={
                "*": 20,
                "RCPT": 100,
                "MAIL": 1_000,
                "DATA": 1_000,
                "NOOP": 1_000,
                "RSET": 1_000,
            },
            loop=asyncio.get_running_loop(),
        )

    # -- the hooks of aiosmtpd ------------------------------------------------------------------------------

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Whether a message for this address is taken."""
        if address.lower() not in self._ecoute.adresses:
            return "550 5.1.1 Adresse inconnue"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the message, once however many addresses of ours it is for; 250 once it is on disk."""
        octets = envelope.content
        assert isinstance(octets, bytes)
        depot = Depot(
            Source.LMTP if self._ecoute.lmtp else Source.SMTP,
            octets,
            envelope.mail_from or "",
            self._clock.now(),
        )
        try:
            async with self._places:
                identifiant = await asyncio.to_thread(self._record, depot)
        except SQLAlchemyError as error:
            _LOG.warning("courrier.reception", erreur=type(error).__name__)
            return "451 4.3.0 Base indisponible, renvoyez plus tard"
        if self._told is not None:
            self._told()
        return f"250 2.6.0 Recu {identifiant}"

    async def handle_exception(self, error: Exception) -> str:
        """What a failure of ours, or a line of noise, is answered."""
        _LOG.warning("courrier.dialogue", erreur=type(error).__name__)
        return "421 4.3.0 Erreur, renvoyez plus tard"

    def _record(self, depot: Depot) -> Any:
        with self._engine.begin() as conn:
            return record(conn, depot)
