"""The roles of a process: which ones, their common life, and what SIGHUP takes up again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import structlog
from aiohttp import ClientError, ClientSession
from sqlalchemy import Engine, text

from certs import tls
from certs.autorite import create_autorite, load_autorite
from certs.tls import server_context
from conformance.partenaire_reference import PartenaireReference
from console.securite import COOKIE_AVANT, make_jeton
from echangeur.cli import run
from echangeur.config import Configuration, Console, Courrier, Distribution, Serveur
from echangeur.ecoute import bind
from echangeur.instance import Instance, open_instance
from echangeur.roles.console import RoleConsole
from echangeur.roles.cycle import Cycle, Epreuve, Phase
from echangeur.roles.fichiers_tls import console_tls
from echangeur.roles.noms import NomRole, RoleDemande, roles_of
from echangeur.roles.rechargement import changed
from echangeur.roles.socle import Socle
from echangeur.sortie import MauvaisUsage
from registry.clock import SystemClock
from registry.database import open_engine
from schemas.generation import generate_demande
from tests.echangeur.test_serve import (
    Serveur as Processus,
)
from tests.echangeur.test_serve import (
    add_bailleur,
    administer,
    context_of,
    number_of,
    reading,
    registration,
    serving,
)


@pytest.fixture
def dossier(tmp_path: Path, database_url: str) -> Path:
    """An instance on the server of the tests, at the time of the machine: the process has its own clock."""
    folder = tmp_path / "instance"
    assert run(["init", str(folder), "--base", database_url], clock=SystemClock()) == 0
    return folder


class Temoin:
    """A role that tells what is asked of it, and takes its time when it is told to."""

    def __init__(self, nom: NomRole, recit: list[str], *, fige: str = "", refuse: str = "") -> None:
        self.nom = nom
        self._recit = recit
        self._fige = fige
        self._refuse = refuse

    @property
    def epreuves(self) -> Mapping[str, Epreuve]:
        return {}

    async def start(self) -> None:
        await self._tell("start")

    async def drain(self) -> None:
        await self._tell("drain")

    async def stop(self) -> None:
        await self._tell("stop")

    async def reload(self, instance: Instance) -> None:
        await self._tell("reload")

    async def _tell(self, what: str) -> None:
        self._recit.append(f"{self.nom} {what}")
        if what == self._refuse:
            raise MauvaisUsage("refusé")
        if what == self._fige:
            await asyncio.Event().wait()


def test_tout_ce_que_la_configuration_allume() -> None:
    """[EXP-1] In the order of the start: what others need comes first."""
    eteinte = Configuration(distribution=Distribution(active=False), console=Console(active=False))
    assert roles_of((), eteinte) == (NomRole.SOAP,)
    toute = Configuration(courrier=Courrier(actif=True))
    assert roles_of((RoleDemande.ALL,), toute) == tuple(NomRole)
    demandes = (RoleDemande.SOAP, RoleDemande.WORKER)
    assert roles_of(demandes, toute) == (NomRole.WORKER, NomRole.SOAP)


@pytest.mark.parametrize("role", [RoleDemande.COURRIER, RoleDemande.WORKER, RoleDemande.CONSOLE])
def test_un_role_eteint_ne_se_demande_pas(role: RoleDemande) -> None:
    """[EXP-1] It would do nothing, and be called ready."""
    eteinte = Configuration(distribution=Distribution(active=False), console=Console(active=False))
    with pytest.raises(MauvaisUsage, match=f"Le rôle {role} est demandé"):
        roles_of((role,), eteinte)


async def test_arret_dans_l_ordre() -> None:
    """[EXP-2] All are drained before any is stopped, and the last started is stopped first."""
    recit: list[str] = []
    cycle = Cycle([Temoin(NomRole.COURRIER, recit), Temoin(NomRole.SOAP, recit)])
    await cycle.start()
    assert cycle.phase is Phase.PRET
    await cycle.stop()
    assert cycle.phase is Phase.ARRET
    assert recit == [
        *("courrier start", "soap start"),
        *("courrier drain", "soap drain"),
        *("soap stop", "courrier stop"),
    ]


@pytest.mark.parametrize("fige", ["drain", "stop"])
async def test_un_role_fige_n_empeche_pas_les_autres(fige: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """[EXP-2] The stop has a bound, and whoever did not keep it is named."""
    monkeypatch.setattr("echangeur.roles.cycle.MARGE", 0.01)
    recit: list[str] = []
    roles = [Temoin(NomRole.WORKER, recit), Temoin(NomRole.SOAP, recit, fige=fige)]
    cycle = Cycle(roles, delai=0.01)
    await cycle.start()
    with structlog.testing.capture_logs() as logs:
        async with asyncio.timeout(cycle.borne + 30):
            await cycle.stop()
    assert "worker stop" in recit
    (told,) = logs
    assert (told["event"], told["role"]) == ("rôle non terminé à temps", "soap")


async def test_un_depart_manque_defait_ce_qui_etait_fait() -> None:
    """[EXP-2] Nothing is left half started."""
    recit: list[str] = []
    cycle = Cycle([Temoin(NomRole.WORKER, recit), Temoin(NomRole.SOAP, recit, refuse="start")])
    with pytest.raises(MauvaisUsage):
        await cycle.start()
    assert recit[-2:] == ["soap stop", "worker stop"]
    assert cycle.phase is Phase.ARRET


async def test_en_retrait_tout_est_encore_servi() -> None:
    """[EXP-3] Between the signal and the drain, a proxy has the time to see that it is over."""
    recit: list[str] = []
    cycle = Cycle([Temoin(NomRole.SOAP, recit)], retrait=0.05)
    await cycle.start()
    stopping = asyncio.create_task(cycle.stop())
    await asyncio.sleep(0)
    assert (cycle.phase, recit) == (Phase.RETRAIT, ["soap start"])
    await stopping
    assert recit[-1] == "soap stop"


def test_ce_qui_a_change_dans_la_configuration() -> None:
    """[EXP-4]"""
    before = Configuration()
    after = Configuration(serveur=Serveur(certificat="autre.pem", port=1), console=Console(active=False))
    assert changed(before, before) == ()
    assert changed(before, after) == ("serveur.port", "serveur.certificat", "console.active")


async def test_un_processus_recoit_un_autre_envoie(dossier: Path, tmp_path: Path) -> None:
    """[EXP-1] Registered by a process that has `soap` alone, delivered by one that has `worker` alone."""
    auteur, destinataire = tmp_path / "auteur", tmp_path / "destinataire"
    add_bailleur(dossier, "G1104", auteur)
    add_bailleur(dossier, "G1226", destinataire)
    partenaire = PartenaireReference(
        server_context(destinataire / "cert.pem", destinataire / "key.pem", destinataire / "ca.pem")
    )
    administer(dossier, "guichet", "adresse", "G1226", await partenaire.start())
    administer(dossier, "filtre", "ajouter", "G1226", "--nom", "Tout")
    document = generate_demande(1, le=datetime.now(UTC).date())
    with serving(dossier, "--role", "soap", "--port", "0") as soap:
        answer = await asyncio.to_thread(soap.post, auteur, "getNumUnique", registration(document))
        numero = number_of(answer[1])
        assert partenaire.receptions == {}
        with serving(dossier, "--role", "worker") as worker:
            async with asyncio.timeout(60):
                await partenaire.wait_for(1)
            assert await asyncio.to_thread(worker.end, signal.SIGTERM) == 0
        assert await asyncio.to_thread(soap.end, signal.SIGTERM) == 0
    (reception,) = partenaire.receptions.values()
    assert reception.numero == numero
    await partenaire.stop()


def test_role_inconnu(dossier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--instance", str(dossier), "serve", "--role", "tout"]) == 2
    assert run(["--instance", str(dossier), "serve", "--role", "courrier"]) == 2
    assert "courrier.actif = true" in capsys.readouterr().err


def presented(port: int, context: ssl.SSLContext) -> bytes:
    """The certificate that the server shows to a new connection, DER."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as sock,
        context.wrap_socket(sock, server_hostname="localhost") as secured,
    ):
        der = secured.getpeercert(binary_form=True)
        assert der is not None
        return der


