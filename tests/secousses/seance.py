"""A session: a database, a hub in two processes, its network, authors and partners of the three channels.

`serveur` answers the SOAP calls, `ouvrier` delivers and does mail: killing one is not killing the other. Both
share one PostgreSQL of the session's own, which is killed too.
"""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Connection, NullPool, Row, create_engine, text

from certs import tls
from certs.autorite import load_autorite
from certs.lecture import Certificat, read_certificat
from certs.paire import load_paire
from conformance.partenaire_courrier import Echangeur, Recu
from conformance.partenaire_reference import PartenaireReference
from echangeur.config import render
from echangeur.instance import create_instance, open_instance
from registry.embedded import EmbeddedPostgres
from tests.bout_en_bout.monde import administer
from tests.bout_en_bout.processus import eventually, kill_tree
from tests.interop.serveurs import free_ports
from tests.secousses.acteurs import AUTEUR, Arrivee, Auteurs, Boucle, Correspondant, Visiteur
from tests.secousses.processus import Hub, Pepiniere, is_dead
from tests.secousses.reseau import BOUCLE, Reseau

POUSSES: Final = ("G1226", "G0590")
RETRAIT: Final = "G1300"
COURRIER: Final = "G1400"
RECEVEURS: Final = (*POUSSES, RETRAIT, COURRIER)
_ADRESSE: Final = "echangeur@hub.example"
_BOITE: Final = "g1400@partenaire.example"
_REGLAGES: Final = {
    # Only processes die here, never the machine: what the kernel was given is on the disk.
    "fsync": "off",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "io_method": "sync",
}


