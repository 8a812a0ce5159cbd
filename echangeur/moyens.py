"""What an instance lends to the pages of partners and certificates: its keys, its files, its addresses."""

from __future__ import annotations

from pathlib import Path

from certs.autorite import Autorite, load_autorite
from certs.repetition import Serveur
from console.moyens import Moyens
from console.reglages import base_of
from echangeur.confiance import charge_of
from echangeur.courrier import cut_off_of
from echangeur.instance import Instance
from echangeur.lieux import AUTORITE, COURRIER, NOM_CLIENT
from echangeur.roles.fichiers_tls import client_tls


def moyens_of(instance: Instance) -> Moyens:
    """For `console.services.Services`. Raises MauvaisUsage when the day of a cut-off does not exist."""
    configuration = instance.configuration
    serveur, envoi = configuration.serveur, configuration.distribution
    return Moyens(
        autorite=lambda: _autorite(instance.dossier / AUTORITE),
        trousseau=instance.dossier / COURRIER,
        nom=NOM_CLIENT,
        serveur=Serveur(*map(instance.path, (serveur.certificat, serveur.cle, serveur.autorites))),
        client=instance.path(envoi.certificat),
        client_tls=lambda: client_tls(instance),
        services=base_of(serveur.url_publique, serveur.adresse, serveur.port),
        courrier=configuration.courrier.adresse if configuration.courrier.actif else "",
        juge=charge_of(configuration),
        fermeture=cut_off_of(instance),
    )


def _autorite(dossier: Path) -> Autorite | None:
    """None when the instance has none, or when its key is not where this process can read it."""
    try:
        return load_autorite(dossier)
    except (OSError, ValueError):
        return None
