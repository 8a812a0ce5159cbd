"""What a filter would have delivered in the last months, had it been in force ([FIL-44]).

The decisions of the time are taken again in the columns of the past events (dispatching.passe): the rights
and the other filters of the guichet as each decision used them, its author and the holders as they would have
been then, since a demande once received is received again at each of its events. The result is, record for
record, what the decision would have written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, Row, text

from dispatching.connu import connu_from_json
from dispatching.decision import Sortie
from dispatching.essai import may_be_read, values_known
from dispatching.passe import micros
from dispatching.perimetres import read_perimetres
from dispatching.recipients import FINALES
from filters.criteria import CONNUS
from filters.image import Image
from filters.language import Filtre
from filters.naive import DE_L_EVENEMENT
from filters.source import Connu
from filters.store import list_versions
from filters.tableaux import Lignes, Masque, Tableau

_NEVER: Final = np.iinfo(np.int64).max
_LOT: Final = 20_000

_HELD: Final = text("SELECT numero, depuis_le, motif FROM detention WHERE guichet = :guichet")
# What the decision kept; what it did not ask for is found again: priority as it was at that instant, delay as
# it is set today.
_CONNUS: Final = text("""
    SELECT t.rang, d.connu, coalesce(r.anormal_le <= t.jour, false) AS delai_anormal,
        EXISTS (SELECT FROM (
            SELECT DISTINCT ON (e.id) e.action FROM evenement_partage e
            WHERE e.numero = t.numero AND e.type = 'PRIORITE'
                AND coalesce(e.modifie_le, e.cree_le) <= d.decidee_le
            ORDER BY e.id, e.version DESC) AS derniere WHERE derniere.action <> 'SUPPR') AS prioritaire
    FROM unnest(CAST(:numeros AS text[]), CAST(:versions AS int[]), CAST(:jours AS date[]))
        WITH ORDINALITY AS t(numero, version, jour, rang)
    JOIN decision d ON d.numero = t.numero AND d.version = t.version
    LEFT JOIN recherche r ON r.numero = t.numero
    ORDER BY t.rang
