"""The way out: mails handed to the relay over kept connections (aiosmtplib), and what the relay said.

A new TLS connection for each mail costs ten times the mail itself: a few are kept, as many as mails at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import aiosmtplib

from dispatching.transport import GenreEchec

DELAI: Final = 20.0
"""Seconds for one dialogue with the relay: within the time that the dispatching gives to a sending."""

_PREUVE: Final = 4
"""Share of it, one over, that a kept connection has to prove that it lives; the rest is for a new one."""

_PERMANENT: Final = 500


class Securite(StrEnum):
    """How the connection to the relay is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    AUCUNE = "aucune"
    """In clear: for a relay on the machine itself. The content is encrypted anyway."""


@dataclass(frozen=True, slots=True)
class Relais:
    """The relay that takes our mails. expediteur: our envelope address, where notices come back. delai:
    seconds for one dialogue."""

    hote: str
    port: int
    expediteur: str
    securite: Securite = Securite.STARTTLS
    contexte: ssl.SSLContext | None = None
    utilisateur: str = ""
    mot_de_passe: str = ""
    connexions: int = 4
    delai: float = DELAI


@dataclass(frozen=True, slots=True)
class Parti:
    """The relay has it."""


@dataclass(frozen=True, slots=True)
class NonParti:
    """It did not leave. definitif: the relay says that it never will. detail: French, never nominative."""

    genre: GenreEchec
    detail: str
    definitif: bool = False


class Expediteur:
    """Hands mails to the relay, between `start` and `stop`, on one event loop."""

    def __init__(self, relais: Relais) -> None:
        self._relais = relais
        self._libres: list[aiosmtplib.SMTP] = []
        self._places = asyncio.Semaphore(relais.connexions)

    async def stop(self) -> None:
        """Say goodbye to the relay."""
        libres, self._libres = self._libres, []
        for client in libres:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await asyncio.wait_for(client.quit(), 2)

    async def send(self, identifiant: uuid.UUID, destinataire: str, mail: bytes) -> Parti | NonParti:
        """Hand one mail over. identifiant: ENVID of the notices (RFC 3461 §4.4). Raises nothing."""
        try:
            async with asyncio.timeout(self._relais.delai), self._places, self._connection() as client:
                await self._deliver(client, identifiant, destinataire, mail)
        except aiosmtplib.SMTPRecipientsRefused as error:
            # Of the address, whatever the mail holds.
            return _refused(error.recipients[0].code, error.recipients[0].message, GenreEchec.PANNE)
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error.code, error.message)
        except (ssl.SSLError, aiosmtplib.SMTPNotSupported) as error:
            return NonParti(
                GenreEchec.CERTIFICAT, f"le relais n'est pas de confiance ({type(error).__name__})"
            )
        except (TimeoutError, aiosmtplib.SMTPTimeoutError):
            return NonParti(GenreEchec.DELAI, f"le relais n'a pas répondu en {self._relais.delai:g} s")
        except (aiosmtplib.SMTPException, OSError) as error:
            return NonParti(GenreEchec.INJOIGNABLE, f"le relais est injoignable ({type(error).__name__})")
        return Parti()

    async def _deliver(
        self, client: aiosmtplib.SMTP, identifiant: uuid.UUID, destinataire: str, mail: bytes
    ) -> None:
        mail_options, rcpt_options = [], []
        if client.supports_extension("dsn"):
            mail_options = ["RET=HDRS", f"ENVID={identifiant}"]
            rcpt_options = ["NOTIFY=FAILURE,DELAY", f"ORCPT=rfc822;{destinataire}"]
        if client.supports_extension("size"):
            mail_options.append(f"SIZE={len(mail)}")
        await client.sendmail(
            self._relais.expediteur,
            [destinataire],
            mail,
            mail_options=mail_options,
            rcpt_options=rcpt_options,
        )

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection that works; given back when the dialogue ended well, closed otherwise."""
        client = await self._take()
        try:
            yield client
        except aiosmtplib.SMTPResponseException:
            await self._give_back(client)
            raise
        except BaseException:
            _drop(client)
            raise
        self._libres.append(client)

    async def _take(self) -> aiosmtplib.SMTP:
        while self._libres:
            client = self._libres.pop()
            if await self._lives(client):
                return client
        return await open_session(self._relais)

    async def _lives(self, client: aiosmtplib.SMTP) -> bool:
        """Whether a kept connection still works; closed when it does not. A relay closes what is idle for
        some minutes, and what stands between forgets it without a word."""
        try:
            await client.noop(timeout=self._relais.delai / _PREUVE)
        except (aiosmtplib.SMTPException, OSError):
            _drop(client)
            return False
        except BaseException:
            _drop(client)
            raise
        return True

    async def _give_back(self, client: aiosmtplib.SMTP) -> None:
        """After a refusal, the dialogue starts again from its beginning (RFC 5321 §4.1.1.5)."""
        try:
            await client.rset()
        except (aiosmtplib.SMTPException, OSError):
            _drop(client)
        else:
            self._libres.append(client)


async def open_session(relais: Relais) -> aiosmtplib.SMTP:
    """A session with the relay, as a mail that leaves has it: TLS, account. Raises SMTPException, OSError."""
    client = aiosmtplib.SMTP(
        hostname=relais.hote,
        port=relais.port,
        timeout=relais.delai,
        use_tls=relais.securite is Securite.TLS,
        start_tls=relais.securite is Securite.STARTTLS,
        tls_context=relais.contexte if relais.securite is not Securite.AUCUNE else None,
        local_hostname=relais.expediteur.rpartition("@")[2],
    )
    try:
        await client.connect()
        if relais.utilisateur:
            await client.login(relais.utilisateur, relais.mot_de_passe)
    except BaseException:
        _drop(client)
        raise
    return client


def _drop(client: aiosmtplib.SMTP) -> None:
    """Close at once: the orderly end of TLS waits half a minute for a relay that says nothing more."""
    transport = client.transport
    client.close()
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


def _refused(code: int, message: str, genre: GenreEchec = GenreEchec.REFUS) -> NonParti:
    definitif = code >= _PERMANENT
    # The text of a relay may quote an address, which is no secret, and nothing else of ours.
    detail = f"le relais a répondu {code} {' '.join(message.split())[:200]}"
    return NonParti(genre, detail, definitif)
