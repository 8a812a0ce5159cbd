"""How far a long command is: on standard error, where a person looks, and nowhere else."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
)


def open_bar(*suite: ProgressColumn) -> Progress:
    """For work whose end is known: description, bar and count, then the columns of `suite`."""
    return _open(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *suite)


def open_spinner(texte: str, *suite: ProgressColumn) -> Progress:
    """For work whose end is unknown: `texte`, a format of rich on `task`, then the columns of `suite`."""
    return _open(SpinnerColumn(), TextColumn(texte), *suite)


def _open(*columns: ProgressColumn) -> Progress:
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
