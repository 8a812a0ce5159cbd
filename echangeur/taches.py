"""What the registry does by itself, once a day: the names of the tasks."""

from __future__ import annotations

from enum import StrEnum


class Tache(StrEnum):
    """The tasks, in the order in which they run: who is told today is not radiated today, and the files of
    yesterday are in their manifest before anything is erased."""

    MANIFESTES = "manifestes"
    PREAVIS = "preavis"
    RADIATIONS = "radiations"
    DEPOTS = "depots"
    AVIS = "avis"
    EFFACEMENTS = "effacements"
    DELAIS = "delais"
    BALAYAGE = "balayage"
    CERTIFICATS = "certificats"
