"""A process that watches: ``python -m tests.mailflows.alertes_enfant DATABASE PORT INSTANT STEP TURNS``.

STEP: where it kills itself, as a power cut would: `garde`, once what is to be told is kept; `remis`, once the
relay has the mail and before that is written; or `jamais`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import datetime
from uuid import UUID

from mailflows.alertes.reglages import Alertes
from mailflows.alertes.veilleur import Bilan, Veille, Veilleur
from mailflows.expediteur import Expediteur, NonParti, Parti, Relais, Securite
from registry.clock import FixedClock
from registry.database import open_engine

EXPLOITANT = "astreinte@hub.example"
HUB = "echangeur@hub.example"
REGLAGES = Alertes(exploitants=(EXPLOITANT,), confirmation=0, apaisement=0, groupage=0)
CONSOLE = "https://console.example"


def relay(port: int) -> Expediteur:
    return Expediteur(Relais("127.0.0.1", port, HUB, Securite.AUCUNE, delai=5))


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class VeilleurMortel(Veilleur):
    """Dies once what is to be told is kept."""

    def keep(self) -> Bilan:
        super().keep()
        die()
        raise AssertionError


class RelaisMortel(Expediteur):
    """Dies once the relay has the mail."""

    async def send(self, identifiant: UUID, destinataire: str, mail: bytes) -> Parti | NonParti:
        await super().send(identifiant, destinataire, mail)
        die()
        raise AssertionError


async def main(url: str, port: int, instant: str, step: str, turns: int) -> None:
    engine = open_engine(url)
    clock = FixedClock(datetime.fromisoformat(instant))
    expediteur = relay(port)
    if step == "remis":
        expediteur = RelaisMortel(Relais("127.0.0.1", port, HUB, Securite.AUCUNE, delai=5))
    genre = VeilleurMortel if step == "garde" else Veilleur
    veilleur = genre(engine, clock, Veille(REGLAGES, HUB, lien=CONSOLE), expediteur)
    # Whoever started several lets them go together.
    engine.connect().close()
    print("prêt", flush=True)
    sys.stdin.readline()
    for _ in range(turns):
        await veilleur.tour()
    engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])))
