"""Wiring: the one place where the parts are put together into a server process.

Start: ports, database (migrated), what the roles share, then the roles (`echangeur.roles`). Stop: the
reverse, so that nothing is accepted that could not be finished.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from certs import tls
from echangeur.ecoute import bind, url_of
from echangeur.instance import Instance
from echangeur.journaux import configure_logs
from echangeur.memoire import give_back_large_blocks
from echangeur.roles.console import FabriqueConsole, RoleConsole
from echangeur.roles.courrier import RoleCourrier
from echangeur.roles.cycle import Cycle, Role
from echangeur.roles.metier import Metier
from echangeur.roles.noms import NomRole, RoleDemande, roles_of
from echangeur.roles.rechargement import reload
from echangeur.roles.soap import RoleSoap
from echangeur.roles.socle import Socle, cancel
from echangeur.roles.worker import RoleWorker
from echangeur.sortie import MauvaisUsage
from registry.clock import Clock
from registry.database import upgrade
from soap.services import SERVICES

_log = structlog.get_logger("echangeur")

CONSOLE: Final[FabriqueConsole | None] = None
"""What makes the application of the console; None while this program has none."""

_REPOS_MIN: Final = timedelta(minutes=1)
"""A transaction that stays idle for less is that of a busy process, not of a frozen one."""


@dataclass(frozen=True, slots=True)
class Pret:
    """Where a process that is ready is reached; each is empty when it has no such role.

    soap, console: base addresses; services: names of the SOAP services; reception: ``host:port`` of mail.
    """

    soap: str = ""
    services: tuple[str, ...] = ()
    reception: str = ""
    console: str = ""


@dataclass(frozen=True, slots=True)
class Ports:
    """What the command line says in place of the configuration; None leaves it."""

    adresse: str | None = None
    soap: int | None = None
    console: int | None = None


Announce = Callable[[Pret], None]
"""Called once when connections are accepted."""


def run(
    instance: Instance, clock: Clock, *, roles: Collection[RoleDemande], ports: Ports, announce: Announce
) -> None:
    """Serve `instance` until SIGTERM or SIGINT. Raises MauvaisUsage when it cannot start."""
    noms = roles_of(roles, instance.configuration)
    configure_logs()
    give_back_large_blocks()
    tls.bound_buffers()
    with (
        _listening(instance, noms, ports) as ecoutes,
        _stoppable(),
        instance.database(
            pool_size=instance.configuration.base.connexions,
            repos_max=max(instance.configuration.remise.bail.duree, _REPOS_MIN),
        ) as engine,
    ):
        upgrade(engine)
        asyncio.run(_serve(Socle(instance, engine, clock), noms, ecoutes, announce))


@contextlib.contextmanager
def _listening(
    instance: Instance, noms: Collection[NomRole], ports: Ports
) -> Iterator[Mapping[NomRole, socket.socket]]:
    """The sockets of the roles that listen, taken before anything is started."""
    configuration = instance.configuration
    serveur, courrier, console = configuration.serveur, configuration.courrier, configuration.console
    places = {
        NomRole.SOAP: (ports.adresse or serveur.adresse, serveur.port if ports.soap is None else ports.soap),
        NomRole.CONSOLE: (
            ports.adresse or console.adresse,
            console.port if ports.console is None else ports.console,
        ),
    }
    if courrier.ecoute:
        places[NomRole.COURRIER] = (courrier.ecoute, courrier.port)
    with contextlib.ExitStack() as stack:
        yield {
            nom: stack.enter_context(contextlib.closing(bind(*places[nom]))) for nom in noms if nom in places
        }


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM end a start in progress as Ctrl-C does: the embedded database is then left properly."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


async def _serve(
    socle: Socle, noms: Collection[NomRole], ecoutes: Mapping[NomRole, socket.socket], announce: Announce
) -> None:
    stop, again = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, again.set)
    serveur = socle.instance.configuration.serveur
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(socle.stop)
        await socle.start()
        roles = await _create_roles(socle, noms, ecoutes, stack)
        cycle = Cycle(roles, retrait=serveur.delai_retrait, delai=serveur.delai_arret)
        await cycle.start()
        stack.push_async_callback(cycle.stop)
        stack.push_async_callback(cancel, asyncio.create_task(_reload_when_told(again, cycle, socle)))
        # What is alive now lives as long as the process: the collector need not walk it again and again.
        gc.collect()
        gc.freeze()
        pret = _pret(ecoutes)
        announce(pret)
        _log.info("prêt", roles=list(noms), adresse=pret.soap, console=pret.console)
        await stop.wait()
        _log.info("arrêt demandé", borne=cycle.borne)


async def _create_roles(
    socle: Socle,
    noms: Collection[NomRole],
    ecoutes: Mapping[NomRole, socket.socket],
    stack: contextlib.AsyncExitStack,
) -> list[Role]:
    """The roles, in the order of the start; the handlers, when one of them needs them, are started."""
    roles: list[Role] = []
    courrier: RoleCourrier | None = None
    metier = Metier(socle)
    if NomRole.SOAP in noms or NomRole.COURRIER in noms:
        await metier.start()
        stack.push_async_callback(metier.stop)
    if NomRole.COURRIER in noms:
        courrier = RoleCourrier(socle, metier, ecoutes.get(NomRole.COURRIER))
        roles.append(courrier)
    push = NomRole.WORKER in noms
    if push or (courrier is not None and socle.instance.configuration.distribution.active):
        roles.append(RoleWorker(socle, push=push, courrier=courrier))
    if NomRole.SOAP in noms:
        roles.append(RoleSoap(socle, metier, ecoutes[NomRole.SOAP]))
    if NomRole.CONSOLE in noms:
        if CONSOLE is None:
            raise MauvaisUsage("Ce programme n'a pas de console.", "Écrivez console.active = false.")
        roles.append(RoleConsole(socle, ecoutes[NomRole.CONSOLE], CONSOLE))
    return roles


async def _reload_when_told(told: asyncio.Event, cycle: Cycle, socle: Socle) -> None:
    while True:
        await told.wait()
        told.clear()
        await reload(cycle, socle.instance)


def _pret(ecoutes: Mapping[NomRole, socket.socket]) -> Pret:
    urls = {nom: url_of(sock) for nom, sock in ecoutes.items()}
    return Pret(
        soap=urls.get(NomRole.SOAP, ""),
        services=tuple(service.nom for service in SERVICES) if NomRole.SOAP in urls else (),
        reception=urls.get(NomRole.COURRIER, "").removeprefix("https://"),
        console=urls.get(NomRole.CONSOLE, ""),
    )
