"""Pièces of the dossier unique: categories as dated data, marks, profiles and what each may do. Pure.

Each pièce is given once and shared by all who may read the demande (regles §11, CCH L441-2-1). The categories
are data (categories_pieces.csv): the arrêtés have changed them four times, and a pièce keeps the category
under which it was deposited ([PIE-3], [PIE-4]).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

from registry.profils import Profil


class Classe(StrEnum):
    """What a category is for (regles §11)."""

    ENREGISTREMENT = "enregistrement"
    """Without it the demande cannot be registered: identity, or legal stay."""
    INSTRUCTION = "instruction"
    """Asked for when the demande is examined."""
    COMPLEMENTAIRE = "complementaire"


@dataclass(frozen=True, slots=True)
class Categorie:
    """A kind of pièce. valide_au: last day on which one may be deposited under it, or None."""

    code: str
    libelle: str
    classe: Classe
    sensible: bool
    valide_du: date
    valide_au: date | None

    def is_open(self, jour: date) -> bool:
        """May a pièce be deposited under this category that day?"""
        return self.valide_du <= jour and (self.valide_au is None or jour <= self.valide_au)


@cache
def categories() -> Mapping[str, Categorie]:
    """All the categories, those of the past included, by code."""
    lu = resources.files("registry").joinpath("categories_pieces.csv").read_text(encoding="utf-8")
    return MappingProxyType(
        {
            ligne["code"]: Categorie(
                code=ligne["code"],
                libelle=ligne["libelle"],
                classe=Classe(ligne["classe"]),
                sensible={"oui": True, "non": False}[ligne["sensible"]],
                valide_du=date.fromisoformat(ligne["valide_du"]),
                valide_au=date.fromisoformat(ligne["valide_au"]) if ligne["valide_au"] else None,
            )
            for ligne in csv.DictReader(lu.splitlines(), delimiter=";")
        }
    )


class Marque(StrEnum):
    """What an instructor says of a pièce; codes of at most 6 characters, as the contract has them
    ([PIE-14])."""

    VALIDE = "VALIDE"
    """No reserve: the mark of a new pièce."""
    INEXPLOITABLE = "INEXPL"
    HORS_PERIMETRE = "HORSPE"
    """Outside what the arrêté allows to be asked for."""
    OBSOLETE = "OBSOL"


class Action(StrEnum):
    """What is done with pièces; the values are those of the history."""

    DEPOT = "DEPOT"
    LISTE = "LISTE"
    CONSULTATION = "CONSULTATION"
    MARQUE = "MARQUE"
    SUPPRESSION = "SUPPRESSION"
    HISTORIQUE = "HISTORIQUE"


class Portee(StrEnum):
    """How far a right goes."""

    AUCUNE = "aucune"
    PROPRES = "propres"
    """Pièces that this guichet deposited."""
    ORDINAIRES = "ordinaires"
    """Pièces of the categories that are not sensitive."""
    TOUTES = "toutes"


_N, _P, _O, _T = Portee.AUCUNE, Portee.PROPRES, Portee.ORDINAIRES, Portee.TOUTES

DROITS: Final[Mapping[Profil, Mapping[Action, Portee]]] = MappingProxyType(
    {
        profil: MappingProxyType(dict(zip(Action, portees, strict=True)))
        for profil, portees in {
            # In the order of Action: dépôt, liste, consultation, marque, suppression, historique.
            Profil.GUICHET: (_T, _T, _T, _T, _P, _T),
            Profil.GESTIONNAIRE: (_T, _T, _T, _T, _T, _T),
            Profil.CONSULTANT_SIMPLE: (_N, _O, _N, _N, _N, _N),
            Profil.CONSULTANT_DEMANDE: (_N, _O, _O, _N, _N, _N),
            Profil.CONSULTANT_SENSIBLE: (_N, _T, _T, _N, _N, _N),
            Profil.NUMERISEUR: (_T, _N, _N, _N, _N, _N),
            Profil.DEMANDEUR: (_T, _T, _T, _N, _P, _N),
        }.items()
    }
)
"""The table of rights ([PIE-6]): all come after the right to read the demande itself."""

_RANG: Final = {Portee.AUCUNE: 0, Portee.PROPRES: 1, Portee.ORDINAIRES: 1, Portee.TOUTES: 2}


def allows(portee: Portee, *, sensible: bool, propre: bool) -> bool:
    """Does a right of that reach cover a pièce? propre: this guichet deposited it."""
    match portee:
        case Portee.TOUTES:
            return True
        case Portee.ORDINAIRES:
            return not sensible
        case Portee.PROPRES:
            return propre
        case Portee.AUCUNE:
            return False


def narrows(voulu: Profil, accorde: Profil) -> bool:
    """Is `voulu` nowhere wider than `accorde`? A user may have less than the account ([PIE-7])."""
    return all(
        DROITS[voulu][action] is DROITS[accorde][action]
        or _RANG[DROITS[voulu][action]] < _RANG[DROITS[accorde][action]]
        for action in Action
    )
