"""A hub that does mail on loopback, with its real database, real TLS and real handlers; and its partners."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Connection, Engine, text

from certs.autorite import Autorite, Identite, create_autorite, load_autorite
from certs.paire import Paire, load_paire
from certs.tls import client_context, server_context
from conformance.partenaire_courrier import Conduite, Echangeur, PartenaireCourrier
from dispatching.canaux import switch_canal
from dispatching.decision import Distributeur
from dispatching.handlers_retrait import Retraits
from dispatching.worker import Worker
from filters.language import Filtre
from filters.store import save_filtre
from mailflows.entrant import Reglages
from mailflows.entrants import Entrant as EntrantGarde
from mailflows.entrants import list_entrants
from mailflows.envoi import Identite as IdentiteCourrier
from mailflows.expediteur import Relais, Securite
from mailflows.operations import Operations
from mailflows.operations_distribution import OperationsDistribution
from mailflows.ouverture import ClesFixes
from mailflows.reception_smtp import Ecoute
from mailflows.service import Courrier, Parametres
from mailflows.sortants import Sortant, list_sortants
from registry.anomalies import Anomalie
from registry.certificats import Identites, pin_certificat
from registry.clock import FixedClock
from registry.echanges import Echange
from registry.exchanges_store import Issue, Statut, record_outcomes
from registry.guichets import CanalDistribution, Guichet, TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet, set_adresse_courrier
from registry.handlers import Traitement
from registry.handlers_dalo import TraitementDalo
from tests.registry.fabrique import RECU_LE

HUB = "echangeur@hub.example"


class Pki:
    """An authority, the keys of the hub, and TLS for both ends."""

    def __init__(self, dossier: Path, autorite: Autorite, hub: Paire) -> None:
        self.dossier = dossier
        self.autorite = autorite
        self.hub = hub

    @classmethod
    def create(cls, dossier: Path) -> Pki:
        """A new one; `load` finds it again in another process."""
        autorite = create_autorite(now=RECU_LE)
        autorite.write(dossier / "autorite")
        autorite.issue_serveur(now=RECU_LE).write(dossier)
        autorite.issue_guichet("HUB01", now=RECU_LE).write(dossier / "hub")
        return cls.load(dossier)

    @classmethod
    def load(cls, dossier: Path) -> Pki:
        hub = dossier / "hub"
        paire = load_paire((hub / "cert.pem").read_bytes(), (hub / "key.pem").read_bytes())
        return cls(dossier, load_autorite(dossier / "autorite"), paire)

    def identite(self, nom: str, *, now: datetime = RECU_LE, duree: timedelta | None = None) -> Identite:
        return self.autorite.issue_guichet(nom, now=now, duree=duree or timedelta(days=730))

    def paire(self, identite: Identite) -> Paire:
        return load_paire(identite.chaine, identite.cle)

    def serveur(self) -> ssl.SSLContext:
        context = server_context(self.dossier / "cert.pem", self.dossier / "key.pem", self.dossier / "ca.pem")
        context.verify_mode = ssl.CERT_NONE
        return context

    def client(self) -> ssl.SSLContext:
        return client_context(self.dossier / "ca.pem")


class Poste:
    """The relay of the tests: it hands each mail to the partner of its address."""

    def __init__(self, contexte: ssl.SSLContext) -> None:
        self._contexte = contexte
        self.partenaires: dict[str, PartenaireCourrier] = {}
        self._server: asyncio.Server | None = None
        self.options: list[str] = []

    async def start(self) -> int:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(
                self,
                hostname="localhost",
                tls_context=self._contexte,
                require_starttls=True,
                data_size_limit=64 << 20,
                loop=loop,
            ),
            "localhost",
            0,
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def handle_RCPT(  # noqa: N802 (name given by aiosmtpd)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        partenaire = self.partenaires.get(address)
        if partenaire is None:
            return "550 5.1.1 inconnu"
        if partenaire.conduite is Conduite.EN_PANNE:
            return "451 4.3.2 en panne"
        return await partenaire.handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        return await self.partenaires[envelope.rcpt_tos[0]].handle_DATA(server, session, envelope)


class Monde:
    """Everything between `start` and `stop`."""

    def __init__(self, engine: Engine, clock: FixedClock, pki: Pki, reglages: Reglages | None = None) -> None:
        clock.set(RECU_LE)
        self.engine = engine
        self.clock = clock
        self.pki = pki
        self.reglages = reglages or Reglages()
        self.cles = ClesFixes(pki.hub, (pki.hub,))
        self.poste = Poste(pki.serveur())
        self.distributeur = Distributeur(clock)
        self.traitement = Traitement(engine, clock, self.distributeur)
        self.dalo = TraitementDalo(engine, clock, self.distributeur)
        self.retraits = Retraits(engine, clock)
        self.identites = Identites(engine, clock)
        self.sock = socket.create_server(("localhost", 0))
        self.port = self.sock.getsockname()[1]
        self.port_poste = 0
        self.courrier: Courrier | None = None
        self.worker: Worker | None = None

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def start(self) -> None:
        await self.traitement.start()
        await self.dalo.start()
        await self.retraits.start()
        self.port_poste = await self.poste.start()
        await self.start_courrier()

    async def start_courrier(self, *, reception: bool = True) -> Courrier:
        self.courrier = Courrier(
            self.engine,
            self.clock,
            self.operations(),
            self.identites,
            self.cles,
            self.parametres(),
        )
        await self.courrier.start(self.sock if reception else None)
        return self.courrier

    async def restart(self, reglages: Reglages) -> None:
        """The same hub, with other settings."""
        assert self.courrier is not None
        await self.courrier.stop()
        self.reglages = reglages
        self.sock = socket.create_server(("localhost", self.port))
        await self.start_courrier()

    def operations(self) -> Operations:
        distributions = OperationsDistribution(self.retraits, self.clock)
        return Operations(self.traitement, self.dalo, distributions, self.refuser)

    def parametres(self) -> Parametres:
        return Parametres(
            IdentiteCourrier(HUB, self.cles),
            Relais("localhost", self.port_poste, HUB, Securite.STARTTLS, self.pki.client()),
            self.reglages,
            Ecoute(frozenset({HUB}), tls=self.pki.serveur()),
            releve=0.05,
            grace=1.0,
        )

    async def start_distribution(self) -> None:
        assert self.courrier is not None
        self.worker = Worker(
            self.engine,
            {CanalDistribution.COURRIER: self.courrier.transport},
            self.clock,
            releve=timedelta(milliseconds=50),
        )
        await self.worker.start()

    async def stop(self) -> None:
        if self.worker is not None:
            await self.worker.stop()
        if self.courrier is not None:
            await self.courrier.stop()
        for partenaire in self.poste.partenaires.values():
            await partenaire.stop()
        await self.poste.stop()
        await self.traitement.stop()
        await self.dalo.stop()
        await self.retraits.stop()
        self.sock.close()

    async def refuser(self, echange: Echange, anomalies: tuple[Anomalie, ...]) -> None:
        with self.engine.begin() as conn:
            record_outcomes(conn, [Issue(echange.id, Statut.REFUSE, self.now, anomalies[0].code)])

    # -- partners -------------------------------------------------------------------------------------------

    def partenaire(
        self,
        code: str = "G1104",
        *filtres: Filtre,
        genre: TypeGuichet = TypeGuichet.BAILLEUR,
        numerote: bool = False,
        territoires: Sequence[str] = ("111", "059"),
        canal: CanalDistribution = CanalDistribution.COURRIER,
        adresse: str | None = None,
    ) -> PartenaireCourrier:
        """A guichet with its certificate, its address and its robot."""
        identite = self.pki.identite(code)
        adresse = f"{code.lower()}@partenaire.example" if adresse is None else adresse
        with self.engine.begin() as conn:
            nouveau = NouveauGuichet(
                code, f"Guichet {code}", genre, "", frozenset(territoires), numerote=numerote
            )
            assert isinstance(add_guichet(conn, nouveau, instant=self.now), Guichet)
            self.pin(conn, code, identite)
            assert set_adresse_courrier(conn, code, adresse) == ()
            if adresse:
                assert switch_canal(conn, code, canal, instant=self.now) == ()
            for filtre in filtres:
                save_filtre(conn, code, filtre, instant=self.now)
        return self.robot(adresse, self.pki.paire(identite))

    def robot(self, adresse: str, paire: Paire) -> PartenaireCourrier:
        partenaire = PartenaireCourrier(
            adresse,
            paire,
            Echangeur(
                HUB,
                "localhost",
                self.port,
                self.pki.hub.certificat,
                self.pki.hub.certificat.empreinte,
                self.pki.client(),
            ),
        )
        self.poste.partenaires[adresse] = partenaire
        return partenaire

    def pin(self, conn: Connection, code: str, identite: Identite) -> None:
        pinned = pin_certificat(conn, code, identite.certificat, instant=self.now)
        assert not isinstance(pinned, tuple), pinned

    # -- looks ----------------------------------------------------------------------------------------------

    def entrants(self) -> tuple[EntrantGarde, ...]:
        with self.engine.connect() as conn:
            return list_entrants(conn)

    def sortants(self) -> tuple[Sortant, ...]:
        with self.engine.connect() as conn:
            return list_sortants(conn)

    def count(self, table: str) -> int:
        with self.engine.connect() as conn:
            return int(conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())

    async def until(self, wanted: object, read: object) -> None:
        """Wait until `read` gives `wanted`, within the time of the test."""
        assert callable(read)
        async with asyncio.timeout(20):
            while read() != wanted:
                await asyncio.sleep(0.02)
