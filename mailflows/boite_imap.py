"""A mailbox over IMAP: the only module that knows aioimaplib, and the precautions that it needs.

The library hangs on many response lines or bodies in one answer, and never fails a command that is pending
when the connection drops. So: one message in each FETCH, a deadline around each call, every call given up
when the connection is lost, TLS from the first byte, an IDLE started again every few minutes.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import aioimaplib

T = TypeVar("T")

_UIDVALIDITY: Final = re.compile(rb"UIDVALIDITY (\d+)")
_EXISTS: Final = re.compile(rb"^(\d+) EXISTS", re.MULTILINE)
_TAILLE: Final = re.compile(rb"RFC822\.SIZE (\d+)")


class BoiteInjoignable(Exception):
    """The mailbox does not answer, refuses, or the connection is lost: to be opened again later. The text is
    French, for the operator."""


@dataclass(frozen=True, slots=True)
class ParametresBoite:
    """A mailbox. delai: seconds for one call; repos: seconds of one IDLE."""

    hote: str
    port: int
    utilisateur: str
    mot_de_passe: str = field(repr=False)
    dossier: str = "INBOX"
    traites: str = "Traites"
    quarantaine: str = "Quarantaine"
    contexte: ssl.SSLContext | None = field(default=None, repr=False)
    delai: float = 30.0
    repos: float = 280.0


class BoiteImap:
    """An open mailbox. Every method may raise BoiteInjoignable; then `close` it and open another."""

    def __init__(self, parametres: ParametresBoite) -> None:
        self._parametres = parametres
        self._lost = asyncio.Event()
        self._client: Any = None
        self.uidvalidity = 0

    @classmethod
    async def open(cls, parametres: ParametresBoite) -> BoiteImap:
        """Connect, log in, select the folder, make the two others if need be."""
        boite = cls(parametres)
        try:
            await boite._open()
        except BaseException:
            await boite.close()
            raise
        return boite

    async def _open(self) -> None:
        settings = self._parametres
        contexte = settings.contexte or ssl.create_default_context()
        self._client = aioimaplib.IMAP4(
            settings.hote,
            settings.port,
            timeout=settings.delai,
            conn_lost_cb=lambda _: self._lost.set(),
            ssl_context=contexte,
        )
        await self._call(self._client.wait_hello_from_server(), "connexion")
        self._done(
            await self._call(
                self._client.login(settings.utilisateur, settings.mot_de_passe), "identification"
            ),
            "identification",
        )
        for dossier in (settings.traites, settings.quarantaine):
            # It exists already, most of the time, and the server says so.
            await self._call(self._client.create(_quoted(dossier)), "création d'un dossier")
        await self.select()

    async def select(self) -> int:
        """Select the folder, again if it was; how many messages it has.

        What comes after that answer is news, which an IDLE tells. What came before the answer to any other
        command may have been announced in it (a server ends a SEARCH by the EXISTS of what came since), and
        no IDLE says it again.
        """
        selected = self._done(
            await self._call(self._client.select(_quoted(self._parametres.dossier)), "ouverture"), "ouverture"
        )
        lines = b"\n".join(map(bytes, selected.lines))
        validity, exists = _UIDVALIDITY.search(lines), _EXISTS.search(lines)
        if validity is None:
            raise BoiteInjoignable("le serveur ne donne pas UIDVALIDITY (RFC 3501 §2.3.1.1)")
        if exists is None:
            raise BoiteInjoignable("le serveur ne dit pas le nombre de messages (RFC 3501 §6.3.1)")
        self.uidvalidity = int(validity[1])
        return int(exists[1])

    async def close(self) -> None:
        """Log out if the server still listens."""
        if self._client is None:
            return
        if not self._lost.is_set():
            with suppress(Exception):
                async with asyncio.timeout(2):
                    await self._client.logout()
        protocol = self._client.protocol
        if protocol is not None and protocol.transport is not None:
            protocol.transport.close()
        task = getattr(self._client, "_client_task", None)
        if task is not None:
            task.cancel()
            with suppress(Exception, asyncio.CancelledError):
                await task

    async def uids(self) -> list[int]:
        """The messages of the folder, oldest first."""
        answer = self._done(
            await self._call(self._client.uid_search("ALL", charset=None), "recherche"), "recherche"
        )
        words = b" ".join(bytes(line) for line in answer.lines[:-1]).split()
        return sorted(int(word) for word in words if word.isdigit())

    async def size(self, uid: int) -> int:
        """Bytes of a message, or 0 when it is gone."""
        answer = await self._fetch(uid, "(RFC822.SIZE)")
        found = _TAILLE.search(b" ".join(bytes(line) for line in answer.lines))
        return int(found[1]) if found else 0

    async def fetch(self, uid: int, *, entete: bool = False) -> bytes | None:
        """A message as it is, left unread; its header alone if asked. None when it is gone."""
        answer = await self._fetch(uid, "(BODY.PEEK[HEADER])" if entete else "(BODY.PEEK[])")
        for line in answer.lines:
            if isinstance(line, bytearray):
                return bytes(line)
        return None

    async def move(self, uid: int, dossier: str) -> None:
        """Put a message in another folder."""
        name = _quoted(dossier)
        if self._client.has_capability("MOVE"):
            self._done(await self._call(self._client.uid("move", str(uid), name), "rangement"), "rangement")
            return
        self._done(await self._call(self._client.uid("copy", str(uid), name), "rangement"), "rangement")
        await self._call(self._client.uid("store", str(uid), "+FLAGS", r"(\Deleted)"), "rangement")
        await self._call(self._client.uid("expunge", str(uid)), "rangement")

    async def wait(self, secondes: float) -> None:
        """Wait until the server has news, at most so long."""
        if not self._client.has_capability("IDLE"):
            await self._call(asyncio.sleep(secondes), "attente", secondes + 1)
            return
        idle = await self._call(self._client.idle_start(timeout=secondes + 5), "attente")
        try:
            with suppress(TimeoutError, asyncio.TimeoutError):
                await self._call(self._client.wait_server_push(timeout=secondes), "attente", secondes + 5)
        finally:
            if not self._lost.is_set():
                self._client.idle_done()
        with suppress(asyncio.TimeoutError):
            await self._call(asyncio.wait_for(idle, self._parametres.delai), "attente")

    async def _fetch(self, uid: int, what: str) -> Any:
        return self._done(await self._call(self._client.uid("fetch", str(uid), what), "lecture"), "lecture")

    async def _call(self, call: Awaitable[T], what: str, delai: float | None = None) -> T:
        """The result of a call, unless it is late or the connection is lost meanwhile."""
        pending = asyncio.ensure_future(call)
        lost = asyncio.ensure_future(self._lost.wait())
        limit = self._parametres.delai if delai is None else delai
        try:
            await asyncio.wait({pending, lost}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if pending.done():
                return pending.result()
            if lost.done():
                raise BoiteInjoignable(f"{what} : la connexion est perdue")
            raise BoiteInjoignable(f"{what} : pas de réponse en {limit:g} s")
        except (aioimaplib.AioImapException, OSError) as error:
            raise BoiteInjoignable(f"{what} : {type(error).__name__}") from error
        finally:
            for task in (pending, lost):
                task.cancel()
            with suppress(BaseException):
                await pending

    @staticmethod
    def _done(answer: Any, what: str) -> Any:
        if answer.result != "OK":
            raise BoiteInjoignable(f"{what} : le serveur refuse ({answer.result})")
        return answer


def _quoted(dossier: str) -> str:
    """A folder name as IMAP writes it."""
    return '"' + dossier.replace("\\", "\\\\").replace('"', '\\"') + '"'
