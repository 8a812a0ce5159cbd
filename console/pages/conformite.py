"""The conformity of the hub itself, for anybody: the tables of docs/conformite-echangeur.md ([CNF-12])."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from console.table import Page
from console.vue import Rendu, Reponse, Vue


@dataclass(frozen=True, slots=True)
class TableauPreuve:
    """A table. preuve: what fails when it is false."""

    titre: str
    preuve: str
    colonnes: list[str]
    lignes: list[list[str]]


@cache
def read_tableaux() -> tuple[TableauPreuve, ...]:
    """Those that this version was published with."""
    data = files("console").joinpath("conformite.json").read_bytes()
    return msgspec.json.decode(data, type=tuple[TableauPreuve, ...])


def show(_vue: Vue) -> Reponse:
    """The page."""
    return Rendu("conformite.html", {"tableaux": read_tableaux()})


PAGES: Final = (
    Page("conformite.echangeur", "/conformite/echangeur", "Conformité de l'échangeur", show, publique=True),
)
