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
from functools import partial
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import generate_latest

from certs import tls
from echangeur.alertes import Battement, create_veilleur, watch
from echangeur.ecoute import bind, url_of
from echangeur.instance import Instance
from echangeur.journaux import configure_logs
from echangeur.memoire import give_back_large_blocks
from echangeur.metriques.base import Base
from echangeur.metriques.processus import Processus
from echangeur.roles import notification
from echangeur.roles.console import RoleConsole
from echangeur.roles.courrier import RoleCourrier
from echangeur.roles.cycle import MARGE, Cycle, Epreuve, Role
from echangeur.roles.epingles import cancel
from echangeur.roles.greffes import AUCUNE, Greffes
from echangeur.roles.http import Ecouteur
from echangeur.roles.metier import Metier
from echangeur.roles.noms import NomRole, RoleDemande, roles_of
from echangeur.roles.rechargement import reload
from echangeur.roles.soap import RoleSoap
from echangeur.roles.socle import Socle
from echangeur.roles.worker import RoleWorker
from echangeur.sante.ecoute import announced, create_administration
from echangeur.sante.epreuves import prove_alertes, prove_base
from echangeur.sante.etat import Sante
from echangeur.sortie import MauvaisUsage
from echangeur.telemetrie import create_traceur
from registry.clock import Clock
from registry.database import SchemaInconnu, upgrade
from soap.services import SERVICES

_log = structlog.get_logger("echangeur")

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
    administration: int | None = None


Announce = Callable[[Pret], None]
"""Called once when connections are accepted."""


def run(
    instance: Instance,
    clock: Clock,
    *,
    roles: Collection[RoleDemande],
    ports: Ports,
    announce: Announce,
    greffes: Greffes = AUCUNE,
) -> None:
    """Serve `instance` until SIGTERM or SIGINT. Raises MauvaisUsage when it cannot start.

    greffes: what is put around the parts; a hub in production has none.
    """
    noms = roles_of(roles, instance.configuration)
    configure_logs()
    give_back_large_blocks()
    tls.bound_buffers()
    admin = instance.configuration.administration
    port = admin.port if ports.administration is None else ports.administration
    with (
        _listening(instance, noms, ports) as ecoutes,
        contextlib.closing(bind(admin.adresse, port)) as administration,
        _stoppable(),
        instance.database(
            pool_size=instance.configuration.base.connexions,
            repos_max=max(instance.configuration.remise.bail.duree, _REPOS_MIN),
        ) as engine,
    ):
        try:
            upgrade(engine)
        except SchemaInconnu as error:
            raise MauvaisUsage(
                str(error), "Servez cette base avec le programme qui l'a mise à niveau, ou un plus récent."
            ) from error
        socle = Socle(instance, engine, clock, create_traceur(instance.configuration, noms), greffes=greffes)
        asyncio.run(_serve(socle, noms, ecoutes, administration, announce))


