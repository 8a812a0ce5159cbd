"""The server as a process: readiness, mutual TLS, what the other commands see meanwhile, stop and kill."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import fcntl
import http.client
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.autorite import create_autorite, load_autorite
from certs.tls import client_context, server_context
from conformance.partenaire_reference import PartenaireReference
from echangeur.cli import run
from registry.clock import FixedClock, SystemClock
from schemas.generation import generate_demande

ECHANGEUR = str(Path(sys.executable).with_name("echangeur"))
NS = "http://ws.metier.nuu.application.i2/"
CHEMIN = "/services/DemandeLogementImplService/"


@dataclass
class Serveur:
    """A running `echangeur serve`; port 0 when it has no SOAP service."""

    process: subprocess.Popen[str]
    port: int

    def post(self, client: Path, operation: str, body: str) -> tuple[int, str]:
        """One call of one partner, on a connection of its own as partners do (interface/wire §1)."""
        return call(self.port, context_of(client), operation, body)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


def context_of(client: Path) -> ssl.SSLContext:
    return client_context(client / "ca.pem", client / "cert.pem", client / "key.pem")


def call(port: int, context: ssl.SSLContext, operation: str, body: str) -> tuple[int, str]:
    envelope = (
        f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:w="{NS}"><s:Body>'
        f"{body}</s:Body></s:Envelope>"
    ).encode()
    headers = {"Content-Type": f'application/soap+xml; charset=utf-8; action="{NS}{operation}"'}
    with contextlib.closing(
        http.client.HTTPSConnection("localhost", port, context=context, timeout=30)
    ) as http_connection:
        http_connection.request("POST", CHEMIN, envelope, headers)
        response = http_connection.getresponse()
        return response.status, response.read().decode("utf-8")


def registration(document: bytes) -> str:
    content = base64.b64encode(document).decode("ascii")
    return (
        "<w:numUniqueParametres><nomFichierDemande>DEMG1104-202611230900-000000.xml</nomFichierDemande>"
        f"<fichierDemande>{content}</fichierDemande><nomCertificat/><certificat/></w:numUniqueParametres>"
    )


def reading(numero: str) -> str:
    return (
        f"<w:demandeLogementParametres><numUnique>{numero}</numUnique><nomCertificat/><certificat/>"
        "</w:demandeLogementParametres>"
    )


def number_of(answer: str) -> str:
    """The numéro unique in an answer, whose document is inline base64."""
    found = re.search(r"<fichierDemande[^>]*>([^<]+)<", answer)
    assert found is not None, answer
    number = re.search(rb"numUnique>([^<]{18})<", base64.b64decode(found[1]))
    assert number is not None, answer
    return number[1].decode("ascii")


@contextlib.contextmanager
def serving(dossier: Path, *options: str) -> Iterator[Serveur]:
    process = subprocess.Popen(
        [ECHANGEUR, "--instance", str(dossier), "serve", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        # Nobody reads the log until the end: a line for each exchange fills the usual 64 KiB after some 250,
        # and a process whose log nobody takes waits. 1 MiB is what Linux gives to anybody.
        fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 1 << 20)
        for line in process.stdout:
            ready = re.fullmatch(r"Prêt(?: : https://127\.0\.0\.1:(\d+)|\.)\n", line)
            if ready:
                break
        else:
            process.wait(10)
            pytest.fail(process.stderr.read())
        yield Serveur(process, int(ready[1] or 0))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def administer(dossier: Path, *words: object) -> None:
    assert run(["--instance", str(dossier), *map(str, words)]) == 0


def add_bailleur(dossier: Path, code: str, client: Path) -> None:
    administer(
        dossier,
        *(
            "guichet",
            "ajouter",
            code,
            "--nom",
            f"Bailleur {code}",
            "--type",
            "bailleur",
            "--territoire",
            "111",
        ),
    )
    administer(dossier, "certificat", "emettre", code, "--dossier", client)


@pytest.fixture
def dossier(tmp_path: Path, database_url: str) -> Path:
    """An instance on the server of the tests, at the time of the machine: the process has its own clock."""
    folder = tmp_path / "instance"
    assert run(["init", str(folder), "--base", database_url], clock=SystemClock()) == 0
    return folder


def test_tue_puis_relance_sur_les_memes_donnees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The embedded database: shared by the processes, survives a SIGKILL, stops with the last of them."""
    dossier, client = tmp_path / "instance", tmp_path / "client"
    assert run(["init", str(dossier)]) == 0
    add_bailleur(dossier, "G1104", client)
    document = generate_demande(1, le=datetime.now(UTC).date())
    with serving(dossier, "--port", "0") as serveur:
        status, answer = serveur.post(client, "getNumUnique", registration(document))
        assert status == 200, answer
        numero = number_of(answer)
        # The commands work on the same data while the server runs.
        capsys.readouterr()
        administer(dossier, "registre", "verifier")
        assert "1 entrée(s), 1 document(s)" in capsys.readouterr().out
        assert serveur.end(signal.SIGKILL) == -signal.SIGKILL
    with serving(dossier, "--port", "0") as serveur:
        status, answer = serveur.post(client, "getDemandeLogement", reading(numero))
        assert (status, number_of(answer)) == (200, numero)
        # The same message again is a replay: the same number.
        assert number_of(serveur.post(client, "getNumUnique", registration(document))[1]) == numero
        assert serveur.end(signal.SIGTERM) == 0
    assert not (dossier / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_arret_propre(dossier: Path, number: signal.Signals) -> None:
    with serving(dossier, "--port", "0") as serveur:
        assert serveur.end(number) == 0
        assert serveur.process.stderr is not None
        assert "Serveur arrêté." in serveur.process.stderr.read()


def test_port_pris(dossier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["--instance", str(dossier), "serve", "--port", str(port)]) == 2
    assert f"Le port {port} de 127.0.0.1 est déjà pris" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("adresse", "texte"),
    [("203.0.113.7", "n'est pas une adresse de cette machine"), ("pas..un.nom", "n'existe pas")],
)
def test_adresse_impossible(
    dossier: Path, capsys: pytest.CaptureFixture[str], adresse: str, texte: str
) -> None:
    words = ["--instance", str(dossier), "serve", "--port", "0", "--adresse", adresse]
    assert run(words) == 2
    assert texte in capsys.readouterr().err


