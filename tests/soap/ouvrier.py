"""A worker in a process of its own, to be killed: ``python -m tests.soap.ouvrier BASE DOSSIER [DEPART]``.

DEPART: instant of the clock of the machine (seconds of Unix) at which that of the worker says RECU_LE, and
goes on from there; without it, it stays there. Several workers that are given the same agree on the time.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime, timedelta
from pathlib import Path

from certs.tls import client_context
from dispatching.attempts import Bail
from dispatching.disjoncteur import ReglesDisjoncteur
from dispatching.retry import ReglesRemise
from dispatching.worker import Worker
from registry.clock import Clock, FixedClock, SystemClock
from registry.database import open_engine
from registry.guichets import CanalDistribution
from soap.client import DistributionClient
from tests.registry.fabrique import RECU_LE

BAIL = Bail(timedelta(seconds=5), timedelta(seconds=1))
"""Short: the test that freezes a worker waits for its end."""
REGLES = ReglesRemise(disjoncteur=ReglesDisjoncteur(pause=timedelta(milliseconds=100)))


class _Depuis:
    """A clock that started at RECU_LE when that of the machine said `depart`."""

    def __init__(self, depart: float) -> None:
        self._systeme = SystemClock()
        self._ecart = RECU_LE - datetime.fromtimestamp(depart, RECU_LE.tzinfo)

    def now(self) -> datetime:
        return self._systeme.now() + self._ecart


async def main(url: str, folder: Path, clock: Clock) -> None:
    client = DistributionClient(client_context(folder / "ca.pem", folder / "cert.pem", folder / "key.pem"))
    await client.start()
    engine = open_engine(url, repos_max=BAIL.duree)
    worker = Worker(engine, {CanalDistribution.PUSH: client}, clock, bail=BAIL, regles=REGLES)
    await worker.start()
    print("prêt", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    _, base, dossier, *depart = sys.argv
    asyncio.run(main(base, Path(dossier), _Depuis(float(*depart)) if depart else FixedClock(RECU_LE)))
