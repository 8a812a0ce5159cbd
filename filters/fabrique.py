"""How the criteria of the table are made: from a list of the interface, from communes, from yes or no."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from filters.genres import NON, OUI, CritereCodes
from filters.source import Source
from schemas import cog, territoires
from schemas.codes import code_lists, label

_COMMUNE: Final = "^[0-9][0-9AB][0-9]{3}$"


def names_commune(code: str) -> str:
    """A commune with its name."""
    found = cog.commune(code)
    return f"{code} ({found.nom})" if found else code


def names_epci(code: str) -> str:
    """An EPCI with its name."""
    found = cog.epci(code)
    return f"{code} ({found.nom})" if found else code


def names_territoire(code: str) -> str:
    """A territory with its name."""
    found = territoires.name(code)
    return f"{code} ({found})" if found else code


def names_departement(code: str) -> str:
    """A département with its name."""
    found = cog.departements().get(code)
    return f"{code} ({found})" if found else code


def known(*codes: str | None) -> frozenset[str]:
    """The codes that are known."""
    return frozenset(code for code in codes if code)


def critere_communes(
    nom: str, rubrique: str, libelle: str, definition: str, lit: Callable[[Source], frozenset[str]],
    *, lieu: bool = False,
) -> CritereCodes:  # fmt: skip
    """A criterion whose values are communes."""
    return CritereCodes(
        nom, rubrique, libelle, definition, _COMMUNE, "un code INSEE de commune, 5 caractères", lit,
        lambda code: cog.commune(code) is not None, names_commune, lieu=lieu,
    )  # fmt: skip


def critere_liste(
    nom: str, rubrique: str, libelle: str, liste: str, definition: str,
    lit: Callable[[Source], Iterable[str | None]], *, multiple: bool = False,
) -> CritereCodes:  # fmt: skip
    """A criterion of the codes of one list of the interface."""
    return critere_parmi(
        nom, rubrique, libelle, f"un code de {liste}", definition,
        {code.code: label(liste, code.code) or "" for code in code_lists()[liste] if code.code},
        lit, multiple=multiple,
    )  # fmt: skip


def critere_parmi(
    nom: str, rubrique: str, libelle: str, genre: str, definition: str, noms: dict[str, str],
    lit: Callable[[Source], Iterable[str | None]], *, multiple: bool = False,
) -> CritereCodes:  # fmt: skip
    """A criterion of a few codes that are all named."""

    def designe(code: str) -> str:
        nom = noms.get(code, "")
        return f"{code} ({nom})" if nom and nom.casefold() != code.casefold() else code

    return CritereCodes(
        nom, rubrique, libelle, definition,
        "^(" + "|".join(map(re.escape, noms)) + ")$",
        f"{genre} : " + ", ".join(noms),
        lambda source: known(*lit(source)), noms.__contains__, designe, tuple(noms), multiple,
    )  # fmt: skip


def critere_oui_non(
    nom: str, rubrique: str, libelle: str, definition: str, lit: Callable[[Source], bool | None]
) -> CritereCodes:
    """A criterion of yes or no; None: the demande does not say."""

    def read(source: Source) -> Iterable[str | None]:
        found = lit(source)
        return () if found is None else (OUI if found else NON,)

    return critere_parmi(nom, rubrique, libelle, "true ou false", definition, {OUI: "oui", NON: "non"}, read)
