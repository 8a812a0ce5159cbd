"""What the roles of one process share: the database, the clock, who speaks, and whom TLS lets through."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import uuid
import weakref
from collections.abc import Iterable
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from certs import tls
from certs.autorite import create_autorite
from certs.lecture import Certificat, read_certificat
from echangeur.confiance import charge_of, watch_verdicts
from echangeur.conformite import regles_of
from echangeur.instance import Instance
from echangeur.journaux import silence
from echangeur.metriques.compteurs import Compteurs, name_operation, verdict_of
from registry.anomalies import Anomalie
from registry.certificats import Identites
from registry.clock import Clock
from registry.echanges import Canal
from registry.verdicts_certificats import judge_all

_log = structlog.get_logger("echangeur")

_PIN_PERIOD: Final = 1.0
"""Seconds between two looks at the pins: a certificate registered while the server runs is let through the
handshake within that time, whatever its authority. One small query a second."""


class Socle:
    """The ground of the roles, between `start` and `stop`, on one event loop."""

    def __init__(self, instance: Instance, engine: Engine, clock: Clock) -> None:
        self.instance = instance
        self.engine = engine
        self.clock = clock
        self.conformite = regles_of(instance)
        self.identites = Identites(engine, clock, self.conformite)
        self.compteurs = Compteurs()
        # Who calls to prove that calls are answered: a key of this process alone, of nobody's.
        self.sonde = create_autorite(now=clock.now()).issue_guichet("SONDE", now=clock.now())
        lue = read_certificat(self.sonde.certificat)
        assert isinstance(lue, Certificat)
        self._sonde = lue.empreinte
        silence(lue.empreinte)
        self._pins: set[bytes] = set()
        self._contexts: weakref.WeakSet[ssl.SSLContext] = weakref.WeakSet()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def pins(self) -> Iterable[bytes]:
        """The certificates of partners, PEM, as last seen."""
        return frozenset({*self._pins, self.sonde.certificat})

    async def start(self) -> None:
        """Before anything is accepted: a partner whose certificate was revoked meanwhile does not slip in."""
        verdicts = charge_of(self.instance.configuration)
        await asyncio.to_thread(judge_all, self.engine, verdicts, instant=self.clock.now())
        self._pins = set(await asyncio.to_thread(self.identites.epingles))
        self._tasks = [
            asyncio.create_task(self._watch_pins(), name="épingles"),
            asyncio.create_task(watch_verdicts(self.engine, self.clock, verdicts), name="verdicts"),
        ]

    async def stop(self) -> None:
        """Watch no more."""
        while self._tasks:
            await cancel(self._tasks.pop())

    def keep_trusting(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Let the certificates that are pinned from now on through the handshakes of `context`."""
        self._contexts.add(context)
        return context

    def tell_echange(
        self,
        echange: uuid.UUID,
        operation: str,
        canal: Canal,
        anomalies: tuple[Anomalie, ...],
        secondes: float,
    ) -> None:
        """Count an exchange that has its answer, and write its line; nothing of a call of this process to
        itself."""
        if anomalies and anomalies[0].constat == self._sonde:
            return
        nom, verdict = name_operation(operation), verdict_of(anomalies)
        self.compteurs.count_echange(nom, canal, verdict, secondes)
        _log.info(
            "échange",
            echange=str(echange),
            operation=nom,
            canal=canal.value,
            verdict=verdict,
            code=anomalies[0].code if anomalies else "",
            ms=round(1000 * secondes),
        )

    async def _watch_pins(self) -> None:
        """One withdrawn stays known to TLS until the next reload or start, and is refused above, in words."""
        while True:
            await asyncio.sleep(_PIN_PERIOD)
            try:
                pins = set(await asyncio.to_thread(self.identites.epingles))
            except SQLAlchemyError as error:
                # The database is restarting: those who call are told so, the next look will do.
                _log.warning("épingles illisibles", erreur=type(error).__name__)
                continue
            added, self._pins = pins - self._pins, pins
            for context in self._contexts:
                tls.trust(context, added)


async def cancel(task: asyncio.Task[None]) -> None:
    """End a task that never ends by itself."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
