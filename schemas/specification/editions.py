"""The editions of the specification, and what changed from one to the next, clause by clause.

An edition that was published keeps the digest of each of its clauses (``empreintes-N.json``). The text of
today is held against those of the last one: a clause that changed, or that is gone, must say what changes for
whoever follows it already (`editions.toml`). Nobody discovers a change by reading everything again.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

CLAUSE: Final = re.compile(r"\*\*\[([A-Z]{3}-[0-9]+)\]\*\*")
"""Where a clause is written."""
_FIN: Final = re.compile(r"\n\s*\n|\n#")
_DOSSIER: Final = files("schemas").joinpath("specification")


@dataclass(frozen=True, slots=True)
class Edition:
    """numero: 1, 2, 3… date: of its publication, or None while it is prepared. clauses: by code, what changes
    for whoever follows the edition before."""

    numero: int
    date: date | None
    texte: str
    clauses: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Differences:
    """Codes of clauses, in their order."""

    ajoutees: tuple[str, ...]
    changees: tuple[str, ...]
    retirees: tuple[str, ...]


@cache
def editions() -> tuple[Edition, ...]:
    """Every edition, the oldest first."""
    told: list[dict[str, Any]] = tomllib.loads(_read("editions.toml"))["edition"]
    return tuple(
        Edition(each["numero"], each.get("date"), each["texte"], each.get("clauses", {})) for each in told
    )


def courante() -> Edition:
    """The one that this program publishes."""
    return editions()[-1]


def publiee_le() -> date:
    """The day of the last edition that was published: the one of the files, the current one or the one that
    it prepares to follow."""
    return next(each.date for each in reversed(editions()) if each.date is not None)


def digests(texte: str) -> dict[str, str]:
    """SHA-256 of each clause of a text of chapters, in hexadecimal, whatever its line breaks."""
    pieces = CLAUSE.split(texte)
    return {
        # The hyphen of the next element of the list is of no clause.
        code: hashlib.sha256(" ".join(_FIN.split(after)[0].split()).strip("- ").encode()).hexdigest()
        for code, after in zip(pieces[1::2], pieces[2::2], strict=True)
    }


def published_digests(numero: int) -> dict[str, str]:
    """The digests that the edition of that number was published with. Raises FileNotFoundError."""
    return msgspec.json.decode(_read(f"empreintes-{numero}.json"), type=dict[str, str])


def compare_digests(avant: Mapping[str, str], apres: Mapping[str, str]) -> Differences:
    """What changed between two editions."""
    return Differences(
        tuple(code for code in apres if code not in avant),
        tuple(code for code in apres if code in avant and avant[code] != apres[code]),
        tuple(code for code in avant if code not in apres),
    )


def unexplained(differences: Differences, edition: Edition) -> tuple[str, ...]:
    """The clauses that changed, or are gone, and of which the edition says nothing."""
    return tuple(
        code for code in (*differences.changees, *differences.retirees) if not edition.clauses.get(code)
    )


def _read(nom: str) -> str:
    return _DOSSIER.joinpath(nom).read_text(encoding="utf-8")
