"""The provider of identity of an instance, from its configuration."""

from __future__ import annotations

from console.oidc.fournisseur import Fournisseur
from echangeur.cles import read_secret, trust_of
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
    return Fournisseur(settings, url, secret, trust_of(instance, settings.autorites, "oidc.autorites"))


def _read_secret(instance: Instance) -> str:
    fichier = instance.configuration.oidc.secret
    found = read_secret(instance, fichier, "oidc.secret")
    if not found:
        raise MauvaisUsage(
            f"Le fichier {instance.path(fichier)} est vide.", "Écrivez-y le secret donné par le fournisseur."
        )
    return found