@contextlib.contextmanager
def _listening(
    instance: Instance, noms: Collection[NomRole], ports: Ports
) -> Iterator[Mapping[NomRole, socket.socket]]:
    """The sockets of the roles that listen, taken before anything is started."""
    configuration = instance.configuration
    serveur, courrier, console = configuration.serveur, configuration.courrier, configuration.console
    port = serveur.port if ports.soap is None else ports.soap
    # Who takes any free port for one takes any free port for the other.
    autre = ports.console if ports.console is not None else console.port if port else 0
    places = {
        NomRole.SOAP: (ports.adresse or serveur.adresse, port),
        NomRole.CONSOLE: (ports.adresse or console.adresse, autre),
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
    socle: Socle,
    noms: Collection[NomRole],
    ecoutes: Mapping[NomRole, socket.socket],
    administration: socket.socket,
    announce: Announce,
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
        metier = Metier(socle)
        if NomRole.SOAP in noms or NomRole.COURRIER in noms:
            await metier.start()
            stack.push_async_callback(metier.stop)
        await stack.enter_async_context(socle.greffes.around_life(metier))
        roles = _create_roles(socle, metier, noms, ecoutes)
        cycle = Cycle(roles, retrait=serveur.delai_retrait, delai=serveur.delai_arret)
        await cycle.start()
        sante = await _administer(socle, metier, noms, cycle, administration, stack)
        stack.push_async_callback(cycle.stop)
        _watch(socle, noms, sante, stack)
        stack.push_async_callback(cancel, asyncio.create_task(_reload_when_told(again, cycle, socle)))
        # What is alive now lives as long as the process: the collector need not walk it again and again.
        gc.collect()
        gc.freeze()
        pret = _pret(ecoutes)
        announce(pret)
        notification.notify(notification.PRET)
        stack.push_async_callback(cancel, asyncio.create_task(notification.keep_alive()))
        _log.info("prêt", roles=list(noms), adresse=pret.soap, console=pret.console)
        await stop.wait()
        notification.notify(notification.ARRET)
        _log.info("arrêt demandé", borne=cycle.borne)


def _create_roles(
    socle: Socle, metier: Metier, noms: Collection[NomRole], ecoutes: Mapping[NomRole, socket.socket]
) -> list[Role]:
    """The roles, in the order of the start."""
    roles: list[Role] = []
    courrier: RoleCourrier | None = None
    if NomRole.COURRIER in noms:
        courrier = RoleCourrier(socle, metier, ecoutes.get(NomRole.COURRIER))
        roles.append(courrier)
    push = NomRole.WORKER in noms
    if push or (courrier is not None and socle.instance.configuration.distribution.active):
        roles.append(RoleWorker(socle, push=push, courrier=courrier))
    if NomRole.SOAP in noms:
        roles.append(RoleSoap(socle, metier, ecoutes[NomRole.SOAP]))
    if NomRole.CONSOLE in noms:
        roles.append(RoleConsole(socle, ecoutes[NomRole.CONSOLE]))
    return roles


async def _administer(
    socle: Socle,
    metier: Metier,
    noms: Collection[NomRole],
    cycle: Cycle,
    sock: socket.socket,
    stack: contextlib.AsyncExitStack,
) -> Sante:
    """Answer those who operate this process, from its readiness to the end of its drain; its health."""
    configuration = socle.instance.configuration
    edges = NomRole.SOAP in noms or NomRole.COURRIER in noms
    siens = {configuration.serveur.certificat, configuration.distribution.certificat}
    fichiers = sorted(socle.instance.path(each) for each in siens)
    registre = socle.compteurs.registre
    registre.register(Processus(socle.engine, (lambda: metier.filtres) if edges else None))
    registre.register(Base(socle.engine, socle.clock, fichiers))
    roles = tuple(noms)
    epreuves: dict[str, Epreuve] = {"base": partial(prove_base, socle.engine), **cycle.epreuves}
    fraicheur = configuration.administration.fraicheur
    avertir: dict[str, Epreuve] = {"alertes": partial(prove_alertes, socle.engine, socle.clock)}
    sante = Sante(
        epreuves, lambda: cycle.phase, socle.clock, roles=roles, fraicheur=fraicheur, avertir=avertir
    )
    app = create_administration(sante, lambda: generate_latest(registre))
    adresse = stack.enter_context(announced(socle.instance.dossier, sock, roles))
    ecouteur = Ecouteur(web.AppRunner(app, access_log=None), sock, MARGE)
    await ecouteur.start(None)
    stack.push_async_callback(ecouteur.drain)
    _log.info("administration", adresse=adresse)
    return sante


def _watch(socle: Socle, noms: Collection[NomRole], sante: Sante, stack: contextlib.AsyncExitStack) -> None:
    """Tell that this process lives; and watch the hub, if it is one that sends."""
    reglages = socle.instance.configuration.alertes
    if not reglages.actives:
        return
    battement = Battement(socle.instance, socle.engine, socle.clock, sante, tuple(noms))
    stack.push_async_callback(cancel, asyncio.create_task(battement.run(), name="battement"))
    if NomRole.WORKER not in noms and NomRole.COURRIER not in noms:
        return
    try:
        veilleur = create_veilleur(socle.instance, socle.engine, socle.clock)
    except MauvaisUsage as error:
        # It may well have none of the files of the relay: another process has them.
        _log.warning("surveillance laissée aux autres processus", raison=error.message)
        return
    stack.push_async_callback(cancel, asyncio.create_task(watch(veilleur, reglages.cadence), name="veille"))


async def _reload_when_told(told: asyncio.Event, cycle: Cycle, socle: Socle) -> None:
    while True:
        await told.wait()
        told.clear()
        notification.notify(notification.reloading())
        await reload(cycle, socle.instance)
        notification.notify(notification.PRET)


def _pret(ecoutes: Mapping[NomRole, socket.socket]) -> Pret:
    urls = {nom: url_of(sock) for nom, sock in ecoutes.items()}
    return Pret(
        soap=urls.get(NomRole.SOAP, ""),
        services=tuple(service.nom for service in SERVICES) if NomRole.SOAP in urls else (),
        reception=urls.get(NomRole.COURRIER, "").removeprefix("https://"),
        console=urls.get(NomRole.CONSOLE, ""),
    )
