"""The list of suspected doublons of a territory, for the gestionnaire: one pass over the identities.

Persons born on the same day, or on days whose day and month are exchanged, who have at least one name in
common. The search from one demande (registry/recherche_doublons.py) sees more: two names misspelt, near
dates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, text

from registry.ressemblance import SEUIL, compare


class Suspects(NamedTuple):
    """Two demandes, the smaller number first; the best score between their persons, and why."""

    premiere: str
    seconde: str
    score: int
    raisons: tuple[str, ...]


class _Personne(NamedTuple):
    numero: str
    cle: str
    role: str


# Day and month in one order: a date and the one that exchanging them makes are in one group.
_GROUPS: Final = text("""
    SELECT json_agg(json_build_array(numero, cle, role))::text
    FROM identite
    WHERE active AND territoire = :territoire
    GROUP BY left(right(cle, 10), 4), least(right(cle, 2), left(right(cle, 5), 2)),
        greatest(right(cle, 2), left(right(cle, 5), 2))
    HAVING count(DISTINCT numero) > 1
""")
_SET_ASIDE: Final = text("SELECT premiere, seconde FROM doublon_ecarte")
_DECODER: Final = msgspec.json.Decoder(list[_Personne])


def list_suspects(
    conn: Connection,
    territoire: str,
    *,
    seuil: int = SEUIL,
    progress: Callable[[int], None] | None = None,
) -> list[Suspects]:
    """The pairs at or above `seuil`, the most alike first; not those that were set aside ([DBL-6]).

    progress: called with the number of birth dates compared so far. Memory holds the pairs, not the persons.
    """
    ecartes = {(premiere, seconde) for premiere, seconde in conn.execute(_SET_ASIDE)}
    meilleurs: dict[tuple[str, str], Suspects] = {}
    lignes = conn.execution_options(stream_results=True, yield_per=200).execute(
        _GROUPS, {"territoire": territoire}
    )
    for rang, groupe in enumerate(lignes.scalars(), start=1):
        for suspects in _pairs(_DECODER.decode(groupe)):
            cle = (suspects.premiere, suspects.seconde)
            connus = meilleurs.get(cle)
            if (
                suspects.score >= seuil
                and cle not in ecartes
                and (connus is None or suspects.score > connus.score)
            ):
                meilleurs[cle] = suspects
        if progress is not None:
            progress(rang)
    return sorted(meilleurs.values(), key=lambda suspects: (-suspects.score, suspects[:2]))


def _pairs(personnes: Sequence[_Personne]) -> Iterator[Suspects]:
    """The pairs of a group that share a name, each compared."""
    par_nom: dict[str, list[_Personne]] = {}
    for personne in personnes:
        for nom in set(personne.cle.split("|")[:2]):
            par_nom.setdefault(nom, []).append(personne)
    for homonymes in par_nom.values():
        for une, autre in combinations(homonymes, 2):
            if une.numero == autre.numero:
                continue
            ressemblance = compare(une.cle, autre.cle)
            roles = ("role",) if une.role != autre.role else ()
            premiere, seconde = sorted((une.numero, autre.numero))
            yield Suspects(premiere, seconde, ressemblance.score, (*ressemblance.raisons, *roles))
