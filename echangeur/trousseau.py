"""The folder of the keys of mail: one that signs, and those that decrypt, each in a folder of its own."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from certs.autorite import DUREE_GUICHET, Autorite

SIGNATURE: Final = "signature"
CHIFFREMENT: Final = "chiffrement"
_PREMIERE: Final = "1"


def create_trousseau(
    autorite: Autorite, dossier: Path, nom: str, *, now: datetime, duree: timedelta = DUREE_GUICHET
) -> None:
    """Make the keys of a new instance: one that signs, one that decrypts (one key, one use)."""
    for place in (dossier / SIGNATURE, dossier / CHIFFREMENT / _PREMIERE):
        autorite.issue_guichet(nom, now=now, nom="Échangeur", duree=duree).write(place)