""")


@dataclass(frozen=True, slots=True)
class Remises:
    """What a guichet would have received: rows of the image of past events.

    premieres: because of a filter. suites: the other events of what it held by then. sorties_droits,
    sorties_filtres: notices that it receives a demande no more ([DST-110]).
    """

    premieres: Lignes = field(repr=False)
    suites: Lignes = field(repr=False)
    sorties_droits: Lignes = field(repr=False)
    sorties_filtres: Lignes = field(repr=False)

    @property
    def toutes(self) -> Lignes:
        """All of them, in order."""
        parts = (self.premieres, self.suites, self.sorties_droits, self.sorties_filtres)
        return np.sort(np.concatenate(parts))


@dataclass(frozen=True, slots=True)
class Retrospective:
    """A draft over past events. sans: with the filters that were in force; avec: with the draft from the
    start, instead of the filter that it replaces."""

    depuis: datetime
    evenements: int
    sans: Remises
    avec: Remises

    def months(self, image: Image) -> dict[str, tuple[int, int]]:
        """How many distributions without and with the draft, by month of the decision, AAAA-MM."""
        days = image.autres["jour"].valeurs
        sides = [
            dict(
                zip(
                    *(each.tolist() for each in np.unique(days[r.toutes] // 100, return_counts=True)),
                    strict=True,
                )
            )
            for r in (self.sans, self.avec)
        ]
        return {
            f"{month // 100}-{month % 100:02d}": (sides[0].get(month, 0), sides[1].get(month, 0))
            for month in sorted({*sides[0], *sides[1]})
        }


def look_back(
    conn: Connection,
    image: Image,
    guichet: str,
    draft: Filtre,
    remplace: str,
    depuis: datetime,
    sortie: Sortie = Sortie.DROITS,
) -> Retrospective:
    """Try a draft on the events since `depuis` (aware). remplace: name of the filter of the guichet in whose
    place it is put at every instant; a name that it does not have adds the draft to the others. sortie: when
    a demande leaves what the guichet receives."""
    window = image.all() & (_column(image, "decidee") >= micros(depuis))
    readable, active = _rights(conn, image, guichet)
    judged = window & readable
    taken = _sides(conn, image, guichet, draft, remplace, judged)
    if sortie is Sortie.FILTRES:
        # What a filter retains whatever has just happened, and what is told to whoever holds it.
        final = image.saying("evenements", FINALES, slice(0, image.taille))
        stripped = _sides(conn, image, guichet, _stripped(draft), remplace, judged, _stripped)
        kept = (taken[0] | stripped[0] | final, taken[1] | stripped[1] | final)
    else:
        kept = (judged, judged)
    sans, avec = _deliver(conn, image, guichet, window & active, readable, taken, kept, micros(depuis))
    return Retrospective(depuis, int(np.count_nonzero(window)), sans, avec)


def _sides(
    conn: Connection,
    image: Image,
    guichet: str,
    draft: Filtre,
    remplace: str,
    judged: Masque,
    change: Callable[[Filtre], Filtre] = lambda filtre: filtre,
) -> tuple[Masque, Masque]:
    """By row, what the filters take without and with the draft. change: what to make of the others first."""
    others, replaced = np.zeros(image.taille, np.bool_), np.zeros(image.taille, np.bool_)
    for nom, taken in _taken_then(conn, image, guichet, judged, change).items():
        if nom == remplace:
            replaced |= taken
        else:
            others |= taken
    tried = _marked(image, _select(conn, image, draft, judged))
    return others | replaced, others | tried


def _stripped(filtre: Filtre) -> Filtre:
    """The filter without its conditions on what has just happened ([DST-110])."""
    kept = tuple(c for c in filtre.conditions if c.critere not in DE_L_EVENEMENT)
    return Filtre(filtre.nom, kept)


def _rights(conn: Connection, image: Image, guichet: str) -> tuple[Masque, Masque]:
    """By row: whether the guichet could read the demande without holding it, and whether it was open."""
    readable, active = np.zeros(image.taille, np.bool_), np.zeros(image.taille, np.bool_)
    generations = _column(image, "perimetres")
    for known in read_perimetres(conn, guichet):
        since = generations >= known.generation
        readable = np.where(since, may_be_read(image, known.guichet), readable)
        active = np.where(since, known.guichet.actif, active)
    return readable, active


def _taken_then(
    conn: Connection, image: Image, guichet: str, judged: Masque, change: Callable[[Filtre], Filtre]
) -> dict[str, Masque]:
    """By name of filter, the rows that the version in force at the decision takes."""
    generations, instants = _column(image, "filtres"), _column(image, "decidee")
    in_force: dict[str, Tableau] = {}
    versions = list_versions(conn, guichet)
    for rank, version in enumerate(versions, 1):
        ranks = in_force.setdefault(version.nom, np.zeros(image.taille, np.int32))
        ranks[(generations >= version.generation) & (instants >= micros(version.effet_le))] = rank
    taken = {nom: np.zeros(image.taille, np.bool_) for nom in in_force}
    for rank, version in enumerate(versions, 1):
        if version.filtre is not None:
            mask = judged & (in_force[version.nom] == rank)
            taken[version.nom] |= _marked(image, _select(conn, image, change(version.filtre), mask))
    return taken


def _select(conn: Connection, image: Image, filtre: Filtre, parmi: Masque) -> Lignes:
    """The rows that a filter takes, each on its day."""
    lignes = image.select(filtre, parmi, _column(image, "jour"))
    asked = [condition for condition in filtre.conditions if condition.critere in CONNUS]
    if not asked:
        return lignes
    lots = [lignes[first : first + _LOT] for first in range(0, len(lignes), _LOT)]
    return np.concatenate(
        [lignes[:0], *(lot[values_known(image, asked, lot, _connus(conn, image, lot))] for lot in lots)]
    )


def _connus(conn: Connection, image: Image, lignes: Lignes) -> list[Connu]:
    """What the registry knew of these demandes at these decisions."""
    days = [
        f"{day // 10_000}-{day // 100 % 100}-{day % 100}" for day in _column(image, "jour")[lignes].tolist()
    ]
    rows = conn.execute(
        _CONNUS,
        {
            "numeros": [numero.decode("ascii") for numero in image.numeros.valeurs[lignes].tolist()],
            "versions": _column(image, "version")[lignes].tolist(),
            "jours": days,
        },
    )
    return [connu_from_json(row.connu) or Connu(row.prioritaire, row.delai_anormal) for row in rows]


def _deliver(
    conn: Connection,
    image: Image,
    guichet: str,
    possible: Masque,
    readable: Masque,
    taken: tuple[Masque, Masque],
    kept: tuple[Masque, Masque],
    depuis: int,
) -> tuple[Remises, Remises]:
    """The decisions for each side, with what is held by then.

    possible: rows that the open guichet may receive when it holds. taken: rows that its filters take; kept:
    those that they do not let go of.
    """
    sent = image.saying("auteurs", {guichet}, slice(0, image.taille))
    held = {row.numero.encode("ascii"): row for row in conn.execute(_HELD, {"guichet": guichet})}
    numeros = image.numeros.valeurs[: image.taille]
    touched = np.flatnonzero(possible & (taken[0] | taken[1] | sent))
    concerned = np.union1d(np.unique(numeros[touched]), np.array(list(held), numeros.dtype))
    lignes = np.flatnonzero(possible)
    lignes = lignes[np.isin(numeros[lignes], concerned)]
    demandes, groups = np.unique(numeros[lignes], return_inverse=True)
    order = np.argsort(groups, kind="stable")
    lignes, groups = lignes[order], groups[order]
    holding_author = (sent & _column(image, "detient"))[lignes]
    authored = set(groups[holding_author].tolist())
    starts = [
        _at_start(held.get(numero), depuis, authored=group in authored)
        for group, numero in enumerate(demandes.tolist())
    ]
    columns = (
        lignes,
        groups,
        _column(image, "decidee")[lignes],
        # The decision does not ask who holds a first version.
        _column(image, "version")[lignes] > 1,
        sent[lignes],
        holding_author,
        readable[lignes],
    )
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    sans, avec = (
        _walk(rows, takes[lignes].tolist(), keeps[lignes].tolist(), starts)
        for takes, keeps in zip(taken, kept, strict=True)
    )
    return sans, avec


def _walk(
    rows: Sequence[tuple[int, int, int, bool, bool, bool, bool]],
    taken: Sequence[bool],
    kept: Sequence[bool],
    starts: Sequence[tuple[int, bool]],
) -> Remises:
    """The decisions one after the other, demande by demande: what is received depends on what was.

    rows: row of the image, rank of the demande, instant of the decision, whether it asks who holds, whether
    the guichet is the author, and holds the demande by that, whether it may read it otherwise.
    """
    premieres: list[int] = []
    suites: list[int] = []
    sorties: tuple[list[int], list[int]] = ([], [])
    demande, since, received = -1, _NEVER, False
    for row, by_filter, keeps in zip(rows, taken, kept, strict=True):
        ligne, group, instant, asks, author, holding, readable = row
        if group != demande:
            demande, (since, received) = group, starts[group]
        if author:
            if holding:
                since, received = 0, False
        elif asks and since < instant:
            suites.append(ligne)
        elif asks and received:
            if readable and keeps:
                suites.append(ligne)
            else:
                sorties[readable].append(ligne)
                received = False
        elif by_filter:
            premieres.append(ligne)
            received = True
    return Remises(*(np.array(sorted(each), np.intp) for each in (premieres, suites, *sorties)))


def _at_start(held: Row[Any] | None, depuis: int, *, authored: bool) -> tuple[int, bool]:
    """Since when the guichet holds a demande of its own right, microseconds, and whether it had received it
    before the period.

    What a distribution of the period gave does not count, nor what an event that it sent gave: both are found
    again.
    """
    if held is None:
        return _NEVER, False
    gained = micros(held.depuis_le)
    if held.motif == "distribution":
        return _NEVER, gained < depuis
    return _NEVER if authored and held.motif == "auteur" and gained >= depuis else gained, False


def _marked(image: Image, lignes: Lignes) -> Masque:
    mask = np.zeros(image.taille, np.bool_)
    mask[lignes] = True
    return mask


def _column(image: Image, nom: str) -> Tableau:
    return image.autres[nom].valeurs[: image.taille]
