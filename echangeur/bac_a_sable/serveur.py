"""The hub of a sandbox: that of every instance, with its own clock and with grafts that carry out the
values."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Final

import msgspec
import structlog
from aiohttp.typedefs import Middleware
from sqlalchemy.exc import SQLAlchemyError

from dispatching.transport import Transport
from echangeur.bac_a_sable.appels import Appels
from echangeur.bac_a_sable.courriers import around_mail
from echangeur.bac_a_sable.dossier import Bac
from echangeur.bac_a_sable.lieux import BOITES
from echangeur.bac_a_sable.provocations import Souvenirs
from echangeur.bac_a_sable.relais import Relais, Suivant
from echangeur.bac_a_sable.remises import RemiseProvoquee
from echangeur.composition import Ports, Pret, run
from echangeur.ecoute import bind
from echangeur.metriques.compteurs import ExecutionCourrier
from echangeur.roles.epingles import cancel
from echangeur.roles.metier import Metier
from registry.guichets import CanalDistribution
from soap.spyne_engine import Executant

_log = structlog.get_logger("echangeur")

HOTE: Final = "127.0.0.1"
_VEILLE_S: Final = 0.2
"""Seconds between two looks at the epoch of the clock: how long the memory of filters is that of before."""


class GreffesDuBac:
    """What a sandbox puts around the parts of its hub (`echangeur.roles.greffes.Greffes`)."""

    def __init__(self, bac: Bac, relais: Relais, sock: socket.socket) -> None:
        self._bac = bac
        self._relais = relais
        self._sock = sock
        self._souvenirs = Souvenirs(bac.horloge)
        self._appels = Appels(bac.horloge, self._souvenirs)

    @property
    def intergiciels(self) -> Sequence[Middleware]:
        return (self._appels.middleware,)

    def around_calls(self, metier: Metier, executant: Executant) -> Executant:
        return self._appels.around(executant, metier.refus.keep)

    def around_mail(self, metier: Metier, execution: ExecutionCourrier) -> ExecutionCourrier:
        return around_mail(metier, self._souvenirs, execution)

    def around_sending(self, canal: CanalDistribution, transport: Transport) -> Transport:
        autorites = self._bac.instance.path(self._bac.instance.configuration.distribution.autorites)
        return RemiseProvoquee(canal, transport, self._relais, autorites)

    @contextlib.asynccontextmanager
    async def around_life(self, metier: Metier) -> AsyncIterator[None]:
        """The relay, and a look at the epoch: whoever puts the stock back is another process."""
        async with self._relais.serving(self._sock):
            watch = asyncio.create_task(self._watch(metier), name="époque")
            try:
                yield
            finally:
                await cancel(watch)

    async def _watch(self, metier: Metier) -> None:
        epoque = self._bac.horloge.etat.epoque
        while True:
            await asyncio.sleep(_VEILLE_S)
            if (now := self._bac.horloge.etat.epoque) == epoque:
                continue
            try:
                await asyncio.to_thread(metier.read_again)
            except SQLAlchemyError as error:
                _log.warning("filtres illisibles", erreur=type(error).__name__)
            else:
                epoque = now


def serve(bac: Bac, *, port: int, suivant: Suivant | None, announce: Callable[[Pret], None]) -> None:
    """Serve until Ctrl-C or SIGTERM. port: of the services, 0 for any free one everywhere; the console takes
    the next one, and mail that of the configuration. Raises MauvaisUsage when it cannot start."""
    with contextlib.closing(bind(HOTE, 0)) as sock:
        configuration = bac.instance.configuration
        replaced = msgspec.structs.replace(
            configuration,
            relais=msgspec.structs.replace(configuration.relais, port=sock.getsockname()[1]),
            courrier=msgspec.structs.replace(
                configuration.courrier, port=configuration.courrier.port if port else 0
            ),
        )
        instance = replace(bac.instance, configuration=replaced)
        greffes = GreffesDuBac(bac, Relais(bac.dossier / BOITES, suivant), sock)
        ports = Ports(HOTE, port, port + 1 if port else 0)
        run(instance, bac.horloge, roles=(), ports=ports, announce=announce, greffes=greffes)
