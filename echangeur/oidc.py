"""The provider of identity of an instance, from its configuration."""

from __future__ import annotations

import os
import ssl

from certs import tls
from console.oidc.fournisseur import Fournisseur
from echangeur.instance import Instance
from echangeur.sortie import MauvaisUsage


def provider_of(instance: Instance) -> Fournisseur | None:
    """The provider, or None when none is configured. Raises MauvaisUsage when something is missing."""
    configuration = instance.configuration
    settings, url = configuration.oidc, configuration.console.url_publique
    if not settings.emetteur:
        return None
    needed = {"oidc.client": settings.client, "oidc.secret": settings.secret, "console.url_publique": url}
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise MauvaisUsage(
            f"oidc.emetteur est donné ; il manque : {', '.join(missing)}.",
            "Voir docs/exploitation/comptes.md",
        )

    def secret() -> str:
        # Read at each use: a new one takes effect without a restart.
        return _read_secret(instance)

    secret()
    return Fournisseur(settings, url, secret, _tls(instance))


def _read_secret(instance: Instance) -> str:
    path = instance.path(instance.configuration.oidc.secret)
    try:
        found = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise MauvaisUsage(
            f"Le fichier {path} ne se lit pas ({os.strerror(error.errno or 0)}).", "Corrigez oidc.secret."
        ) from error
    if not found:
        raise MauvaisUsage(f"Le fichier {path} est vide.", "Écrivez-y le secret donné par le fournisseur.")
    return found


def _tls(instance: Instance) -> ssl.SSLContext | None:
    fichier = instance.configuration.oidc.autorites
    path = instance.path(fichier) if fichier else None
    try:
        return tls.client_context(path)
    except (OSError, ValueError) as error:
        raise MauvaisUsage(f"Les autorités {path} ne se lisent pas.", "Corrigez oidc.autorites.") from error
