"""What a running process takes up again on SIGHUP, and what it says needs a restart.

Taken up: the files of certificates, keys and authorities, and the names of those files. Nothing else: the
bounds, the addresses and the rules of a process are those of its start, so that two exchanges of one process
never go by two rules. What is refused leaves the process as it was.
"""

from __future__ import annotations

from typing import Final

import msgspec
import structlog

from echangeur.config import Configuration
from echangeur.instance import Instance, open_instance
from echangeur.roles.cycle import Cycle
from echangeur.sortie import MauvaisUsage

_log = structlog.get_logger("echangeur")

REPRISES: Final = frozenset(
    {
        "serveur.certificat",
        "serveur.cle",
        "serveur.autorites",
        "console.certificat",
        "console.cle",
        "distribution.certificat",
        "distribution.cle",
    }
)
"""The keys whose new value is taken up, and whose file is read again."""


def changed(before: Configuration, after: Configuration) -> tuple[str, ...]:
    """The keys (``serveur.port``) whose values differ, in the order of the file."""
    found = []
    for section in msgspec.structs.fields(Configuration):
        old, new = getattr(before, section.name), getattr(after, section.name)
        found += [
            f"{section.name}.{key.name}"
            for key in msgspec.structs.fields(type(new))
            if getattr(old, key.name) != getattr(new, key.name)
        ]
    return tuple(found)


async def reload(cycle: Cycle, instance: Instance) -> None:
    """Read the configuration and the files of certificates again; `instance` is that of the start.

    Everything is told in the log: what was taken up, what awaits a restart, or why nothing was done.
    """
    try:
        nouvelle = open_instance(instance.dossier, instance.fichier)
        await cycle.reload(nouvelle)
    except MauvaisUsage as error:
        _log.error("rechargement refusé", raison=error.message)
        return
    keys = changed(instance.configuration, nouvelle.configuration)
    _log.info(
        "rechargé",
        reprises=[key for key in keys if key in REPRISES],
        au_redemarrage=[key for key in keys if key not in REPRISES],
    )
