"""The asynchronous edge put together: reception, handling, sending, as one thing that starts and stops."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from sqlalchemy import Engine

from mailflows.entrant import Entrant, Reglages
from mailflows.entrants import Pris
from mailflows.envoi import Guichetier, Identite, Sortie, TransportCourrier
from mailflows.expediteur import Expediteur, Relais
from mailflows.operations import Operations
from mailflows.ouverture import Cles, Identification
from mailflows.ouvrier import Ouvrier
from mailflows.reception_smtp import Ecoute, Reception
from mailflows.sortants import Depart
from registry.clock import Clock

PLACES: Final = 8
"""Messages handled at once: the handlers register together what comes together, which costs much less."""


class Boite(Protocol):
    """A mailbox that is read (`mailflows.releve_imap`)."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Parametres:
    """How this process does mail. ecoute: None when it listens to nobody. delai_accuse: of a distribution."""

    identite: Identite
    relais: Relais
    reglages: Reglages
    ecoute: Ecoute | None = None
    delai_accuse: timedelta = timedelta(hours=4)
    releve: float = 1.0
    grace: float = 10.0


class Courrier:
    """The asynchronous edge, between `start` and `stop`, on one event loop.

    transport: what the dispatching worker sends distributions of the channel `courrier` with.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        operations: Operations,
        identites: Identification,
        cles: Cles,
        parametres: Parametres,
        boites: Sequence[Boite] = (),
    ) -> None:
        self._expediteur = Expediteur(parametres.relais)
        guichetier = Guichetier(engine, clock, self._expediteur, parametres.identite)
        self.transport = TransportCourrier(
            engine, clock, guichetier, parametres.delai_accuse, parametres.reglages.fermeture
        )
        entrant = Entrant(engine, clock, operations, identites, cles, parametres.reglages)
        sortie = Sortie(engine, clock, guichetier, parametres.reglages.envoi)
        self._entrees: Ouvrier[Pris] = Ouvrier(
            engine,
            "courrier.entrant",
            entrant.look,
            entrant.handle,
            places=PLACES,
            releve=parametres.releve,
            grace=parametres.grace,
        )
        self._sorties: Ouvrier[Depart] = Ouvrier(
            engine,
            "courrier.sortant",
            sortie.look,
            sortie.send,
            places=parametres.relais.connexions,
            releve=parametres.releve,
            grace=parametres.grace,
        )
        self._reception = (
            None
            if parametres.ecoute is None
            else Reception(engine, clock, parametres.ecoute, self._entrees.wake)
        )
        self._boites = boites
        self._stack = contextlib.AsyncExitStack()

    async def start(self, sock: socket.socket | None = None) -> None:
        """Start; `sock` is bound for the listener. Raises psycopg.OperationalError without a database."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._expediteur.stop)
            await self._sorties.start()
            stack.push_async_callback(self._sorties.stop)
            await self._entrees.start()
            stack.push_async_callback(self._entrees.stop)
            for boite in self._boites:
                await boite.start()
                stack.push_async_callback(boite.stop)
            if self._reception is not None and sock is not None:
                await self._reception.start(sock)
                stack.push_async_callback(self._reception.stop)
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Take no more, then let what is in progress end."""
        await self._stack.aclose()
