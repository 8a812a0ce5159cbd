"""Where things are in the folder of a sandbox: names alone, and what is said when it is not one.

``bac.json`` what the developer chose and the accounts, written last: a folder without it is not a sandbox;
``instance/`` the hub; ``partenaire/`` the files of the partner; ``boites/`` the mails that the hub sent;
``demandes.json`` what was sown; ``horloge.json`` the clock (`horloge`); ``preavis.csv`` and ``avis.csv`` what
the tasks of each day write (`voyage`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from echangeur.sortie import MauvaisUsage

FICHIER: Final = "bac.json"
INSTANCE: Final = "instance"
PARTENAIRE: Final = "partenaire"
BOITES: Final = "boites"
DEMANDES: Final = "demandes.json"
HORLOGE: Final = "horloge.json"
HORLOGE_NOUVELLE: Final = "horloge.nouveau"
"""What becomes the clock; a write that was cut off leaves it."""
PREAVIS: Final = "preavis.csv"
AVIS: Final = "avis.csv"
TOUS: Final = frozenset(
    {FICHIER, INSTANCE, PARTENAIRE, BOITES, DEMANDES, HORLOGE, HORLOGE_NOUVELLE, PREAVIS, AVIS}
)


def is_sandbox(dossier: Path) -> bool:
    """Whether this folder holds one."""
    return (dossier / FICHIER).exists()


def no_sandbox(dossier: Path) -> MauvaisUsage:
    """What is said when it does not."""
    return MauvaisUsage(f"Il n'y a pas de bac à sable dans {dossier}.", "Démarrez-le : echangeur bac-a-sable")


def other_version(dossier: Path) -> MauvaisUsage:
    """What is said when the one that it holds is not of this program, or its database no longer is."""
    return MauvaisUsage(
        f"Le bac à sable de {dossier} a été fait par une autre version.",
        "Recommencez-le : echangeur bac-a-sable --neuf",
    )
