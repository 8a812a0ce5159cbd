"""The role `worker`: sends the distributions that are due, and offers the stock to back-fills.

Distributions by mail leave with the keys of mail: the processes of the role `courrier` send them, so that
those keys need be nowhere else.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from dispatching.offres import Offreur
from dispatching.rattrapeur import run_rattrapages
from dispatching.transport import Transport
from dispatching.worker import Worker
from echangeur.instance import Instance
from echangeur.roles.courrier import RoleCourrier
from echangeur.roles.fichiers_tls import client_tls, present_again
from echangeur.roles.noms import NomRole
from echangeur.roles.socle import Socle, cancel
from registry.guichets import CanalDistribution
from soap.client import Delais, DistributionClient


class RoleWorker:
    """Sends by the channels of this process. push: by web service, and back-fills with it.
    courrier: the role that sends by mail, when this process has it."""

    nom: Final = NomRole.WORKER

    def __init__(self, socle: Socle, *, push: bool, courrier: RoleCourrier | None) -> None:
        configuration = socle.instance.configuration
        bail = configuration.remise.bail
        self._socle = socle
        self._client: DistributionClient | None = None
        self._offres: asyncio.Task[None] | None = None
        transports: dict[CanalDistribution, Transport] = {}
        if push:
            self._tls = client_tls(socle.instance)
            delais = Delais(min(Delais().connexion, bail.envoi_max), bail.envoi_max)
            self._client = DistributionClient(self._tls, delais=delais)
            transports[CanalDistribution.PUSH] = self._client
        if courrier is not None:
            transports[CanalDistribution.COURRIER] = courrier.service.transport
        self._worker = Worker(
            socle.engine,
            transports,
            socle.clock,
            bail=bail,
            regles=configuration.remise.regles,
            grace=timedelta(seconds=configuration.serveur.delai_arret),
        )

    async def start(self) -> None:
        """Serve the guichets. Raises psycopg.OperationalError when the database cannot be reached."""
        if self._client is not None:
            await self._client.start()
        await self._worker.start()
        if self._client is not None:
            offreur = Offreur(self._socle.clock)
            self._offres = asyncio.create_task(
                run_rattrapages(self._socle.engine, offreur), name="rattrapages"
            )

    async def drain(self) -> None:
        """Take no more, and let the sendings in progress end; those left are sent again by another."""
        if self._offres is not None:
            await cancel(self._offres)
        await self._worker.stop()

    async def stop(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.stop()

    async def reload(self, instance: Instance) -> None:
        """Present to the partners the certificate as it now is."""
        if self._client is not None:
            client_tls(instance)
            distribution = instance.configuration.distribution
            present_again(self._tls, instance, distribution.certificat, distribution.cle)