class Seance:
    """Everything between `with`. graine: of the demandes drawn. isole: cut the network by a namespace."""

    def __init__(self, graine: str, *, isole: bool = True) -> None:
        self._graine = graine
        self._isole = isole
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._build(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _build(self, stack: ExitStack) -> None:
        self.dossier = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="secousses-")))
        self.dossier.chmod(0o711)  # the embedded PostgreSQL may run as another user
        self._postgres = EmbeddedPostgres(self.dossier / "pg", settings=_REGLAGES, keep=True)
        stack.callback(self._postgres.stop_server)
        self._postgres.__enter__()
        stack.callback(lambda: self._postgres.__exit__(None, None, None))
        self.reseau = stack.enter_context(Reseau(isole=self._isole))
        self._instance = self.dossier / "instance"
        url = self._postgres.url()
        create_instance(self._instance, now=datetime.now(UTC), url=url)
        self._engine = create_engine(
            url.replace("postgresql:", "postgresql+psycopg:"),
            poolclass=NullPool,
            connect_args={"application_name": "seance"},
        )
        self._boucle = Boucle()
        stack.callback(self._boucle.close)
        self._open_partners(stack)
        soap, autre, courrier = free_ports(3)
        self._settle()
        boite = self._open_correspondent(stack, self.reseau.to_hub(courrier))
        self._configure(courrier, self.reseau.to_partner(boite))
        self._open_clients(f"https://localhost:{self.reseau.to_hub(soap)}")
        pepiniere = Pepiniere(self.dossier, self.reseau.espace)
        stack.callback(pepiniere.close)
        self.serveur = self._hub(pepiniere, "serveur", soap)
        self.ouvrier = self._hub(pepiniere, "ouvrier", autre)
        self.hubs = {"serveur": self.serveur, "ouvrier": self.ouvrier}
        self.serveur.start()
        self.ouvrier.start()
        self.visiteur.start()
        stack.callback(self.visiteur.close)
        stack.callback(self.auteurs.close)

    # -- the database ---------------------------------------------------------------------------------------

    def kill_database(self) -> None:
        """SIGKILL of all the processes of PostgreSQL."""
        pid = int((self.dossier / "pg" / "postmaster.pid").read_text().split()[0])
        kill_tree(pid)
        eventually(lambda: is_dead(pid), "PostgreSQL ne meurt pas")

    def start_database(self) -> None:
        """Start it again after `kill_database`; it recovers from its own journal."""
        self._postgres.__exit__(None, None, None)
        self._postgres.__enter__()

    def cut_database(self) -> None:
        """End the connections of the hub to its database."""
        self.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'echangeur%'"
        )

    def query(self, query: str, **values: object) -> Sequence[Row[Any]]:
        """What a query of the session reads."""
        with self.connect() as conn:
            return conn.execute(text(query), values).all()

    def connect(self) -> AbstractContextManager[Connection]:
        """A connection of the session to the database of the hub."""
        return self._engine.connect()

    # -- what the partners got ------------------------------------------------------------------------------

    def arrivees(self, code: str) -> list[Arrivee]:
        """The distributions of a guichet, each as it came for the first time, in the order of arrival."""
        if code == RETRAIT:
            return list(self.visiteur.arrivees)
        if code == COURRIER:
            assert not self.correspondant.illisibles, self.correspondant.illisibles
            return first_mails(self.correspondant.recus)
        receptions = self.partenaires[code].receptions.values()
        return [Arrivee(each.id, each.sequence, each.contenu) for each in receptions]

    receveurs = RECEVEURS

    def wait_quiet(self, evenements: int) -> None:
        """Wait until everything that these events made due is acknowledged, and no mail waits."""
        expected = {(code, "acquittee", evenements) for code in RECEVEURS}

        def quiet() -> bool:
            self.visiteur.wake()
            states = self.query("SELECT guichet, etat, count(*) FROM distribution GROUP BY 1, 2")
            mails = self.query("SELECT FROM courrier_entrant WHERE etat = 'recu'")
            tries = self.query("SELECT FROM tentative WHERE terminee_le IS NULL")
            return {tuple(row) for row in states} == expected and not mails and not tries

        eventually(quiet, "des distributions ne sont pas acquittées")

    # -- its parts ------------------------------------------------------------------------------------------

    def _open_partners(self, stack: ExitStack) -> None:
        folder = self.dossier / "reception"
        hotes = ("localhost", BOUCLE, self.reseau.hote)
        autorite = load_autorite(self._instance / "autorite")
        autorite.issue_serveur(hotes, now=datetime.now(UTC)).write(folder)
        self.partenaires: dict[str, PartenaireReference] = {}
        self._adresses: dict[str, str] = {}
        for code in POUSSES:
            context = tls.server_context(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
            partenaire = self.partenaires[code] = PartenaireReference(context)
            adresse = urlsplit(self._boucle.run(partenaire.start()))
            stack.callback(lambda each=partenaire: self._boucle.run(each.stop()))
            port = self.reseau.to_partner(adresse.port or 0)
            self._adresses[code] = f"https://{self.reseau.hote}:{port}{adresse.path}"

    def _configure(self, courrier: int, boite: int) -> None:
        """Two configurations of one instance: who answers, and who delivers. courrier, boite: the ports where
        the hub takes mail, and where it hands it over."""
        base = open_instance(self._instance).configuration
        replace = msgspec.structs.replace
        serveur = replace(base, distribution=replace(base.distribution, active=False))
        # Mail in clear on the wire: its content is signed and encrypted anyway.
        ouvrier = replace(
            base,
            courrier=replace(
                base.courrier, actif=True, adresse=_ADRESSE, ecoute=self.reseau.hub, port=courrier, tls="non"
            ),
            relais=replace(base.relais, hote=self.reseau.hote, port=boite, securite="aucune"),
        )
        for role, settings in (("serveur", serveur), ("ouvrier", ouvrier)):
            (self._instance / f"{role}.toml").write_text(render(settings), encoding="utf-8")

    def _settle(self) -> None:
        """The guichets: all take every demande."""
        for code in (AUTEUR, *RECEVEURS):
            words = ("--nom", f"Guichet {code}", "--type", "bailleur", "--territoire", "111")
            adresse = self._adresses.get(code, "")
            self._administer("guichet", "ajouter", code, *words, "--adresse-reception", adresse)
        for code in RECEVEURS:
            self._administer("filtre", "ajouter", code, "--nom", "Tout")
        for code in (AUTEUR, RETRAIT, COURRIER):
            self._administer("certificat", "emettre", code, "--dossier", self.dossier / code)
        self._administer("guichet", "adresse", COURRIER, _BOITE, "--courrier")
        self._administer("guichet", "canal", COURRIER, "courrier")

    def _open_correspondent(self, stack: ExitStack, port: int) -> int:
        """port: that leads to the mail of the hub. Returns that of its box."""
        folder = self.dossier / COURRIER
        paire = load_paire((folder / "cert.pem").read_bytes(), (folder / "key.pem").read_bytes())
        chiffrement, signature = (self._certificat(name) for name in ("chiffrement/1", "signature"))
        hub = Echangeur(_ADRESSE, BOUCLE, port, chiffrement, signature.empreinte)
        self.correspondant = Correspondant(_BOITE, paire, hub)
        boite = self._boucle.run(self.correspondant.start(BOUCLE))
        stack.callback(lambda: self._boucle.run(self.correspondant.stop()))
        return boite

    def _open_clients(self, adresse: str) -> None:
        self.auteurs = Auteurs(adresse, self._context(AUTEUR), self._graine)
        self.visiteur = Visiteur(adresse, self._context(RETRAIT), self.dossier / "retraits.sqlite")

    def _hub(self, pepiniere: Pepiniere, role: str, port: int) -> Hub:
        words = ["--instance", self._instance, "serve", "--adresse", self.reseau.hub, "--port", port]
        words += ["--port-console", 0, "--config", self._instance / f"{role}.toml"]
        return pepiniere.hub(role, [str(word) for word in words], self.dossier / f"{role}.log")

    def _administer(self, *words: object) -> None:
        administer("--instance", self._instance, *words)

    def _certificat(self, name: str) -> Certificat:
        read = read_certificat((self._instance / "courrier" / name / "cert.pem").read_bytes())
        assert isinstance(read, Certificat)
        return read

    def _context(self, code: str) -> ssl.SSLContext:
        folder = self.dossier / code
        return tls.client_context(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")


def first_mails(recus: Sequence[Recu]) -> list[Arrivee]:
    """The distributions that came by mail; those that came again are left out, and must be the same."""
    found: dict[str, Arrivee] = {}
    for recu in recus:
        if recu.nature != "distribution":
            continue
        (piece,) = recu.fichiers
        sequence = int(piece.nom.removesuffix(".xml").rpartition("-")[2])
        arrivee = Arrivee(recu.id, sequence, piece.contenu)
        assert found.setdefault(recu.id, arrivee) == arrivee, piece.nom
    return list(found.values())