def test_certificat_du_serveur_absent(dossier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (dossier / "serveur" / "key.pem").unlink()
    assert run(["--instance", str(dossier), "serve", "--port", "0"]) == 2
    assert "key.pem n'existe pas" in capsys.readouterr().err


def test_cle_qui_n_est_pas_celle_du_certificat(dossier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (dossier / "serveur" / "key.pem").write_bytes((dossier / "client" / "key.pem").read_bytes())
    assert run(["--instance", str(dossier), "serve", "--port", "0"]) == 2
    assert "ne vont pas ensemble" in capsys.readouterr().err


def test_autre_configuration(dossier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--config`` names another file; an unknown key stops everything."""
    other = dossier / "autre.toml"
    other.write_text((dossier / "echangeur.toml").read_text().replace("port =", "prt ="))
    assert run(["--instance", str(dossier), "serve", "--config", str(other)]) == 2
    assert "serveur.prt : clé inconnue" in capsys.readouterr().err
    other.write_text((dossier / "echangeur.toml").read_text().replace("port = 8443", "port = 0"))
    with serving(dossier, "--config", str(other)) as serveur:
        assert serveur.end(signal.SIGTERM) == 0


def test_qui_parle(dossier: Path, tmp_path: Path) -> None:
    """No certificate, an unknown one, an expired one, one just pinned from elsewhere: each its own answer."""
    client = tmp_path / "client"
    add_bailleur(dossier, "G1104", client)
    ca = client / "ca.pem"
    now = datetime.now(UTC)
    with serving(dossier, "--port", "0") as serveur:
        assert "certificat" in call(serveur.port, client_context(ca), "getDemandeLogement", reading("x"))[1]
        stranger = tmp_path / "inconnu"
        create_autorite(now=now).issue_guichet("G1104", now=now).write(stranger)
        context = client_context(ca, stranger / "cert.pem", stranger / "key.pem")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            call(serveur.port, context, "getDemandeLogement", reading("x"))
        administer(dossier, "certificat", "enregistrer", "G1104", stranger / "cert.pem")
        wait_for_handshake(serveur.port, context)
        status, answer = call(serveur.port, context, "getDemandeLogement", reading("1110318016982G1104"))
        assert status == 500
        assert "GUI00" not in answer
        lapsed, before = tmp_path / "expire", now - timedelta(days=10)
        identite = load_autorite(dossier / "autorite").issue_guichet(
            "G1104", now=before, duree=timedelta(days=1)
        )
        identite.write(lapsed)
        words = ["--instance", str(dossier), "certificat", "enregistrer", "G1104", str(lapsed / "cert.pem")]
        assert run(words, clock=FixedClock(before)) == 0
        context = client_context(ca, lapsed / "cert.pem", lapsed / "key.pem")
        assert "GUI004" in call(serveur.port, context, "getDemandeLogement", reading("x"))[1]


async def test_distribution_arrive(dossier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Registered by one partner over TLS, pushed to the other over TLS, acknowledged, explained."""
    auteur, destinataire = tmp_path / "auteur", tmp_path / "destinataire"
    add_bailleur(dossier, "G1104", auteur)
    add_bailleur(dossier, "G1226", destinataire)
    partenaire = PartenaireReference(
        server_context(destinataire / "cert.pem", destinataire / "key.pem", destinataire / "ca.pem")
    )
    administer(dossier, "guichet", "adresse", "G1226", await partenaire.start())
    administer(dossier, "filtre", "ajouter", "G1226", "--nom", "Tout")
    document = generate_demande(1, le=datetime.now(UTC).date())
    with serving(dossier, "--port", "0") as serveur:
        answer = await asyncio.to_thread(serveur.post, auteur, "getNumUnique", registration(document))
        numero = number_of(answer[1])
        async with asyncio.timeout(60):
            await partenaire.wait_for(1)
        (reception,) = partenaire.receptions.values()
        assert (reception.numero, reception.type_fichier, reception.sequence) == (numero, "DIS", 1)
        assert await asyncio.to_thread(serveur.end, signal.SIGTERM) == 0
    await partenaire.stop()
    capsys.readouterr()
    # The clean stop has recorded the acknowledgement.
    administer(dossier, "distribution", "lister", "--etat", "acquittee")
    assert numero in capsys.readouterr().out
    assert set(partenaire.deliveries.values()) == {1}


async def test_refus_du_bord_se_voit(
    dossier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exchange refused before any handler has an outcome, with the code that the partner reads."""
    client = tmp_path / "client"
    add_bailleur(dossier, "G1104", client)
    with serving(dossier, "--port", "0") as serveur:
        status, answer = serveur.post(client, "operationInconnue", "<w:rien/>")
        assert status == 500
        capsys.readouterr()
        administer(dossier, "echange", "lister", "--statut", "refuse", "--json")
    (echange,) = json.loads(capsys.readouterr().out)
    assert echange["code"] in answer
    assert echange["termine_le"]


def wait_for_handshake(port: int, context: ssl.SSLContext) -> None:
    """Until the running server has heard of the new pin: it looks once a second."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            call(port, context, "getDemandeLogement", reading("x"))
            return
    pytest.fail("le certificat enregistré n'est toujours pas accepté")
