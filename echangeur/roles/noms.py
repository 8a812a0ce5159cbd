"""Which roles a process has: asked on the command line, bounded by the configuration."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from echangeur.config import Configuration
from echangeur.sortie import MauvaisUsage


class NomRole(StrEnum):
    """A role of a process, in the order of the start: what others need comes first."""

    COURRIER = "courrier"
    WORKER = "worker"
    SOAP = "soap"
    CONSOLE = "console"


class RoleDemande(StrEnum):
    """What the command line may ask for: a role, or each of those that the configuration turns on."""

    SOAP = "soap"
    CONSOLE = "console"
    WORKER = "worker"
    COURRIER = "courrier"
    ALL = "all"


_INTERRUPTEURS: Final = {
    NomRole.COURRIER: "courrier.actif",
    NomRole.WORKER: "distribution.active",
    NomRole.CONSOLE: "console.active",
}


def roles_of(demandes: Collection[RoleDemande], configuration: Configuration) -> tuple[NomRole, ...]:
    """The roles of a process, in the order of the start. demandes: empty asks for all.

    Raises MauvaisUsage for a role that is asked by name and that the configuration turns off: it would
    otherwise do nothing and be called ready.
    """
    permis = {
        NomRole.COURRIER: configuration.courrier.actif,
        NomRole.WORKER: configuration.distribution.active,
        NomRole.SOAP: True,
        NomRole.CONSOLE: configuration.console.active,
    }
    if not demandes or RoleDemande.ALL in demandes:
        return tuple(role for role in NomRole if permis[role])
    voulus = {NomRole(demande) for demande in demandes}
    for role in NomRole:
        if role in voulus and not permis[role]:
            raise MauvaisUsage(
                f"Le rôle {role} est demandé, et la configuration l'éteint.",
                f"Écrivez {_INTERRUPTEURS[role]} = true, ou ne demandez pas ce rôle.",
            )
    return tuple(role for role in NomRole if role in voulus)
