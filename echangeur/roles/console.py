"""The role `console`: the pages for people, on a port of their own.

A client certificate is asked for and not demanded: who has none signs in otherwise, or reads the page that
says so. Those tied to accounts pass the handshake whatever their authority.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from console.application import create_console, create_console_runner
from console.bancs import Bancs
from console.certificats_lies import list_epingles
from console.services import Services
from dispatching.decision import Sortie
from dispatching.rattrapages import Rythme
from echangeur.instance import Instance
from echangeur.lieux import IMAGE, PASSE
from echangeur.moyens import moyens_of
from echangeur.oidc import provider_of
from echangeur.roles.cycle import Epreuve
from echangeur.roles.epingles import Epingles, cancel
from echangeur.roles.fichiers_tls import console_tls, sonde_tls
from echangeur.roles.http import Ecouteur
from echangeur.roles.noms import NomRole
from echangeur.roles.proxy import read_networks
from echangeur.roles.socle import Socle
from echangeur.sante.epreuves import prove_console
from echangeur.scellement import open_coffre, seal_what_is_not
from registry.anomalies import Anomalie

_log = structlog.get_logger("echangeur")

_SUIVI_S: Final = 60.0


def _services(socle: Socle) -> Services:
    """What the pages stand on: the images of filters are those of the instance, that commands share.

    Raises MauvaisUsage when the keys that seal second factors are not those of this base, or when something
    of the provider of identity is missing.
    """
    instance, distribution = socle.instance, socle.instance.configuration.distribution
    with socle.engine.begin() as conn:
        coffre = open_coffre(instance, conn, instant=socle.clock.now())
        seal_what_is_not(conn, coffre)
    return Services(
        socle.engine,
        socle.clock,
        instance.configuration.console,
        coffre,
        moyens_of(instance),
        bancs=Bancs(instance.dossier / IMAGE, instance.dossier / PASSE),
        rythme=Rythme(
            distribution.rattrapage_debit,
            distribution.rattrapage_attente,
            distribution.rattrapage_attente_retrait,
        ),
        sortie=Sortie(distribution.sortie),
        regles=instance.configuration.regles,
        portail=instance.configuration.attestation.portail,
        conformite=socle.conformite,
        oidc=provider_of(instance),
    )


class RoleConsole:
    """Serves the pages on `sock`, bound before."""

    nom: Final = NomRole.CONSOLE

    def __init__(self, socle: Socle, sock: socket.socket) -> None:
        configuration = socle.instance.configuration
        self._socle = socle
        self._comptes = Epingles(self._read_epingles)
        self._services = _services(socle)
        self._suivi: asyncio.Task[None] | None = None
        app = create_console(self._services)
        self._ecouteur = Ecouteur(
            create_console_runner(app),
            sock,
            configuration.serveur.delai_arret,
            read_networks(configuration.console.mandataires),
        )

    @property
    def epreuves(self) -> Mapping[str, Epreuve]:
        """The first page, asked of this process by itself."""
        return {self.nom: self._prove}

    async def _prove(self) -> Anomalie | None:
        settings = self._socle.instance.configuration.console
        context = sonde_tls(self._socle.sonde, self._socle.instance.path(settings.certificat))
        return await prove_console(self._ecouteur.adresse, context)

    async def start(self) -> None:
        """Accept connections. Raises MauvaisUsage when the certificate of the console cannot be read."""
        await self._comptes.start()
        await self._ecouteur.start(self._tls(self._socle.instance))
        self._suivi = asyncio.create_task(self._follow(), name="relevé des échanges")

    async def drain(self) -> None:
        """Accept no more, and let the pages in progress end."""
        await self._ecouteur.drain()

    async def stop(self) -> None:
        """Follow neither the exchanges nor the certificates of accounts any more."""
        if self._suivi is not None:
            await cancel(self._suivi)
        await self._comptes.stop()

    async def _follow(self) -> None:
        """Read the exchanges as they come: the first page of a morning need not read the night."""
        while True:
            try:
                await asyncio.to_thread(self._read_exchanges)
            except SQLAlchemyError as error:
                _log.warning("échanges illisibles", erreur=type(error).__name__)
            await asyncio.sleep(_SUIVI_S)

    def _read_exchanges(self) -> None:
        with self._socle.engine.connect().execution_options(postgresql_readonly=True) as conn:
            self._services.releve.follow(conn, self._services.clock.now())

    async def reload(self, instance: Instance) -> None:
        """Present the certificate, and trust the authorities and the pins, as they now are."""
        await self._ecouteur.replace(self._tls(instance))

    def _tls(self, instance: Instance) -> ssl.SSLContext:
        context = console_tls(instance, {*self._socle.pins, *self._comptes.pins})
        return self._comptes.keep_trusting(self._socle.keep_trusting(context))

    def _read_epingles(self) -> tuple[bytes, ...]:
        with self._socle.engine.connect() as conn:
            return list_epingles(conn)
