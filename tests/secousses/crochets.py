"""The hooks in a process of the hub: they tell each persisted step, and stop at the one that is asked for.

A step is a transaction that wrote something, one of its writings, or something that leaves the process.
Steps are found, not listed: any commit of any function of the hub is one, named after that function. The
process then waits at that point, in the thread that reached it, for whoever asked: the session kills it
there, or does something to its database or its network, and lets it go on.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

import echangeur.composition
from mailflows.expediteur import Expediteur
from mailflows.reception_smtp import Reception
from soap.client import DistributionClient
from tests.secousses.points import APRES, AVANT, ECRIT, name_transaction, name_writing

_PAQUETS: Final = frozenset({"registry", "dispatching", "filters", "mailflows", "soap", "echangeur"})
_PASSES: Final = frozenset({"registry.lots"})
"""Modules that only run the transaction of another."""
_ECRIT: Final = re.compile(r"\b(INSERT\s+INTO|UPDATE\s+\w+\s|DELETE\s+FROM)", re.IGNORECASE)
_ACTION: Final = re.compile(r'action="[^"]*?/?(\w+)"')
_PATIENCE: Final = 120.0
"""Seconds that a stopped process waits to be released: beyond, the session is gone."""


class Poste:
    """What this process says to the session, and is told by it: lines of JSON."""

    def __init__(self, adresse: Path, role: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(adresse))
        self._lock = threading.Lock()
        self._vus: Counter[tuple[str, str]] = Counter()
        self._vise: tuple[str, str] | None = None
        self._rang = 0
        self._lache = threading.Event()
        self.say(role=role)
        threading.Thread(target=self._listen, name="secousses", daemon=True).start()

    def say(self, **fait: object) -> None:
        """One line."""
        self._socket.sendall(json.dumps(fait, ensure_ascii=False).encode() + b"\n")

    def reach(self, etape: str, moment: str) -> None:
        """This thread is at a step; it stops there if it is the one."""
        with self._lock:
            self._vus[etape, moment] += 1
            if self._vise != (etape, moment):
                return
            self._rang -= 1
            if self._rang:
                return
            self._vise = None
            self._lache.clear()
        self.say(atteint=[etape, moment])
        self._lache.wait(_PATIENCE)

    def _listen(self) -> None:
        for line in self._socket.makefile(encoding="utf-8"):
            ordre = json.loads(line)
            with self._lock:
                if "armer" in ordre:
                    etape, moment, self._rang = ordre["armer"]
                    self._vise = (etape, moment)
                    self.say(arme=True)
                elif "lacher" in ordre:
                    self._vise = None
                    self._lache.set()
                elif "compter" in ordre:
                    self.say(vus=[[*cle, nombre] for cle, nombre in self._vus.items()])


def install(poste: Poste) -> None:
    """Hook this process, before it serves."""
    _hook_transactions(poste)
    _hook_sendings(poste)
    _hook_readiness(poste)


def _hook_transactions(poste: Poste) -> None:
    """Each commit that wrote something, and each of the writings before it."""
    local = threading.local()
    commit = DefaultDialect.do_commit

    def wrote(_conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        # The count of a WITH that gives no row is that of its last part only.
        silent = statement.lstrip().startswith("WITH") and cursor.description is None
        if _ECRIT.search(statement) and (cursor.rowcount > 0 or silent):
            auteur = _author()
            local.__dict__.setdefault("ecrits", []).append(auteur)
            poste.reach(name_writing(auteur), ECRIT)

    def forget(_conn: Any) -> None:
        local.__dict__.pop("ecrits", None)

    def do_commit(self: DefaultDialect, connection: Any) -> None:
        ecrits = local.__dict__.pop("ecrits", ())
        if not ecrits or not _has_written(connection):
            commit(self, connection)
            return
        etape = name_transaction(_author(passes=_PASSES), ecrits)
        poste.reach(etape, AVANT)
        commit(self, connection)
        poste.reach(etape, APRES)

    event.listen(Engine, "after_cursor_execute", wrote)
    event.listen(Engine, "begin", forget)
    event.listen(Engine, "rollback", forget)
    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]


def _has_written(connection: Any) -> bool:
    """PostgreSQL gives a transaction its number at the first row that it writes or locks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
        return bool(cursor.fetchone()[0])


def _author(passes: frozenset[str] = frozenset()) -> str:
    """The nearest function of the hub that is running: what makes the commit or the writing."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        module = frame.f_globals.get("__name__", "")
        if module.partition(".")[0] in _PAQUETS and module not in passes:
            return f"{module}.{frame.f_code.co_qualname.partition('.<locals>')[0]}"
    return "?"


def _hook_sendings(poste: Poste) -> None:
    """What leaves: the answers, the pushes, the mails, the word that a mail is kept."""
    answer = web.Response.write_eof

    async def write_eof(self: web.Response, data: bytes = b"") -> None:
        requete: Any = self._req
        found = None if requete is None else _ACTION.search(requete.headers.get("Content-Type", ""))
        if found is None:
            await answer(self, data)
            return
        poste.reach(f"réponse à {found[1]}", AVANT)
        await answer(self, data)
        poste.reach(f"réponse à {found[1]}", APRES)

    web.Response.write_eof = write_eof  # type: ignore[method-assign]
    _surround(poste, DistributionClient, "_post", "envoi au guichet")
    _surround(poste, Expediteur, "_deliver", "remise au relais")
    _surround(poste, Reception, "handle_DATA", "réception d'un courrier")


def _surround(poste: Poste, owner: type, name: str, etape: str) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    @wraps(original)
    async def replaced(*args: Any, **options: Any) -> Any:
        poste.reach(etape, AVANT)
        result = await original(*args, **options)
        poste.reach(etape, APRES)
        return result

    setattr(owner, name, replaced)


def _hook_readiness(poste: Poste) -> None:
    run = echangeur.composition.run

    def told(*args: Any, announce: Callable[..., None], **options: Any) -> None:
        def ready(pret: echangeur.composition.Pret) -> None:
            announce(pret)
            poste.say(pret=pret.soap)

        run(*args, announce=ready, **options)

    echangeur.composition.run = told
