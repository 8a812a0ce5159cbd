"""A real OCSP responder on loopback, asked by the command that refreshes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from certs.autorite import Autorite, create_autorite
from echangeur import ocsp as module_ocsp
from registry.clock import FixedClock
from tests.echangeur.conftest import Commande


class Repondeur(ThreadingHTTPServer):
    """Answers what it is told to, signed, about the certificate that is asked."""

    def __init__(self, autorite: Autorite, horloge: FixedClock) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.autorite = autorite
        self.signataire = autorite
        self.horloge = horloge
        self.revoque = False
        self.age = timedelta(0)
        self.statut = 200
        self.certificats: dict[int, x509.Certificate] = {}
        self.questions: list[int] = []

    def answer(self, demande: bytes) -> bytes:
        serie = ocsp.load_der_ocsp_request(demande).serial_number
        self.questions.append(serie)
        publiee = self.horloge.now() - self.age
        status = ocsp.OCSPCertStatus.REVOKED if self.revoque else ocsp.OCSPCertStatus.GOOD
        built = ocsp.OCSPResponseBuilder().add_response(
            self.certificats[serie],
            self.autorite.certificat,
            hashes.SHA1(),
            status,
            publiee,
            publiee + timedelta(hours=8),
            publiee if self.revoque else None,
            x509.ReasonFlags.key_compromise if self.revoque else None,
        )
        signed = built.responder_id(ocsp.OCSPResponderEncoding.HASH, self.signataire.certificat).sign(
            self.signataire.cle, hashes.SHA256()
        )
        return signed.public_bytes(Encoding.DER)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Repondeur)
        demande = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.server.answer(demande)
        self.send_response(self.server.statut)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def repondeur(horloge: FixedClock) -> Iterator[Repondeur]:
    autorite = create_autorite("IGC d'un partenaire", now=horloge.now() - timedelta(days=30))
    with Repondeur(autorite, horloge) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def issue(repondeur: Repondeur, fichier: Path) -> None:
    """A certificate that names its responder."""
    now = repondeur.horloge.now()
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "G1104")]))
        .issuer_name(repondeur.autorite.certificat.subject)
        .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(
                        AuthorityInformationAccessOID.OCSP,
                        x509.UniformResourceIdentifier("http://ocsp.example/"),
                    )
                ]
            ),
            critical=False,
        )
        .sign(repondeur.autorite.cle, hashes.SHA256())
    )
    repondeur.certificats[built.serial_number] = built
    fichier.write_bytes(built.public_bytes(Encoding.PEM))


def state(instance: Commande) -> str:
    (listed,) = instance("certificat", "lister", "--json").json
    etat = listed["etat"]
    assert isinstance(etat, str)
    return etat


def test_un_repondeur_est_interroge(
    instance: Commande,
    guichet: str,
    tmp_path: Path,
    horloge: FixedClock,
    repondeur: Repondeur,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """[CER-38] [CER-36] [CER-37] Good for half of its life, late within the grace, suspended, revoked."""
    ca, fichier = tmp_path / "ca.pem", tmp_path / "c.pem"
    ca.write_bytes(repondeur.autorite.pem)
    issue(repondeur, fichier)
    url = f"http://127.0.0.1:{repondeur.server_port}/"
    assert instance("certificat", "confiance", "ajouter", ca, "--ocsp", "ftp://x/").code == 1
    assert instance("certificat", "confiance", "ajouter", ca, "--ocsp", url).code == 0
    assert instance("certificat", "enregistrer", guichet, fichier).code == 0
    assert state(instance) == "valide", "its first answer may be as late as any"
    done = instance("certificat", "confiance", "rafraichir")
    assert "1 réponse(s) OCSP obtenue(s) sur 1" in done.sortie
    assert "OCSP" not in instance("certificat", "confiance", "rafraichir").sortie
    assert len(repondeur.questions) == 1
    # The answer is eight hours long: within the grace of a day it still counts, past it nothing is known.
    repondeur.statut = 503
    for heures, etat in ((8, "valide"), (23, "valide"), (2, "suspendu")):
        horloge.set(horloge.now() + timedelta(hours=heures))
        failed = instance("certificat", "confiance", "rafraichir")
        assert (failed.code, "répond 503" in failed.erreur) == (1, True)
        assert state(instance) == etat
    repondeur.statut = 200
    repondeur.age = timedelta(days=3)
    assert "plus ancienne" in instance("certificat", "confiance", "rafraichir").erreur
    repondeur.age = timedelta(0)
    repondeur.signataire = create_autorite("IGC d'un partenaire", now=horloge.now())
    assert "pas utilisable" in instance("certificat", "confiance", "rafraichir").erreur
    repondeur.signataire = repondeur.autorite
    monkeypatch.setattr(module_ocsp, "MAX_OCTETS", 100)
    assert "dépasse" in instance("certificat", "confiance", "rafraichir").erreur
    monkeypatch.undo()
    assert state(instance) == "suspendu"
    assert instance("certificat", "confiance", "rafraichir").code == 0
    assert state(instance) == "valide"
    repondeur.revoque = True
    horloge.set(horloge.now() + timedelta(hours=5))
    done = instance("certificat", "confiance", "rafraichir")
    assert "refusé" in done.erreur
    assert "key_compromise" in done.erreur.replace("\n", " ")
    assert state(instance) == "révoqué"