def next_event(serveur: Processus, event: str) -> dict[str, object]:
    """The next line of the log of that name."""
    assert serveur.process.stderr is not None
    for line in serveur.process.stderr:
        entry = json.loads(line)
        if entry["event"] == event:
            return dict(entry)
    pytest.fail(f"pas de « {event} »")


def test_rechargement(dossier: Path, tmp_path: Path) -> None:
    """[EXP-4] SIGHUP takes up the files of certificates, and an exchange in progress does not feel it; what
    cannot be read leaves the process as it was; the rest is said to await a restart."""
    client = tmp_path / "client"
    add_bailleur(dossier, "G1104", client)
    cert, key = dossier / "serveur" / "cert.pem", dossier / "serveur" / "key.pem"
    with serving(dossier, "--port", "0") as serveur:
        context = context_of(client)
        first = presented(serveur.port, context)
        with (
            socket.create_connection(("127.0.0.1", serveur.port), timeout=30) as sock,
            context.wrap_socket(sock, server_hostname="localhost") as open_before,
        ):
            open_before.sendall(
                b"GET /services/DemandeLogementImplService?wsdl HTTP/1.1\r\nHost: localhost\r\n"
            )
            load_autorite(dossier / "autorite").issue_serveur(now=datetime.now(UTC)).write(cert.parent)
            fichier = dossier / "echangeur.toml"
            fichier.write_text(fichier.read_text().replace("taille_max = 8388608", "taille_max = 9000000"))
            serveur.process.send_signal(signal.SIGHUP)
            told = next_event(serveur, "rechargé")
            assert (told["reprises"], told["au_redemarrage"]) == ([], ["serveur.taille_max"])
            second = presented(serveur.port, context)
            assert second != first
            open_before.sendall(b"\r\n")
            assert open_before.recv(12) == b"HTTP/1.1 200"
        key.write_bytes((dossier / "client" / "key.pem").read_bytes())
        serveur.process.send_signal(signal.SIGHUP)
        assert "ne vont pas ensemble" in str(next_event(serveur, "rechargement refusé")["raison"])
        assert presented(serveur.port, context) == second
        assert serveur.post(client, "getDemandeLogement", reading("1110318016982G1104"))[0] == 500
        assert serveur.end(signal.SIGTERM) == 0


