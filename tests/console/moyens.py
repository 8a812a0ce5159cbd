"""The keys and the certificates of an instance, for the console of a test."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from certs.autorite import create_autorite, load_autorite
from certs.repetition import Serveur
from certs.tls import client_context
from console.moyens import Moyens
from registry.confiance import load_confiance

SERVICES = "https://localhost:8443"


def build_moyens(dossier: Path, *, services: str = SERVICES, courrier: str = "echangeur@localhost") -> Moyens:
    """What `echangeur init` makes, in that folder."""
    now = datetime.now(UTC)  # OpenSSL judges validity by the clock of the machine
    autorite = create_autorite(now=now)
    autorite.write(dossier / "autorite")
    autorite.issue_serveur(now=now).write(dossier / "serveur")
    autorite.issue_guichet("ECHANGEUR", now=now).write(dossier / "client")
    for usage in ("signature", "chiffrement/1"):
        autorite.issue_guichet("ECHANGEUR", now=now).write(dossier / "courrier" / usage)
    serveur, client = dossier / "serveur", dossier / "client"
    return Moyens(
        lambda: load_autorite(dossier / "autorite"),
        dossier / "courrier",
        "ECHANGEUR",
        Serveur(serveur / "cert.pem", serveur / "key.pem", serveur / "ca.pem"),
        client / "cert.pem",
        lambda: client_context(serveur / "ca.pem", client / "cert.pem", client / "key.pem"),
        services,
        courrier,
        load_confiance,
    )
