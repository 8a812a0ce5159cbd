"""The keys and certificates of an instance, read from its files."""

from __future__ import annotations

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
