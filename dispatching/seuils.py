"""What time alone changes: values that filters compare, and the demandes that cross one of them ([FIL-14]).

A demande crosses a threshold on the day when one of its dates is that far: the deposit, the birth of a
person, the day from which its wait is abnormal. The indexes of the search and of the identities give those of
a day, and a few more; who asks judges them for good.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection, TextClause, text

from filters.language import Filtre, Intervalle
from filters.source import AGE_UC
from registry.projection import terme_naissance
from registry.validite import add_months

AGES: Final = frozenset({"age_demandeur", "age_plus_jeune", "age_plus_age"})
RELATIFS: Final = AGES | {"anciennete", "delai_anormal", "ressources_uc"}
"""The criteria whose value time alone changes."""

Seuil = tuple[str, int]
"""What is that old: a deposit, in months, a person, in years, or an abnormal delay, 0."""
DEPOT: Final = "depot"
TITULAIRE: Final = "titulaire"
PERSONNE: Final = "personne"
RETARD: Final = "retard"


@dataclass(frozen=True, slots=True)
class Periode:
    """The days that are swept: after `veille`, up to `jour`."""

    veille: date
    jour: date


def seuils_of(filtres: Iterable[Filtre]) -> frozenset[Seuil]:
    """The thresholds of these filters that time makes demandes cross."""
    found: set[Seuil] = set()
    for condition in (each for filtre in filtres for each in filtre.conditions):
        nom = condition.critere
        if nom == "delai_anormal":
            found.add((RETARD, 0))
        elif nom == "ressources_uc":
            # A person counts otherwise from that age on, and from its birth.
            found |= {(PERSONNE, 0), (PERSONNE, AGE_UC)}
        elif nom in RELATIFS:
            assert isinstance(condition, Intervalle)
            what = {"anciennete": DEPOT, "age_demandeur": TITULAIRE}.get(nom, PERSONNE)
            bornes = (condition.mini, None if condition.maxi is None else condition.maxi + 1)
            # 0: a birth, a deposit that was to come; before it nothing is said.
            found |= {(what, borne) for borne in (0, *bornes) if borne is not None}
    return frozenset(found)


def crossing(conn: Connection, territoire: str, seuil: Seuil, periode: Periode) -> frozenset[str]:
    """The active demandes that may cross the threshold: all that do, and a few that do not."""
    what, valeur = seuil
    values: dict[str, object] = {"territoire": territoire}
    if what == RETARD:
        return _ask(conn, _LATE, values, periode.veille, periode.jour)
    if what == DEPOT:
        # The end of a short month moves a threshold by three days at most.
        de, a = add_months(periode.veille, -valeur), add_months(periode.jour, -valeur)
        return _ask(conn, _DEPOSITED, values, de - timedelta(days=3), a + timedelta(days=3))
    de = add_months(periode.veille, -12 * valeur) - timedelta(days=1)
    a = add_months(periode.jour, -12 * valeur) + timedelta(days=1)
    found = _ask(conn, _BORN, values, de, a)
    if what == PERSONNE:
        jours = [terme_naissance(de + timedelta(days=rang)) for rang in range((a - de).days + 1)]
        found |= _ask(conn, _BORN_DEPENDANT, values | {"termes": jours}, de, a)
    return found


def _ask(conn: Connection, query: TextClause, values: dict[str, object], de: date, a: date) -> frozenset[str]:
    bornes = {"de": de.isoformat(), "a": a.isoformat()}
    return frozenset(conn.execute(query, values | bornes).scalars())


_DEPOSITED: Final = text("""
    SELECT numero FROM recherche WHERE territoire = :territoire
        AND depot BETWEEN CAST(:de AS date) AND CAST(:a AS date)
""")
_BORN: Final = text("""
    SELECT DISTINCT numero FROM identite
    WHERE active AND territoire = :territoire AND right(cle, 10) BETWEEN :de AND :a
""")
_BORN_DEPENDANT: Final = text("""
    SELECT numero FROM recherche
    WHERE territoire = :territoire AND termes && CAST(:termes AS text[])
""")
_LATE: Final = text("""
    SELECT numero FROM recherche WHERE territoire = :territoire
        AND anormal_le > CAST(:de AS date) AND anormal_le <= CAST(:a AS date)
""")
