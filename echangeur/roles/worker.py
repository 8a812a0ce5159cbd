"""The role `worker`: sends the distributions that are due, and offers the stock to back-fills.

Distributions by mail leave with the keys of mail: the processes of the role `courrier` send them, so that
those keys need be nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from dispatching.offres import Offreur
from dispatching.rattrapeur import run_rattrapages
from dispatching.transport import Accuse, Echec, Envoi, Remis, Transport
from dispatching.worker import Worker
from echangeur.instance import Instance
from echangeur.metriques.compteurs import TransportCompte, name_of
from echangeur.roles.courrier import RoleCourrier
from echangeur.roles.cycle import Epreuve
from echangeur.roles.epingles import cancel
from echangeur.roles.fichiers_tls import client_tls, present_again
from echangeur.roles.noms import NomRole
from echangeur.roles.socle import Socle
from echangeur.sante.anomalies import ENVOIS_ARRETES
from echangeur.telemetrie.etapes import TransportTrace
from registry.anomalies import Anomalie
from registry.guichets import CanalDistribution
from soap.client import Delais, DistributionClient

_log = structlog.get_logger("echangeur")


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
        if socle.traceur is not None:
            transports = {
                canal: TransportTrace(transport, socle.traceur, socle.engine)
                for canal, transport in transports.items()
            }
        self._worker = Worker(
            socle.engine,
            {
                canal: TransportCompte(
                    socle.greffes.around_sending(canal, transport), partial(self._count, canal)
                )
                for canal, transport in transports.items()
            },
            socle.clock,
            bail=bail,
            regles=configuration.remise.regles,
            conformite=socle.conformite,
            grace=timedelta(seconds=configuration.serveur.delai_arret),
        )

    @property
    def epreuves(self) -> Mapping[str, Epreuve]:
        """What is due is looked for as a turn does, and left."""
        return {self.nom: self._prove}

    async def _prove(self) -> Anomalie | None:
        attendu = "une session de la base, et de quoi prendre"
        if not self._worker.vivant:
            return ENVOIS_ARRETES("sa session de la base est perdue", attendu)
        try:
            await asyncio.to_thread(self._worker.try_to_take)
        except SQLAlchemyError as error:
            return ENVOIS_ARRETES(type(error).__name__, attendu)
        return None

    def _count(
        self, canal: CanalDistribution, envoi: Envoi, issue: Accuse | Remis | Echec, secondes: float
    ) -> None:
        _log.info(
            "tentative",
            distribution=str(envoi.id),
            rang=envoi.rang,
            canal=canal.value,
            guichet=envoi.guichet,
            issue=name_of(issue),
            ms=round(1000 * secondes),
        )
        self._socle.compteurs.count_tentative(canal, issue, secondes)

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
