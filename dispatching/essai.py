"""What a draft of a filter would take of the active stock, before it is put in force ([FIL-40]).

Rights first: only what the guichet may read without holding it. The answer is that of the decision, demande
by demande: tests hold it equal to what activating the filter and deciding again would distribute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np
from sqlalchemy import Connection, text

from dispatching.connu import read_connu
from filters.criteria import CONNUS, prioritaire
from filters.genres import NON, OUI
from filters.image import Image
from filters.language import AnyCondition, Filtre
from filters.source import Connu
from filters.tableaux import Lignes, Masque
from registry.droits import PAR_COMMUNES
from registry.guichets import Guichet
from registry.releves import ACTIF

PAR: Final = ("communes", "types_logement")
"""The criteria by which the demandes taken are counted; and the month of their deposit."""

_LOT: Final = 20_000
_HELD_AMONG: Final = text("""
    SELECT numero FROM detention WHERE guichet = :guichet AND numero = ANY(CAST(:numeros AS text[]))
""")
_HELD: Final = text("SELECT numero FROM detention WHERE guichet = :guichet")


@dataclass(frozen=True, slots=True)
class Difference:
    """Between a filter in force, of that name, and the draft: rows of the image."""

    nom: str
    retenues: Lignes = field(repr=False)
    entrantes: Lignes = field(repr=False)
    sortantes: Lignes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Essai:
    """What a draft takes of the active stock.

    jour: on which ages are counted. stock, lisibles: active demandes, and those that the guichet may read.
    retenues: rows of the image that the draft takes; as long as the image is not moved on.
    par: counts by code of a criterion; a demande with several codes counts for each. mois: counts by month of
    deposit, AAAA-MM. contre: None when there is nothing to compare with.
    """

    filtre: Filtre
    guichet: str
    jour: date
    stock: int
    lisibles: int
    retenues: Lignes = field(repr=False)
    par: Mapping[str, Mapping[str, int]]
    mois: Mapping[str, int]
    contre: Difference | None


def essayer(
    conn: Connection, image: Image, guichet: Guichet, filtre: Filtre, contre: Filtre | None, jour: date
) -> Essai:
    """Try a draft on the image of the stock. contre: the filter in force that it would replace, or None.

    conn: for the criteria that an image does not keep ([FIL-13]); not used without them.
    """
    alive = image.all()
    readable = alive & may_be_read(image, guichet)
    lignes = select(conn, image, filtre, readable, jour)
    difference = None
    if contre is not None:
        before = select(conn, image, contre, readable, jour)
        difference = Difference(contre.nom, before, *image.compare(lignes, before))
    return Essai(
        filtre,
        guichet.code,
        jour,
        int(np.count_nonzero(alive)),
        int(np.count_nonzero(readable)),
        lignes,
        {critere: image.count_by(critere, lignes) for critere in PAR},
        image.months(lignes),
        difference,
    )


@dataclass(frozen=True, slots=True)
class Relachement:
    """What a filter would take besides without one of its conditions. gagnees: how many."""

    condition: AnyCondition
    gagnees: int


def relax(
    conn: Connection, image: Image, guichet: Guichet, filtre: Filtre, jour: date
) -> tuple[Relachement, ...]:
    """What each condition alone keeps out of the active stock that the guichet may read: what lifting it
    would give ([FIL-46])."""
    lignes = np.flatnonzero(image.all() & may_be_read(image, guichet))
    ours = [condition for condition in filtre.conditions if condition.critere not in CONNUS]
    asked = [condition for condition in filtre.conditions if condition.critere in CONNUS]
    failing = np.array([~image.accepting(condition, lignes, jour) for condition in ours], np.bool_)
    failing = failing.reshape(len(ours), len(lignes))
    # Nothing else can be told of what fails twice: the registry is not asked about it.
    near = np.count_nonzero(failing, axis=0) <= 1
    failing, lignes = failing[:, near], lignes[near]
    if asked:
        kept = [~_known(conn, image, [condition], lignes, jour) for condition in asked]
        failing = np.concatenate([failing, np.array(kept, np.bool_).reshape(len(asked), len(lignes))])
    alone = np.count_nonzero(failing, axis=0) == 1
    counts = np.count_nonzero(failing & alone, axis=1).tolist()
    return tuple(
        Relachement(condition, count) for condition, count in zip([*ours, *asked], counts, strict=True)
    )


def select_each(
    conn: Connection, image: Image, guichet: Guichet, filtres: Sequence[Filtre], jour: date
) -> list[Lignes]:
    """The rows of the active stock that each of these filters takes, under the rights of the guichet."""
    readable = np.flatnonzero(image.all() & may_be_read(image, guichet))
    found = []
    for filtre in filtres:
        lignes = image.narrow(filtre, readable, jour)
        asked = [condition for condition in filtre.conditions if condition.critere in CONNUS]
        found.append(lignes[_known(conn, image, asked, lignes, jour)] if asked else lignes)
    return found


def not_held(conn: Connection, image: Image, guichet: str, lignes: Lignes) -> Lignes:
    """Of these rows, those that the guichet neither holds nor sent last: what it would be given."""
    lignes = lignes[~image.saying("auteurs", {guichet}, lignes)]
    numeros = image.numeros.valeurs[lignes]
    if len(numeros) > _LOT:
        # One reading of the index of the guichet, rather than so many of the other.
        held = conn.scalars(_HELD, {"guichet": guichet}).all()
    else:
        wanted = [numero.decode("ascii") for numero in numeros.tolist()]
        held = conn.scalars(_HELD_AMONG, {"guichet": guichet, "numeros": wanted}).all()
    return lignes[~np.isin(numeros, np.array(held, "S18"))]


def may_be_read(image: Image, guichet: Guichet) -> Masque:
    """By row: `registry.droits.may_read`, without what holding gives."""
    if not guichet.actif:
        return np.zeros(image.taille, np.bool_)
    readable = image.in_territoires(guichet.territoires)
    return readable & image.wishing(guichet.communes) if guichet.type in PAR_COMMUNES else readable


def select(conn: Connection, image: Image, filtre: Filtre, parmi: Masque, jour: date) -> Lignes:
    """The rows of `parmi` that the filter takes, what only the registry knows included."""
    lignes = image.select(filtre, parmi, jour)
    asked = [condition for condition in filtre.conditions if condition.critere in CONNUS]
    if not asked:
        return lignes
    return lignes[_known(conn, image, asked, lignes, jour)]


def _known(
    conn: Connection, image: Image, asked: Sequence[AnyCondition], lignes: Lignes, jour: date
) -> Masque:
    """For each of these rows: whether it satisfies conditions on CONNUS, as the registry knows them today."""
    kept = [np.zeros(0, np.bool_)]
    for first in range(0, len(lignes), _LOT):
        lot = lignes[first : first + _LOT]
        numeros = [numero.decode("ascii") for numero in image.numeros.valeurs[lot].tolist()]
        connus = read_connu(conn, numeros, jour)
        kept.append(values_known(image, asked, lot, [connus[numero] for numero in numeros]))
    return np.concatenate(kept)


def values_known(
    image: Image, asked: Sequence[AnyCondition], lignes: Lignes, connus: Sequence[Connu]
) -> Masque:
    """For each of these rows: whether it satisfies conditions on CONNUS, with what the registry knows."""
    active = image.saying("dalo", {ACTIF}, lignes)
    return np.array(
        [
            all(c.accepte(_VALEUR[c.critere](connu, bool(dalo))) for c in asked)
            for connu, dalo in zip(connus, active, strict=True)
        ],
        np.bool_,
    )


_VALEUR: Final[Mapping[str, Callable[[Connu, bool], frozenset[str]]]] = {
    "prioritaire": lambda connu, dalo: _oui_non(prioritaire(connu, dalo_actif=dalo)),
    "delai_anormal": lambda connu, _: _oui_non(connu.delai_anormal),
}


def _oui_non(value: bool) -> frozenset[str]:
    return frozenset({OUI if value else NON})
