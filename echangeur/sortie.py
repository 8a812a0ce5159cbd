"""What the command line says and how it ends.

Exit codes, the same for all commands: 0 done; 1 a finding (invalid document, unknown guichet, broken
chain…); 2 wrong usage (option, configuration, absent instance). Results go to standard output, the rest to
standard error, so that ``--json`` can be piped.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

if TYPE_CHECKING:
    from rich.console import Console

PARIS: Final = ZoneInfo("Europe/Paris")

# A width without limit where nobody looks: a pipe must get whole values, not values cut at 80 columns.
_PIPE_WIDTH: Final = 10_000


class Code(IntEnum):
    """Exit codes of every command."""

    FAIT = 0
    CONSTAT = 1
    USAGE = 2


class Arret(Exception):
    """Ends a command with a French message. `conduite`: what to do now, or empty."""

    code: Code = Code.CONSTAT

    def __init__(self, message: str, conduite: str = "") -> None:
        self.message = message
        self.conduite = conduite
        super().__init__(message)


class ConstatNegatif(Arret):
    """The command worked and what it found is negative: exit code 1."""


class MauvaisUsage(Arret):
    """The command cannot work as it was called: exit code 2."""

    code = Code.USAGE


def say(text: str) -> None:
    """One line of result."""
    # Flushed: whoever reads a pipe waits for the readiness line of the server.
    print(text, flush=True)


def note(text: str) -> None:
    """One line for the person, beside the result."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def print_json(value: object) -> None:
    """The value as indented JSON, UTF-8; datetimes in ISO 8601."""
    # Deterministic: sets come out sorted.
    data = msgspec.json.encode(value, order="deterministic")
    say(msgspec.json.format(data, indent=2).decode("utf-8"))


def print_table(titres: Sequence[str], lignes: Sequence[Sequence[object]], *, vide: str) -> None:
    """A table for people; `vide` is what to say when there is nothing."""
    if not lignes:
        note(vide)
        return
    # Imported by whoever draws something: most commands say a line.
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for titre in titres:
        table.add_column(titre, overflow="fold")
    for ligne in lignes:
        table.add_row(*(french(value) for value in ligne))
    _console().print(table)


def print_fiche(lignes: Sequence[tuple[str, object]]) -> None:
    """One record, a field a line."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for titre, value in lignes:
        table.add_row(titre, french(value))
    _console().print(table)


def french(value: object) -> str:
    """A value as a person reads it; instants in the local time of Paris."""
    match value:
        case None | "":
            return "–"
        case bool():
            return "oui" if value else "non"
        case datetime():
            return value.astimezone(PARIS).strftime("%d/%m/%Y %H:%M:%S")
        case list() | tuple() | set() | frozenset():
            return ", ".join(sorted(str(item) for item in value)) or "–"
        case bytes():
            return value.hex()
        case _:
            return str(value)


def _console() -> Console:
    from rich.console import Console

    # No markup: a name between brackets must come out as it is.
    if sys.stdout.isatty():
        return Console(markup=False, highlight=False)
    return Console(file=sys.stdout, width=_PIPE_WIDTH, markup=False, highlight=False, no_color=True)
