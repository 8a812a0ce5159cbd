"""What the roles of one process share: the database, the clock, who speaks, and whom TLS lets through."""

from __future__ import annotations

import asyncio
import ssl
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Engine

from certs.autorite import create_autorite
from certs.lecture import Certificat, read_certificat
from echangeur.confiance import charge_of, watch_verdicts
from echangeur.conformite import regles_of
from echangeur.instance import Instance
from echangeur.journaux import silence
from echangeur.metriques.compteurs import Compteurs, name_operation, verdict_of
from echangeur.roles.epingles import Epingles, cancel
from echangeur.roles.greffes import AUCUNE, Greffes
from registry.anomalies import Anomalie
from registry.certificats import Identites
from registry.clock import Clock
from registry.echanges import Canal
from registry.verdicts_certificats import judge_all

if TYPE_CHECKING:
    from echangeur.telemetrie.traceur import Traceur

_log = structlog.get_logger("echangeur")


class Socle:
    """The ground of the roles, between `start` and `stop`, on one event loop."""

    def __init__(
        self,
        instance: Instance,
        engine: Engine,
        clock: Clock,
        traceur: Traceur | None = None,
        *,
        greffes: Greffes = AUCUNE,
    ) -> None:
        self.instance = instance
        self.traceur = traceur
        self.engine = engine
        self.clock = clock
        self.greffes = greffes
        self.conformite = regles_of(instance)
        self.identites = Identites(engine, clock, self.conformite)
        self.compteurs = Compteurs()
        # Who calls to prove that calls are answered: a key of this process alone, of nobody's.
        self.sonde = create_autorite(now=clock.now()).issue_guichet("SONDE", now=clock.now())
        lue = read_certificat(self.sonde.certificat)
        assert isinstance(lue, Certificat)
        self._sonde = lue.empreinte
        silence(lue.empreinte)
        self._epingles = Epingles(self.identites.epingles)
        self._verdicts: asyncio.Task[None] | None = None

    @property
    def pins(self) -> Iterable[bytes]:
        """The certificates of partners, PEM, as last seen."""
        return frozenset({*self._epingles.pins, self.sonde.certificat})

    async def start(self) -> None:
        """Before anything is accepted: a partner whose certificate was revoked meanwhile does not slip in."""
        verdicts = charge_of(self.instance.configuration)
        await asyncio.to_thread(judge_all, self.engine, verdicts, instant=self.clock.now())
        await self._epingles.start()
        self._verdicts = asyncio.create_task(
            watch_verdicts(self.engine, self.clock, verdicts), name="verdicts"
        )

    async def stop(self) -> None:
        """Watch no more."""
        if self._verdicts is not None:
            await cancel(self._verdicts)
            self._verdicts = None
        await self._epingles.stop()
        if self.traceur is not None:
            await asyncio.to_thread(self.traceur.close)

    def keep_trusting(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Let the certificates that are pinned from now on through the handshakes of `context`."""
        return self._epingles.keep_trusting(context)

    def tell_echange(
        self,
        echange: uuid.UUID,
        operation: str,
        canal: Canal,
        anomalies: tuple[Anomalie, ...],
        secondes: float,
        traceparent: str = "",
    ) -> None:
        """Count an exchange that has its answer, and write its line; nothing of a call of this process to
        itself."""
        if anomalies and anomalies[0].constat == self._sonde:
            return
        nom, verdict = name_operation(operation), verdict_of(anomalies)
        self.compteurs.count_echange(nom, canal, verdict, secondes)
        code = anomalies[0].code if anomalies else ""
        _log.info(
            "échange",
            echange=str(echange),
            operation=nom,
            canal=canal.value,
            verdict=verdict,
            code=code,
            ms=round(1000 * secondes),
        )
        if self.traceur is not None:
            facts = {"operation": nom, "canal": canal.value, "verdict": verdict, "code": code}
            erreur = code if verdict == "echec" else ""
            self.traceur.tell_root(
                echange, "échange", secondes, facts, erreur=erreur, traceparent=traceparent
            )
