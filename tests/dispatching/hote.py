"""A host that sends distributions: one process, in a network namespace of its own when it is given one.

``python -m tests.dispatching.hote ESPACE BASE PARTENAIRE NOM`` runs a worker until it is killed. The database
and the partner are reached by TCP, and by nothing else.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

import aiohttp

from dispatching.attempts import Bail
from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Statut
from dispatching.worker import Worker
from registry.clock import SystemClock
from registry.database import open_engine
from registry.guichets import CanalDistribution
from tests.secousses.pepiniere import enter_network

BAIL = Bail(timedelta(seconds=2), timedelta(seconds=1))


class ParHttp:
    """Posts the file, and takes the answer for the acknowledgement. nom: of the host."""

    def __init__(self, session: aiohttp.ClientSession, adresse: str, nom: str) -> None:
        self._session = session
        self._adresse = adresse
        self._nom = nom

    async def send(self, envoi: Envoi) -> Accuse | Echec:
        query = {"hote": self._nom, "guichet": envoi.guichet, "numero": envoi.numero, "id": str(envoi.id)}
        query["sequence"] = str(envoi.sequence)
        try:
            async with self._session.post(self._adresse, params=query, data=envoi.contenu) as answer:
                return Accuse(Statut(await answer.text()))
        except (aiohttp.ClientError, TimeoutError) as error:
            return Echec(GenreEchec.INJOIGNABLE, type(error).__name__)


async def serve(base: str, partenaire: str, nom: str) -> None:
    """Send what is due, for ever."""
    # A transaction left open by a host that is cut off ends by itself, as the hub asks of its database.
    engine = open_engine(base, repos_max=BAIL.duree)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        transports = {CanalDistribution.PUSH: ParHttp(session, partenaire, nom)}
        worker = Worker(engine, transports, SystemClock(), bail=BAIL, releve=timedelta(milliseconds=200))
        await worker.start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    espace, base, partenaire, nom = sys.argv[1:]
    if espace:
        enter_network(espace)
    asyncio.run(serve(base, partenaire, nom))
