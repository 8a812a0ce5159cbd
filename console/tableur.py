"""Tables to keep, as CSV that the office suites of France open as it is. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Final, TypeVar

from console.formats import moment
from console.vue import Telechargement

T = TypeVar("T")

TYPE_CSV: Final = "text/csv; charset=utf-8"
LIGNES_MAX: Final = 10_000
"""Rows of one export."""

_FORMULE: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_of(nom: str, colonnes: Sequence[str], lignes: Iterable[Sequence[object]]) -> Telechargement:
    """A CSV file to keep."""
    return Telechargement(nom, TYPE_CSV, write_csv(colonnes, lignes))


def write_csv(colonnes: Sequence[str], lignes: Iterable[Sequence[object]]) -> bytes:
    """UTF-8 with its mark, semicolons, decimal commas, hours of Paris: what an office opens as it is."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(colonnes)
    writer.writerows([_cell(value) for value in ligne] for ligne in lignes)
    return text.getvalue().encode("utf-8-sig")


def gather(page: Callable[[str, int], tuple[Sequence[T], str]]) -> list[T]:
    """All the pages of a search, LIGNES_MAX rows at most. page: given where to go on and how many rows at
    most, the rows and where the next page goes on, or empty at the end."""
    found: list[T] = []
    suite = ""
    while len(found) < LIGNES_MAX:
        rows, suite = page(suite, LIGNES_MAX - len(found))
        found += rows
        if not suite:
            break
    return found


def _cell(value: object) -> str:
    # Nearly all that a file holds; the others go through the questions below.
    if type(value) is str:
        return _inert(value)
    if value is None:
        return ""
    match value:
        case datetime():
            return moment(value)
        case date():
            return value.isoformat()
        case Enum():
            return str(value.value)
        case float():
            return f"{value:.4f}".rstrip("0").rstrip(".").replace(".", ",")
        case int():
            return str(value)
    return _inert(str(value))


def _inert(written: str) -> str:
    # Threat: a spreadsheet runs a text that begins so as a formula (CSV injection).
    return f"'{written}" if written.startswith(_FORMULE) else written
