"""Wiring: the one place where the parts are put together into a server process.

Start: port, database (migrated), TLS, handlers, distribution worker, then the listening. Stop: the reverse,
so that nothing is accepted that could not be finished.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from certs import tls
from dispatching.decision import Distributeur, Sortie
from dispatching.handlers_retrait import Retraits
from dispatching.offres import Offreur
from dispatching.rattrapeur import run_rattrapages
from dispatching.transport import Transport
from dispatching.veille import Veille
from dispatching.worker import Worker
from echangeur.confiance import charge_of, watch_verdicts
from echangeur.config import Configuration
from echangeur.courrier import create_courrier
from echangeur.ecoute import bind, url_of
from echangeur.instance import Instance
from echangeur.journaux import configure_logs
from echangeur.memoire import give_back_large_blocks
from echangeur.refus import RefusDuBord
from echangeur.sortie import MauvaisUsage
from mailflows.operations import Operations as OperationsCourrier
from mailflows.operations_distribution import OperationsDistribution
from mailflows.service import Courrier
from registry.attestations import Attestations, Politique
from registry.certificats import Identites
from registry.clock import Clock
from registry.database import upgrade
from registry.gestion_partagee import GestionPartagee
from registry.guichets import CanalDistribution, TypeGuichet
from registry.handlers import Traitement
from registry.handlers_dalo import TraitementDalo
from registry.handlers_pieces import DossierUnique
from registry.projection import Projection
from registry.verdicts_certificats import judge_all
from soap.client import Delais, DistributionClient
from soap.operations_dalo import operations_dalo
from soap.operations_distribution import operations_distribution
from soap.operations_partagee import operations_partagee
from soap.operations_pieces import operations_pieces
from soap.operations_portail import operations_portail
from soap.server import Limites, create_app, create_runner
from soap.services import SERVICES

_log = structlog.get_logger("echangeur")

Announce = Callable[[str, tuple[str, ...], str], None]
"""Called once when connections are accepted: base address, names of the services, where mail is received
(host:port, or empty)."""

_PIN_PERIOD: Final = 1.0
"""Seconds between two looks at the pins: a certificate registered while the server runs is let through the
handshake within that time, whatever its authority. One small query a second."""

_REPOS_MIN: Final = timedelta(minutes=1)
"""A transaction that stays idle for less is that of a busy process, not of a frozen one."""


def run(
    instance: Instance, clock: Clock, *, adresse: str | None, port: int | None, announce: Announce
) -> None:
    """Serve `instance` until SIGTERM or SIGINT. Raises MauvaisUsage when it cannot start."""
    configure_logs()
    give_back_large_blocks()
    tls.bound_buffers()
    settings = instance.configuration.serveur
    sock = bind(adresse or settings.adresse, settings.port if port is None else port)
    mail = instance.configuration.courrier
    lettres = bind(mail.ecoute, mail.port) if mail.actif and mail.ecoute else None
    with (
        contextlib.closing(sock),
        contextlib.nullcontext() if lettres is None else contextlib.closing(lettres),
        _stoppable(),
        instance.database(
            pool_size=instance.configuration.base.connexions,
            repos_max=max(instance.configuration.remise.bail.duree, _REPOS_MIN),
        ) as engine,
    ):
        upgrade(engine)
        asyncio.run(_serve(instance, engine, clock, sock, lettres, announce))


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM end a start in progress as Ctrl-C does: the embedded database is then left properly."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


async def _serve(
    instance: Instance,
    engine: Engine,
    clock: Clock,
    sock: socket.socket,
    lettres: socket.socket | None,
    announce: Announce,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with _services(instance, engine, clock, sock, lettres):
        # What is alive now lives as long as the process: the collector need not walk it again and again.
        gc.collect()
        gc.freeze()
        reception = "" if lettres is None else url_of(lettres).removeprefix("https://")
        announce(url_of(sock), tuple(service.nom for service in SERVICES), reception)
        _log.info("prêt", adresse=url_of(sock))
        await stop.wait()
        _log.info("arrêt demandé")


@asynccontextmanager
async def _services(
    instance: Instance, engine: Engine, clock: Clock, sock: socket.socket, lettres: socket.socket | None
) -> AsyncIterator[None]:
    configuration = instance.configuration
    identites = Identites(engine, clock)
    # Before anything is accepted: a partner whose certificate was revoked meanwhile does not slip in.
    verdicts = charge_of(configuration)
    await asyncio.to_thread(judge_all, engine, verdicts, instant=clock.now())
    pins = await asyncio.to_thread(identites.epingles)
    context = server_tls(instance, pins)
    distributeur = Distributeur(clock, Sortie(configuration.distribution.sortie))
    with engine.begin() as conn:
        distributeur.warm(conn)
    decideur = Projection(distributeur)
    traitement = Traitement(engine, clock, decideur, regles=configuration.regles)
    declarants = frozenset(map(TypeGuichet, configuration.regles.dalo_declarants))
    dalo = TraitementDalo(engine, clock, decideur, declarants=declarants)
    gestion = GestionPartagee(engine, clock, limites=configuration.recherche)
    dossier = DossierUnique(engine, clock, limites=configuration.pieces)
    retraits = Retraits(engine, clock)
    async with contextlib.AsyncExitStack() as stack:
        veille = Veille(engine, distributeur)
        await veille.start()
        stack.push_async_callback(veille.stop)
        await traitement.start()
        stack.push_async_callback(traitement.stop)
        await dalo.start()
        stack.push_async_callback(dalo.stop)
        await gestion.start()
        stack.push_async_callback(gestion.stop)
        await dossier.start()
        stack.push_async_callback(dossier.stop)
        await retraits.start()
        stack.push_async_callback(retraits.stop)
        refus = RefusDuBord(engine, clock)
        refus.start()
        stack.push_async_callback(refus.stop)
        stack.push_async_callback(_cancel, asyncio.create_task(_watch_pins(identites, context, set(pins))))
        stack.push_async_callback(_cancel, asyncio.create_task(watch_verdicts(engine, clock, verdicts)))
        limites = Limites(
            configuration.serveur.taille_max,
            configuration.serveur.delai_lecture,
            configuration.pieces.taille_max,
        )
        attestations = _attestations(configuration, engine)
        await attestations.start()
        stack.push_async_callback(attestations.stop)
        courrier = None
        if configuration.courrier.actif:
            distributions = OperationsDistribution(retraits, clock)
            operations = OperationsCourrier(traitement, dalo, distributions, refus.keep, attestations)
            courrier = create_courrier(
                instance, engine, clock, operations, identites, mail_tls(instance, lettres)
            )
            await courrier.start(lettres)
            stack.push_async_callback(courrier.stop)
        if configuration.distribution.active:
            await _start_distribution(stack, instance, engine, clock, courrier)
        app = create_app(
            traitement,
            identites,
            clock,
            limites=limites,
            refuser=refus.keep,
            attestations=attestations,
            autres={
                **operations_partagee(gestion),
                **operations_dalo(dalo, clock, refus.keep),
                **operations_pieces(dossier),
                **operations_distribution(retraits),
                **operations_portail(traitement.portail, clock, attestations),
            },
        )
        runner = create_runner(app)
        await runner.setup()
        stack.push_async_callback(_close, runner, configuration.serveur.delai_arret)
        await web.SockSite(runner, sock, ssl_context=context).start()
        yield


def _attestations(configuration: Configuration, engine: Engine) -> Attestations:
    settings = configuration.attestation
    return Attestations(
        engine,
        politique=Politique(settings.politique),
        regles=configuration.regles,
        portail=settings.portail,
    )


async def _start_distribution(
    stack: contextlib.AsyncExitStack,
    instance: Instance,
    engine: Engine,
    clock: Clock,
    courrier: Courrier | None,
) -> None:
    remise = instance.configuration.remise
    bail = remise.bail
    client = DistributionClient(
        client_tls(instance),
        delais=Delais(min(Delais().connexion, bail.envoi_max), bail.envoi_max),
    )
    await client.start()
    stack.push_async_callback(client.stop)
    transports: dict[CanalDistribution, Transport] = {CanalDistribution.PUSH: client}
    if courrier is not None:
        transports[CanalDistribution.COURRIER] = courrier.transport
    worker = Worker(
        engine,
        transports,
        clock,
        bail=bail,
        regles=remise.regles,
        grace=timedelta(seconds=instance.configuration.serveur.delai_arret),
    )
    await worker.start()
    stack.push_async_callback(worker.stop)
    offres = asyncio.create_task(run_rattrapages(engine, Offreur(clock)), name="rattrapages")
    stack.push_async_callback(_cancel, offres)


def server_tls(instance: Instance, pins: tuple[bytes, ...]) -> ssl.SSLContext:
    """The TLS context of the server. Raises MauvaisUsage when its files cannot be read."""
    settings = instance.configuration.serveur
    certificat, cle, autorites = map(instance.path, (settings.certificat, settings.cle, settings.autorites))
    with readable("serveur", certificat, cle, autorites):
        # Identites judges the dates at its own clock and says so in words.
        return tls.server_context(certificat, cle, autorites, epingles=pins, dates_verifiees_au_dessus=True)


def mail_tls(instance: Instance, lettres: socket.socket | None) -> ssl.SSLContext | None:
    """The TLS context of the reception of mail: no certificate is asked of the sender, the signature is what
    identifies. None when nothing listens. Raises MauvaisUsage when its files cannot be read."""
    settings = instance.configuration.serveur
    if lettres is None or instance.configuration.courrier.tls == "non":
        return None
    certificat, cle, autorites = map(instance.path, (settings.certificat, settings.cle, settings.autorites))
    with readable("serveur", certificat, cle):
        context = tls.server_context(certificat, cle, autorites)
    context.verify_mode = ssl.CERT_NONE
    return context


def client_tls(instance: Instance) -> ssl.SSLContext:
    """The TLS context that pushes to partners. Raises MauvaisUsage when its files cannot be read."""
    settings = instance.configuration.distribution
    certificat, cle = instance.path(settings.certificat), instance.path(settings.cle)
    autorites = instance.path(settings.autorites) if settings.autorites else None
    with readable("distribution", certificat, cle, *([autorites] if autorites else [])):
        return tls.client_context(autorites, certificat, cle)


@contextlib.contextmanager
def readable(section: str, *files: Path) -> Iterator[None]:
    """Turn what ssl raises about these files into MauvaisUsage."""
    for file in files:
        if not file.is_file():
            raise MauvaisUsage(f"Le fichier {file} n'existe pas.", f"Corrigez la section [{section}].")
    try:
        yield
    except (OSError, ValueError) as error:
        names = ", ".join(str(file) for file in files)
        raise MauvaisUsage(
            f"Un certificat ou une clé ne se lit pas, ou ils ne vont pas ensemble : {names}.",
            f"Corrigez la section [{section}].",
        ) from error


async def _watch_pins(identites: Identites, context: ssl.SSLContext, known: set[bytes]) -> None:
    """Let newly pinned certificates through the handshake. One withdrawn stays known to TLS until the next
    start, and is refused above, in words."""
    while True:
        await asyncio.sleep(_PIN_PERIOD)
        try:
            pins = set(await asyncio.to_thread(identites.epingles))
        except SQLAlchemyError as error:
            # The database is restarting: the registrations say so to their callers, the next look will do.
            _log.warning("épingles illisibles", erreur=type(error).__name__)
            continue
        tls.trust(context, pins - known)
        known |= pins


async def _close(runner: web.AppRunner, delai: float) -> None:
    """Stop listening, let the exchanges in progress finish, at most `delai` seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(delai):
            await runner.cleanup()


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
