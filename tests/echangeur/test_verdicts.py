"""What the authority of a partner says of its certificate decides of its calls, over real TLS."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.autorite import Autorite, create_autorite
from certs.lecture import Certificat, read_certificat
from certs.tls import client_context
from echangeur.cli import run
from registry.clock import SystemClock
from tests.echangeur.test_serve import add_bailleur, administer, call, reading, serving

INCONNU = reading("1110318016982G1104")


@pytest.fixture
def dossier(tmp_path: Path, database_url: str) -> Path:
    """An instance at the time of the machine, without grace."""
    folder = tmp_path / "instance"
    assert run(["init", str(folder), "--base", database_url], clock=SystemClock()) == 0
    settings = folder / "echangeur.toml"
    settings.write_text(settings.read_text().replace("grace = 24", "grace = 0"))
    return folder


def until(port: int, context: ssl.SSLContext, code: str) -> str:
    """The first answer that names this code: the server follows a verdict by itself."""
    deadline = time.monotonic() + 60
    answer = ""
    while code not in answer:
        assert time.monotonic() < deadline, answer
        answer = call(port, context, "getDemandeLogement", INCONNU)[1]
    return answer


def keep(dossier: Path, autorite: Autorite, numero: int, duree: timedelta, *series: int) -> None:
    now = datetime.now(UTC)
    liste = dossier / "liste.crl"
    liste.write_bytes(autorite.list_revoked(dict.fromkeys(series, now), now=now, numero=numero, duree=duree))
    administer(dossier, "certificat", "confiance", "rafraichir", "--fichier", liste)


def test_un_appelant_revoque_ou_suspendu(
    dossier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """[CER-36] [CER-37] Served; suspended when its list ends; served again; refused once revoked.

    A partner of another authority is served all along.
    """
    now = datetime.now(UTC)
    add_bailleur(dossier, "G1226", tmp_path / "autre")
    add_bailleur(dossier, "G1104", tmp_path / "demo")
    igc = create_autorite("IGC d'un partenaire", now=now - timedelta(days=1))
    client, ca = tmp_path / "client", dossier / "igc.pem"
    ca.write_bytes(igc.pem)
    igc.issue_guichet("G1104", now=now).write(client)
    lu = read_certificat((client / "cert.pem").read_bytes())
    assert isinstance(lu, Certificat)
    administer(dossier, "certificat", "enregistrer", "G1104", client / "cert.pem")
    administer(dossier, "certificat", "confiance", "ajouter", ca)
    keep(dossier, igc, 1, timedelta(days=1))
    serveur_ca = tmp_path / "autre" / "ca.pem"
    context = client_context(serveur_ca, client / "cert.pem", client / "key.pem")
    other = client_context(serveur_ca, tmp_path / "autre" / "cert.pem", tmp_path / "autre" / "key.pem")
    with serving(dossier, "--port", "0") as serveur:
        assert "GUI00" not in call(serveur.port, context, "getDemandeLogement", INCONNU)[1]
        keep(dossier, igc, 2, timedelta(seconds=10))
        assert "à jour" in until(serveur.port, context, "GUI009")
        capsys.readouterr()
        administer(dossier, "certificat", "lister", "G1104", "--json")
        assert '"suspendu"' in capsys.readouterr().out
        keep(dossier, igc, 3, timedelta(days=1))
        until(serveur.port, context, "GUI103")
        keep(dossier, igc, 4, timedelta(days=1), lu.serie)
        assert "révoqué le" in until(serveur.port, context, "GUI008")
        assert "GUI00" not in call(serveur.port, other, "getDemandeLogement", INCONNU)[1]
    capsys.readouterr()
    administer(dossier, "certificat", "lister", "G1104", "--json")
    assert '"révoqué"' in capsys.readouterr().out
