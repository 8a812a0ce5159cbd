"""What the trial of a filter says to an agent: values that hold nothing of the image, made on its bench."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

import numpy as np
from sqlalchemy import Connection

from dispatching.bilan import Bilan, bilan_of
from dispatching.decision import Sortie
from dispatching.essai import Essai, essayer, not_held, relax, select_each
from dispatching.passe import MOIS, start_of
from dispatching.retrospective import look_back
from filters.criteria import CRITERE
from filters.genres import CritereCodes
from filters.image import Image
from filters.language import Filtre
from filters.tableaux import Lignes
from filters.texts import tell_wanted
from registry.guichets import Guichet

MONTRES: Final = 8
"""Codes whose counts are shown, the most frequent first."""
NUMEROS: Final = 50
"""Numbers in one page of a list."""
_MOIS_MONTRES: Final = 12


class Liste(StrEnum):
    """The numbers that may be listed; in addresses."""

    RETENUES = "retenues"
    NOUVELLES = "nouvelles"
    ENTRANTES = "entrantes"
    SORTANTES = "sortantes"


@dataclass(frozen=True, slots=True)
class Contre:
    """The difference with the filter in force of that name."""

    nom: str
    retenues: int
    entrantes: int
    sortantes: int


@dataclass(frozen=True, slots=True)
class Compte:
    """How many demandes say it. part: per cent of the greatest of its list."""

    libelle: str
    nombre: int
    part: int


@dataclass(frozen=True, slots=True)
class Relache:
    """A condition, and how many more without it."""

    critere: str
    libelle: str
    texte: str
    gagnees: int


@dataclass(frozen=True, slots=True)
class Apercu:
    """One trial. nouvelles: of those taken, how many the guichet has not yet."""

    stock: int
    lisibles: int
    retenues: int
    nouvelles: int
    communes: tuple[Compte, ...]
    types: tuple[Compte, ...]
    mois: tuple[Compte, ...]
    contre: Contre | None
    relaches: tuple[Relache, ...]


def make_apercu(
    conn: Connection, image: Image, guichet: Guichet, filtre: Filtre, contre: Filtre | None, jour: date
) -> Apercu:
    """Try a filter, against the one in force that it would replace if there is one."""
    essai = essayer(conn, image, guichet, filtre, contre, jour)
    difference = essai.contre
    return Apercu(
        essai.stock,
        essai.lisibles,
        len(essai.retenues),
        len(not_held(conn, image, guichet.code, essai.retenues)),
        _top("communes", essai.par["communes"]),
        _top("types_logement", essai.par["types_logement"]),
        _counts(list(essai.mois.items())[-_MOIS_MONTRES:]),
        None
        if difference is None
        else Contre(
            difference.nom, len(difference.retenues), len(difference.entrantes), len(difference.sortantes)
        ),
        tuple(
            Relache(
                each.condition.critere,
                CRITERE[each.condition.critere].libelle,
                tell_wanted(each.condition),
                each.gagnees,
            )
            for each in relax(conn, image, guichet, filtre, jour)
        ),
    )


def count_filtres(
    conn: Connection, image: Image, guichet: Guichet, filtres: Sequence[Filtre], jour: date
) -> dict[str, int]:
    """How many each filter takes of the stock, by its name."""
    found = select_each(conn, image, guichet, filtres, jour)
    return {filtre.nom: len(lignes) for filtre, lignes in zip(filtres, found, strict=True)}


def count_offers(
    conn: Connection, image: Image, guichet: Guichet, filtres: Sequence[Filtre], jour: date
) -> int:
    """How many demandes that the guichet has not one of these filters at least takes: what a back-fill
    offers."""
    found = select_each(conn, image, guichet, filtres, jour)
    taken: Lignes = np.unique(np.concatenate([np.zeros(0, np.intp), *found]))
    return len(not_held(conn, image, guichet.code, taken))


def list_numeros(
    conn: Connection,
    image: Image,
    guichet: Guichet,
    filtre: Filtre,
    contre: Filtre | None,
    jour: date,
    liste: Liste,
    apres: str,
    limite: int,
) -> list[str]:
    """The numbers of a list that follow `apres`, in order, `limite` at most."""
    essai = essayer(conn, image, guichet, filtre, contre, jour)
    return image.numbers_of(_rows(conn, image, essai, liste), apres, limite)


def make_bilan(
    conn: Connection, image: Image, guichet: str, filtre: Filtre, jour: date, sortie: Sortie
) -> Bilan:
    """What the filter would have delivered in the last twelve months."""
    return bilan_of(image, look_back(conn, image, guichet, filtre, filtre.nom, start_of(jour, MOIS), sortie))


def _rows(conn: Connection, image: Image, essai: Essai, liste: Liste) -> Lignes:
    match liste:
        case Liste.RETENUES:
            return essai.retenues
        case Liste.NOUVELLES:
            return not_held(conn, image, essai.guichet, essai.retenues)
        case Liste.ENTRANTES if essai.contre is not None:
            return essai.contre.entrantes
        case Liste.SORTANTES if essai.contre is not None:
            return essai.contre.sortantes
        case _:
            return essai.retenues[:0]


def _top(critere: str, counts: Mapping[str, int]) -> tuple[Compte, ...]:
    found = CRITERE[critere]
    assert isinstance(found, CritereCodes)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [(found.designe(code), count) for code, count in ordered[:MONTRES]]
    return _counts(shown)


def _counts(items: Sequence[tuple[str, int]]) -> tuple[Compte, ...]:
    most = max((count for _, count in items), default=0)
    return tuple(Compte(libelle, count, round(100 * count / most)) for libelle, count in items)
