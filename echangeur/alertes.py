"""Wiring of the alerts: from the configuration of an instance to the watch, and the life of its processes."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import threading
import uuid
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from echangeur.cles import watched_keys
from echangeur.conformite import regles_of
from echangeur.courrier import relay_of
from echangeur.instance import Instance
from echangeur.lieux import POSTGRES
from echangeur.sante.etat import Sante
from echangeur.sortie import MauvaisUsage
from echangeur.taches import Tache
from mailflows.alertes.processus import Signe, tell_processus, withdraw_processus
from mailflows.alertes.veilleur import Veille, Veilleur
from mailflows.expediteur import Expediteur, Relais
from registry.clock import Clock
from registry.surveillance_certificats import Surveille

_log: Final = structlog.get_logger("echangeur")


def create_veilleur(instance: Instance, engine: Engine, clock: Clock) -> Veilleur:
    """The watch of an instance. Raises MauvaisUsage when a file of the relay cannot be read."""
    configuration = instance.configuration
    courrier, reglages = configuration.courrier, configuration.alertes
    # Nothing is handed to a relay that nobody has set.
    relais = relay_of(instance) if reglages.exploitants else Relais("localhost", 25, courrier.adresse)
    veille = Veille(
        reglages,
        courrier.adresse,
        courrier.marque,
        configuration.console.url_publique,
        tuple(Tache),
        courrier.actif,
        regles_of(instance),
    )
    return Veilleur(engine, clock, veille, Expediteur(relais))


async def watch(veilleur: Veilleur, cadence: float) -> None:
    """A turn at each period, until cancelled. What fails is told, and tried again at the next."""
    while True:
        await asyncio.sleep(cadence)
        try:
            bilan = await veilleur.tour()
            if bilan is not None and (bilan.nouvelles or bilan.closes):
                _log.info("alertes", nouvelles=bilan.nouvelles, closes=bilan.closes, ouvertes=bilan.ouvertes)
        except Exception as error:  # noqa: BLE001 - whatever it was, the next turn tries again, and it is told
            _log.warning("surveillance interrompue", erreur=type(error).__name__)


class Battement:
    """Tells in the database, at each period, that this process lives and how it is."""

    def __init__(
        self, instance: Instance, engine: Engine, clock: Clock, sante: Sante, roles: tuple[str, ...]
    ) -> None:
        self._instance = instance
        self._engine = engine
        self._clock = clock
        self._sante = sante
        self._roles = roles
        self._id = uuid.uuid4()
        # A thread that tells may outlive the task that waits for it: it says nothing once it is withdrawn.
        self._lock = threading.Lock()
        self._withdrawn = False

    async def run(self) -> None:
        """Until cancelled; then its row is taken away, since it stops in good order."""
        try:
            while True:
                await asyncio.sleep(self._instance.configuration.alertes.cadence)
                etat = await self._sante.read()
                codes = tuple(constat.code for constat in etat.constats if constat.code)
                await self._quietly(partial(self._tell, codes))
        finally:
            await self._quietly(self._withdraw)

    async def _quietly(self, travail: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(travail)
        except SQLAlchemyError as error:
            # Without a database nobody reads it either: the next time will do.
            _log.warning("processus non signalé", erreur=type(error).__name__)

    def _tell(self, codes: tuple[str, ...]) -> None:
        signe = Signe(
            self._id,
            socket.gethostname(),
            os.getpid(),
            self._roles,
            codes,
            free_of(self._instance),
            _certificates(self._instance),
        )
        with self._lock, self._engine.begin() as conn:
            if not self._withdrawn:
                tell_processus(conn, signe, instant=self._clock.now())

    def _withdraw(self) -> None:
        with self._lock, self._engine.begin() as conn:
            self._withdrawn = True
            withdraw_processus(conn, self._id)


def free_of(instance: Instance) -> float | None:
    """Percentage free of the disk that holds the embedded database; None when the database is elsewhere."""
    if instance.configuration.base.url:
        return None
    usage = shutil.disk_usage(instance.dossier / POSTGRES)
    return 100 * usage.free / usage.total


def _certificates(instance: Instance) -> tuple[Surveille, ...]:
    """Those of the hub that this process reads: one without the keys of mail reads none."""
    try:
        return watched_keys(instance)
    except (MauvaisUsage, OSError):
        return ()
