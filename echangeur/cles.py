"""The keys, certificates and passwords of an instance, read from its files."""

from __future__ import annotations

import os
import ssl

from certs import tls
from certs.trousseau import Trousseau, load_trousseau
from echangeur.instance import Instance
from echangeur.lieux import COURRIER
from echangeur.sortie import MauvaisUsage
from registry.surveillance_certificats import Surveille, surveilles_du_hub


def read_trousseau(instance: Instance) -> Trousseau:
    """The keys of mail of an instance. Raises MauvaisUsage when they cannot be read."""
    try:
        return load_trousseau(instance.dossier / COURRIER)
    except (OSError, ValueError) as error:
        raise MauvaisUsage(f"Le trousseau ne se lit pas : {error}", f"Voir {COURRIER}/") from error


def watched_keys(instance: Instance) -> tuple[Surveille, ...]:
    """The certificates of the hub whose end is watched: its keys of mail, its servers, its client of TLS.
    Raises MauvaisUsage when the keys of mail cannot be read."""
    configuration = instance.configuration
    names = (configuration.serveur, configuration.console, configuration.distribution)
    paths = sorted({instance.path(section.certificat) for section in names})
    return surveilles_du_hub(read_trousseau(instance), [path.read_bytes() for path in paths if path.exists()])


def read_secret(instance: Instance, fichier: str, reglage: str) -> str:
    """What a file that a setting names holds, without the spaces around. reglage: its name,
    ``relais.mot_de_passe``. Raises MauvaisUsage when it cannot be read."""
    path = instance.path(fichier)
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise MauvaisUsage(
            f"Le fichier {path} ne se lit pas ({os.strerror(error.errno or 0)}).", f"Corrigez {reglage}."
        ) from error


def trust_of(instance: Instance, autorites: str, reglage: str) -> ssl.SSLContext:
    """TLS to a server that these authorities vouch for; empty: those of the system. reglage: name of the
    setting. Raises MauvaisUsage when they cannot be read."""
    path = instance.path(autorites) if autorites else None
    try:
        return tls.client_context(path)
    except (OSError, ValueError) as error:
        raise MauvaisUsage(f"Les autorités {path} ne se lisent pas.", f"Corrigez {reglage}.") from error
