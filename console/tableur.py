"""Tables to keep, as CSV that the office suites of France open as it is. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Final

from console.formats import moment
from console.vue import Telechargement

LIGNES_MAX: Final = 10_000
"""Rows of one export."""

_FORMULE: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_of(nom: str, colonnes: Sequence[str], lignes: Iterable[Sequence[object]]) -> Telechargement:
    """A CSV file: UTF-8 with its mark, semicolons, hours of Paris."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(colonnes)
    writer.writerows([_cell(value) for value in ligne] for ligne in lignes)
    return Telechargement(nom, "text/csv; charset=utf-8", text.getvalue().encode("utf-8-sig"))


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return moment(value)
        case date():
            return value.isoformat()
        case Enum():
            return str(value.value)
        case int() | float():
            return str(value)
    written = str(value)
    # Threat: a spreadsheet runs a text that begins so as a formula (CSV injection).
    return f"'{written}" if written.startswith(_FORMULE) else written
