"""A worker in a process of its own, to be killed: ``python -m tests.soap.ouvrier BASE DOSSIER``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from certs.tls import client_context
from dispatching.worker import Worker
from registry.clock import FixedClock
from registry.database import open_engine
from registry.guichets import CanalDistribution
from soap.client import DistributionClient
from tests.registry.fabrique import RECU_LE


async def main(url: str, folder: Path) -> None:
    client = DistributionClient(client_context(folder / "ca.pem", folder / "cert.pem", folder / "key.pem"))
    await client.start()
    worker = Worker(open_engine(url), {CanalDistribution.PUSH: client}, FixedClock(RECU_LE))
    await worker.start()
    print("prêt", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
