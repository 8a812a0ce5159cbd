"""Territories of the registry: a département, or the whole region in Île-de-France (regles §1, §3).

Codes have 3 characters: `111` Île-de-France (seen on real numbers), `0` + département in the rest of the
mainland (`059`, `02A`), the département itself overseas (`974`). The overseas collectivities (975, 977, …,
989) are outside the registry and have no territory.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from schemas import cog

ILE_DE_FRANCE: Final = "111"
DEPARTEMENTS_ILE_DE_FRANCE: Final = frozenset({"75", "77", "78", "91", "92", "93", "94", "95"})
DEPARTEMENTS_OUTRE_MER: Final = frozenset({"971", "972", "973", "974", "976"})


def territoire_of_departement(code: str) -> str | None:
    """Territory of a département (`59` → `059`), or None when it is unknown or outside the registry."""
    if code in DEPARTEMENTS_ILE_DE_FRANCE:
        return ILE_DE_FRANCE
    if code in DEPARTEMENTS_OUTRE_MER:
        return code
    return f"0{code}" if len(code) == 2 and code in cog.departements() else None


@cache
def _departements() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for code in cog.departements():
        territoire = territoire_of_departement(code)
        if territoire is not None:
            found.setdefault(territoire, set()).add(code)
    return {code: frozenset(members) for code, members in found.items()}


def territoires() -> tuple[str, ...]:
    """All the codes, sorted."""
    return tuple(sorted(_departements()))


def exists(code: str) -> bool:
    """True when `code` is that of a territory."""
    return code in _departements()


def territoire_of(code_commune: str) -> str | None:
    """Territory of a commune by its INSEE code, or None when it is unknown or outside the registry."""
    found = cog.commune(code_commune)
    return territoire_of_departement(found.departement) if found else None


@cache
def communes_of_territoire(code: str) -> frozenset[str]:
    """INSEE codes of a territory, arrondissements included; empty when the territory is unknown."""
    departements = _departements().get(code, frozenset())
    return frozenset().union(*(cog.communes_of_departement(d) for d in departements))


def name(code: str) -> str | None:
    """French name of a territory, or None when it is unknown."""
    if code == ILE_DE_FRANCE:
        return "Île-de-France"
    members = _departements().get(code)
    return cog.departements()[next(iter(members))] if members else None
