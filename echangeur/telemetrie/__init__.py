"""Traces of the exchanges, for a collector of OpenTelemetry (docs/decisions/0111).

The trace of an exchange bears its identifier, and its first span an identifier computed from it: whoever has
the identifier, in another process or another day, adds to the trace without having been told anything.
Nothing of OpenTelemetry is imported unless the configuration names a collector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from echangeur.config import Configuration
from echangeur.sortie import MauvaisUsage

if TYPE_CHECKING:
    from echangeur.telemetrie.traceur import Traceur


def create_traceur(configuration: Configuration, roles: tuple[str, ...]) -> Traceur | None:
    """What tells the traces of a process; None when none are asked for. Raises MauvaisUsage without the
    package."""
    settings = configuration.telemetrie
    if not settings.collecteur:
        return None
    try:
        from echangeur.telemetrie.traceur import Traceur
    except ImportError as error:
        raise MauvaisUsage(
            "telemetrie.collecteur est réglé, et OpenTelemetry n'est pas installé.",
            "Installez l'extra : pip install 'echangeur[traces]' ; ou videz telemetrie.collecteur.",
        ) from error
    return Traceur(settings.collecteur, roles, part=settings.part, propager=settings.propager)
