"""The life of the roles of a process: start, ready, withdrawn, drained, stopped.

::

    DEMARRAGE --start--> PRET --signal--> RETRAIT --delay--> ARRET

*Withdrawn*, everything is still served, and readiness says no: a proxy has the time to send its calls
elsewhere. *Drained*, nothing new is accepted and what is in progress ends. Each step is bounded: a role that
does not end in time is named in the log, and the others are stopped all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final, Protocol

import structlog

from echangeur.instance import Instance
from echangeur.roles.noms import NomRole
from registry.anomalies import Anomalie

_log = structlog.get_logger("echangeur")

MARGE: Final = 5.0
"""Seconds left to a role beyond what it promises, to close what it holds."""


Epreuve = Callable[[], Awaitable[Anomalie | None]]
"""A round trip: what is wrong, or None."""


class Phase(StrEnum):
    """Where a process is in its life."""

    DEMARRAGE = "demarrage"
    PRET = "pret"
    RETRAIT = "retrait"
    ARRET = "arret"


class Role(Protocol):
    """One role of a process. epreuves: how it proves that it serves, by name."""

    @property
    def nom(self) -> NomRole: ...

    @property
    def epreuves(self) -> Mapping[str, Epreuve]: ...

    async def start(self) -> None:
        """Be ready to serve when this returns. Raises MauvaisUsage when it cannot."""
        ...

    async def drain(self) -> None:
        """Accept nothing new, and let what is in progress end."""
        ...

    async def stop(self) -> None:
        """Close what is left; the database still answers."""
        ...

    async def reload(self, instance: Instance) -> None:
        """Take up the files of certificates again. Raises MauvaisUsage, and goes on as before."""
        ...


class Cycle:
    """The roles of one process. retrait: seconds between the signal and the drain. delai: seconds that a role
    promises to drain in; it may need as many again for what it closes."""

    def __init__(self, roles: Sequence[Role], *, retrait: float = 0.0, delai: float = 10.0) -> None:
        self._roles = roles
        self._started: list[Role] = []
        self._retrait = retrait
        self._delai = delai
        self.phase = Phase.DEMARRAGE

    @property
    def borne(self) -> float:
        """Seconds that `stop` takes at the very most."""
        return self._retrait + (self._delai + MARGE) + len(self._roles) * (2 * self._delai + MARGE)

    @property
    def epreuves(self) -> Mapping[str, Epreuve]:
        """The proofs of all of them, by name."""
        return {nom: epreuve for role in self._roles for nom, epreuve in role.epreuves.items()}

    async def start(self) -> None:
        """Start them in order. When one cannot, those before it are stopped and its error is raised."""
        try:
            for role in self._roles:
                self._started.append(role)
                await role.start()
        except BaseException:
            await self.stop()
            raise
        self.phase = Phase.PRET

    async def stop(self) -> None:
        """Withdraw, drain all of them together, then stop them one by one, the last started first."""
        if self.phase is Phase.PRET and self._retrait:
            self.phase = Phase.RETRAIT
            _log.info("retrait", secondes=self._retrait)
            await asyncio.sleep(self._retrait)
        self.phase = Phase.ARRET
        drains = (_bounded(role.nom, "drain", role.drain(), self._delai + MARGE) for role in self._started)
        await asyncio.gather(*drains)
        while self._started:
            role = self._started.pop()
            await _bounded(role.nom, "arrêt", role.stop(), 2 * self._delai + MARGE)

    async def reload(self, instance: Instance) -> None:
        """Have each take up its files again. Raises the MauvaisUsage of the first that cannot."""
        for role in self._started:
            await role.reload(instance)


async def _bounded(nom: NomRole, etape: str, travail: Awaitable[None], secondes: float) -> None:
    try:
        async with asyncio.timeout(secondes):
            await travail
    except TimeoutError:
        _log.error("rôle non terminé à temps", role=nom, etape=etape, secondes=secondes)
    except Exception as error:  # noqa: BLE001 - told, and the other roles are stopped all the same
        _log.error("rôle mal arrêté", role=nom, etape=etape, erreur=type(error).__name__)
