"""A hub in its own process, a guichet for every role of the kit, and the profile that tells the kit of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from certs.autorite import Autorite, create_autorite
from certs.lecture import Certificat, read_certificat
from conformance.contrefacon import Genre, client_trait, forge
from echangeur.cli import run
from registry.clock import FixedClock
from tests.bout_en_bout.monde import administer
from tests.bout_en_bout.processus import Serveur
from tests.conformance.passe import live
from tests.interop.canal import configure
from tests.interop.serveurs import free_ports

GUICHETS = {
    "emetteur": ("G1104", "bailleur", "111", ("--siren", "552046484")),
    "lecteur": ("G1226", "bailleur", "111", ()),
    "exterieur": ("G0590", "bailleur", "059", ()),
    "etat": ("G7500", "etat", "111", ()),
    # Of the territory of exterieur: what emetteur registers, most of all, is none of their business.
    "receveur": ("G0591", "bailleur", "059", ()),
    "courrier": ("G0592", "bailleur", "059", ()),
}
"""By role: code, type, territory, further options."""

CAPACITES = (
    *("attestation", "recherche", "gestion partagée", "pièces"),
    *("retrait des distributions", "réception des distributions", "courrier", "manifestes"),
)
NOMS = ("retire", "second", "expire", "futur", "tls", "autre_usage", "prepare", "revoque", "chemin")
"""Of certificates; each guichet has those that mean something to it."""
ADRESSE = "conformite@kit.example"
AVANT = timedelta(days=3)
"""For how long the hub has lived: days have ended."""


@contextmanager
def serve(folder: Path) -> Iterator[Path]:
    """A hub that serves; the path of its profile."""
    instance = folder / "instance"
    administer("init", instance)
    ports = Ports(*free_ports(3))
    _configure(instance, ports)
    serveur = Serveur(instance)
    try:
        serveur.start()
        avant = serveur.adresse
        profil = _Installation(folder, instance).settle(avant, ports)
        # A hub that runs takes up to a second to follow a withdrawal: started again, it knows all of it.
        serveur.end(signal.SIGTERM)
        serveur.start()
        profil.write_text(profil.read_text("utf-8").replace(avant, serveur.adresse), encoding="utf-8")
        yield profil
    finally:
        serveur.close()


@dataclass(frozen=True)
class Ports:
    """courrier: of the hub. boite, quai: of the kit."""

    courrier: int
    boite: int
    quai: int


def _configure(instance: Path, ports: Ports) -> None:
    configure(
        instance / "echangeur.toml",
        {
            "courrier.actif": "true",
            "courrier.port": str(ports.courrier),
            "courrier.refus_par_heure": "10000",
            "relais.hote": '"127.0.0.1"',
            "relais.port": str(ports.boite),
            "relais.securite": '"aucune"',
            # What fails is sent again soon, as often as it takes.
            "remise.push_delais": str([1] * 20),
            "remise.delai_envoi": "2.0",
            "remise.pause": "1.0",
            "remise.seuil": "1000",
        },
    )


@dataclass
class _Installation:
    """Registers everything the profile tells."""

    folder: Path
    instance: Path
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    lines: list[str] = field(default_factory=list)

    def do(self, *words: object) -> None:
        administer("--instance", self.instance, *words)

    def do_at(self, instant: datetime, *words: object) -> None:
        """As if it were that instant."""
        every = ("--instance", self.instance, *words)
        assert run([str(word) for word in every], clock=FixedClock(instant)) == 0

    def settle(self, adresse: str, ports: Ports) -> Path:
        self.lines += [
            "[cible]",
            'nom = "Échangeur d\'essai"',
            f'adresse = "{adresse}"',
            'autorites = "emetteur/ca.pem"',
            # A busy machine takes its time: what is proved here is not a speed.
            "delai = 120.0",
            f"capacites = {list(CAPACITES)}",
        ]
        for code, kind, territoire, more in GUICHETS.values():
            words = ("--nom", f"Guichet {code}", "--type", kind, "--territoire", territoire, *more)
            self.do_at(self.now - AVANT, "guichet", "ajouter", code, *words)
        lecteur, emetteur = GUICHETS["lecteur"][0], GUICHETS["emetteur"][0]
        self.do_at(self.now - AVANT, "filtre", "ajouter", lecteur, "--nom", "Tout")
        live(self.instance, emetteur, [self.now - AVANT + timedelta(days=each) for each in range(2)])
        self.do("registre", "taches", "manifestes")
        for role, (code, _, territoire, _) in GUICHETS.items():
            self.do("certificat", "emettre", code, "--dossier", self.folder / role)
            self.identite(f"guichets.{role}", role, code, territoire)
        code = GUICHETS["emetteur"][0]
        self.do("certificat", "emettre", code, "--dossier", self.folder / "consultant")
        self.do("certificat", "profil", empreinte(self.folder / "consultant"), "consultant_simple")
        self.identite("guichets.consultant", "consultant", code, "111")
        self.certificats(code, "")
        self.certificats(GUICHETS["courrier"][0], "courrier_")
        self.canaux(ports)
        profil = self.folder / "profil.toml"
        profil.write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        return profil

    def canaux(self, ports: Ports) -> None:
        """The filters and the channels, and the sections of the profile that tell them."""
        receveur, courrier = GUICHETS["receveur"][0], GUICHETS["courrier"][0]
        for role in ("receveur", "courrier"):
            self.do("filtre", "ajouter", GUICHETS[role][0], "--nom", "Tout")
        place = f"https://127.0.0.1:{ports.quai}/services/ReceptionDistributionService/"
        self.do("guichet", "adresse", receveur, place)
        self.do("guichet", "adresse", courrier, ADRESSE, "--courrier")
        self.do("guichet", "canal", courrier, "courrier")
        self.lines += [
            "[reception]",
            'certificat = "receveur/cert.pem"',
            'cle = "receveur/key.pem"',
            f"port = {ports.quai}",
            "[courrier]",
            'adresse = "echangeur@localhost"',
            'hote = "127.0.0.1"',
            f"port = {ports.courrier}",
            'chiffrement = "instance/courrier/chiffrement/1/cert.pem"',
            'signature = "instance/courrier/signature/cert.pem"',
            'autorites = "emetteur/ca.pem"',
            f'local_adresse = "{ADRESSE}"',
            'local_hote = "127.0.0.1"',
            f"local_port = {ports.boite}",
        ]

    def certificats(self, code: str, prefixe: str) -> None:
        """One of each kind, of that guichet."""
        for nom in ("retire", "second"):
            self.do("certificat", "emettre", code, "--dossier", self.folder / (prefixe + nom))
        self.do("certificat", "retirer", empreinte(self.folder / (prefixe + "retire")))
        essai = create_autorite(f"Essai {code}", now=self.now, delegue=True)
        self.pin(essai, Genre.EXPIRE, prefixe + "expire", code, le=self.now - timedelta(days=5))
        self.pin(essai, Genre.FUTUR, prefixe + "futur", code)
        if prefixe:
            self.pin(essai, Genre.BON, prefixe + "tls", code, "--usage", "tls")
        else:
            self.pin(essai, Genre.BON, "autre_usage", code, "--usage", "signature")
            tomorrow = (self.now + timedelta(days=1)).date().isoformat()
            self.pin(essai, Genre.BON, "prepare", code, "--a-partir-du", tomorrow)
        self.disowned(code, prefixe)
        for nom in NOMS:
            if (self.folder / (prefixe + nom)).exists():
                self.identite(f"certificats.{prefixe}{nom}", prefixe + nom)

    def disowned(self, code: str, prefixe: str) -> None:
        """Two certificates for which an authority that the operator declared does not vouch."""
        declared = create_autorite(f"Déclarée {code}", now=self.now, delegue=True)
        below = self.folder / (prefixe + "autorites")
        declared.write(below)
        self.pin(declared, Genre.BON, prefixe + "revoque", code)
        self.pin(declared, Genre.CHEMIN_LONG, prefixe + "chemin", code)
        chain = (self.folder / (prefixe + "chemin") / "cert.pem").read_text().split("-----BEGIN")[1:]
        for rang, pem in enumerate(chain[1:-1]):
            (below / f"{rang}.pem").write_text("-----BEGIN" + pem)
            self.do("certificat", "confiance", "ajouter", below / f"{rang}.pem", "--intermediaire")
        self.do("certificat", "confiance", "ajouter", below / "ca.pem")
        serie = serial(self.folder / (prefixe + "revoque"))
        (below / "lcr").write_bytes(declared.list_revoked({serie: self.now}, now=self.now, numero=1))
        self.do("certificat", "confiance", "rafraichir", "--fichier", below / "lcr")

    def pin(
        self, autorite: Autorite, genre: Genre, nom: str, code: str, *options: str, le: datetime | None = None
    ) -> None:
        """A certificate of that kind, registered that day."""
        folder = self.folder / nom
        forge(genre, client_trait(code), autorite, now=self.now).write(folder)
        self.do_at(le or self.now, "certificat", "enregistrer", code, folder / "cert.pem", *options)

    def identite(self, section: str, dossier: str, code: str = "", territoire: str = "") -> None:
        """A section of the profile about a certificate."""
        named = [f'code = "{code}"', f'territoire = "{territoire}"'] if code else []
        files = [f'certificat = "{dossier}/cert.pem"', f'cle = "{dossier}/key.pem"']
        self.lines += [f"[{section}]", *named, *files]


def empreinte(folder: Path) -> str:
    """Of the certificate of a folder."""
    lu = read_certificat((folder / "cert.pem").read_bytes())
    assert isinstance(lu, Certificat)
    return lu.empreinte


def serial(folder: Path) -> int:
    """Of the certificate of a folder."""
    return x509.load_pem_x509_certificate((folder / "cert.pem").read_bytes()).serial_number
