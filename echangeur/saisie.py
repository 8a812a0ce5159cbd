"""What people type that several commands read: arguments and options, identifiers, instants."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, overload

import typer

from echangeur.sortie import PARIS, MauvaisUsage

Guichet = Annotated[str, typer.Argument(metavar="GUICHET", help="Code du guichet.")]
GuichetOuTous = Annotated[
    str | None, typer.Argument(metavar="[GUICHET]", help="Code du guichet ; sans lui, tous.")
]
Octets = Annotated[
    Path | None,
    typer.Option(
        "--octets",
        help="Écrit le message tel que reçu dans ce fichier, lisible de vous seul : il est nominatif.",
    ),
]


def read_identifiant(text: str, de_quoi: str) -> uuid.UUID:
    """An identifier given by the hub. de_quoi: "d'échange"… Raises MauvaisUsage when it is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise MauvaisUsage(f"« {text} » n'est pas un identifiant {de_quoi}.") from None


def read_day(text: str) -> date:
    """A day typed as AAAA-MM-JJ. Raises MauvaisUsage when it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise MauvaisUsage(f"« {text} » n'est pas une date.", "Écrivez-la AAAA-MM-JJ.") from None


@overload
def of_paris(instant: datetime) -> datetime: ...
@overload
def of_paris(instant: datetime | None) -> datetime | None: ...
def of_paris(instant: datetime | None) -> datetime | None:
    """An instant typed without a zone is in the time of Paris, as those that people are shown."""
    return None if instant is None else instant.replace(tzinfo=PARIS)