@pytest.fixture
def base(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


async def test_console_sur_son_port(dossier: Path, tmp_path: Path, base: Engine) -> None:
    """[EXP-5] TLS, a certificate asked for and not demanded; reloaded and drained like the rest."""
    client = tmp_path / "client"
    add_bailleur(dossier, "G1104", client)
    instance = open_instance(dossier)
    socle = Socle(instance, base, SystemClock())
    sock = bind("127.0.0.1", 0)
    role = RoleConsole(socle, sock)
    with contextlib.closing(sock):
        port = sock.getsockname()[1]
        await socle.start()
        await role.start()
        async with ClientSession() as session:
            for context in (context_of(client), tls.client_context(client / "ca.pem")):
                async with session.get(f"https://localhost:{port}/", ssl=context) as answer:
                    assert answer.status == 200
                    assert "<html" in await answer.text()
            await role.reload(instance)
            async with session.get(f"https://localhost:{port}/", ssl=context) as answer:
                assert answer.status == 200
        await role.drain()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
        await role.stop()
        await socle.stop()


async def test_un_certificat_d_une_autorite_etrangere_ouvre_son_compte(
    dossier: Path, tmp_path: Path, base: Engine
) -> None:
    """[CSL-34] In a real handshake: refused by TLS until it is tied, then let in whatever its authority, at
    once and after a reload; those that are not tied stay out, and the services of partners know none."""
    now = datetime.now(UTC)
    etrangere = create_autorite(now=now)
    for nom in ("agent", "voisin"):
        etrangere.issue_guichet("AGENT", now=now).write(tmp_path / nom)
        shutil.copy(dossier / "autorite" / "ca.pem", tmp_path / nom / "ca.pem")
    administer(
        dossier, "compte", "creer", "zoe@exemple.fr", "--nom", "Zoé", "--profil", "auditeur", "--certifie"
    )
    socle = Socle(open_instance(dossier), base, SystemClock())
    sock = bind("127.0.0.1", 0)
    role = RoleConsole(socle, sock)
    with contextlib.closing(sock):
        await socle.start()
        await role.start()
        url = f"https://localhost:{sock.getsockname()[1]}"
        assert await signed_in(url, tmp_path / "agent") == "TLS"
        administer(dossier, "compte", "certificat", "zoe@exemple.fr", tmp_path / "agent" / "cert.pem")
        async with asyncio.timeout(30):
            while (found := await signed_in(url, tmp_path / "agent")) == "TLS":
                await asyncio.sleep(0.2)
        assert found == "/"
        assert await signed_in(url, tmp_path / "voisin") == "TLS"
        await role.reload(socle.instance)
        assert await signed_in(url, tmp_path / "agent") == "/"
        # What the services of partners trust.
        assert (tmp_path / "agent" / "cert.pem").read_bytes() not in socle.pins
        with base.begin() as conn:
            conn.execute(text("DELETE FROM compte_certificat"))
        # TLS knows it until the next reload; the console refuses it in words.
        assert "CON115" in await signed_in(url, tmp_path / "agent")
        await role.drain()
        await role.stop()
        await socle.stop()


async def signed_in(url: str, client: Path) -> str:
    """Where a certificate leads: the address after signing in, what refused it, or ``TLS``."""
    context = context_of(client)
    try:
        async with ClientSession() as session:
            async with session.get(f"{url}/connexion", ssl=context) as answer:
                cookies = {name: each.value for name, each in answer.cookies.items()}
            async with session.post(
                f"{url}/connexion/certificat",
                data={"jeton": make_jeton(cookies[COOKIE_AVANT])},
                cookies=cookies,
                headers={"Origin": url},
                ssl=context,
                allow_redirects=False,
            ) as answer:
                return answer.headers.get("Location") or await answer.text()
    except (ClientError, ssl.SSLError, ConnectionError):
        # TLS 1.3: the refusal of a certificate reaches the client at its first reading.
        return "TLS"


def test_console_a_son_certificat(dossier: Path) -> None:
    """[EXP-5] Its own when it is given one."""
    instance = open_instance(dossier)
    configuration = msgspec.structs.replace(instance.configuration, console=Console(certificat="absent.pem"))
    with pytest.raises(MauvaisUsage, match=r"absent\.pem n'existe pas"):
        console_tls(Instance(dossier, instance.fichier, configuration), ())
