"""What an image keeps of a demande: a value per column, and the day on which to read it again.

Ages and seniority are kept as the dates that they are counted from, written so that one subtraction counts
them ([FIL-10]); the other criteria as they are read. What the registry knows beyond the document is not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from filters.criteria import CONNUS, CRITERES, LIEUX
from filters.genres import Critere, CritereCodes, CritereNombre, Valeur
from filters.source import AGE_UC, Source
from filters.traits import Traits

SOUHAITS: Final = "souhaits"
"""The column of the wished communes, from which the criteria of the place follow."""

DATES: Final = {"age_demandeur": 10_000, "age_plus_jeune": 10_000, "age_plus_age": 10_000, "anciennete": 100}
"""The criteria counted from a date, and the divisor of the difference (`rank_of`)."""

GARDES: Final[tuple[Critere, ...]] = tuple(
    critere for critere in CRITERES if critere.nom not in {*LIEUX, *CONNUS, *DATES}
)
"""The criteria kept as they are read."""


@dataclass(frozen=True, slots=True)
class Ligne:
    """A demande as an image keeps it.

    numero: 18 characters. dates: by criterion of DATES, see `rank_of`; 0 when it is not known.
    a_relire: the first day on which some value of `valeurs` or `dates` is no longer the same; None: never.
    """

    numero: str
    territoire: str
    souhaits: frozenset[str]
    valeurs: Mapping[str, Valeur]
    dates: Mapping[str, int]
    a_relire: date | None = None


def rank_of(critere: str, jour: date) -> int:
    """A day as a number: years or months between two days are the difference of their numbers, divided.

    Years: the day as AAAAMMJJ, by 10,000. Months: months since year 0, then two digits of the day, by 100.
    """
    if DATES[critere] == 100:
        return (jour.year * 12 + jour.month) * 100 + jour.day
    return (jour.year * 100 + jour.month) * 100 + jour.day


def ligne_of(numero: str, territoire: str, source: Source, jour: date) -> Ligne:
    """What an image of that day keeps of a demande. jour: that of `source`, which judges ages."""
    dates = dict.fromkeys(DATES, 0)
    demandeur = source.demande.demandeur
    naissances = [each for each in source.naissances_connues if each <= jour]
    if demandeur is not None and demandeur.date_naissance in naissances:
        dates["age_demandeur"] = rank_of("age_demandeur", demandeur.date_naissance)
    if naissances:
        dates["age_plus_jeune"] = rank_of("age_plus_jeune", max(naissances))
        dates["age_plus_age"] = rank_of("age_plus_age", min(naissances))
    depot = source.demande.date_creation
    if source.anciennete is not None:
        dates["anciennete"] = rank_of("anciennete", depot)
    return Ligne(
        numero,
        territoire,
        frozenset(source.demande.communes_souhaitees),
        {critere.nom: critere.lit(source) for critere in GARDES},
        dates,
        _a_relire(source, jour),
    )


def ligne_from(numero: str, territoire: str, traits: Traits, jour: date) -> Ligne:
    """The same from traits without a document: their ages and seniority are those of that day."""
    dates = {}
    for nom, divisor in DATES.items():
        said = traits[nom]
        assert not isinstance(said, frozenset)
        dates[nom] = 0 if said is None else rank_of(nom, jour) - divisor * said
    valeurs = {critere.nom: traits[critere.nom] for critere in GARDES}
    return Ligne(numero, territoire, traits.souhaits, valeurs, dates)


def silence(numero: str) -> Ligne:
    """What is kept of a demande that is no longer there: its number."""
    valeurs: dict[str, Valeur] = {
        critere.nom: None if isinstance(critere, CritereNombre) else frozenset() for critere in GARDES
    }
    return Ligne(numero, "", frozenset(), valeurs, dict.fromkeys(DATES, 0))


def _a_relire(source: Source, jour: date) -> date | None:
    """A birth or a deposit to come, and the day on which a child counts as an adult in the resources."""
    to_come = [each for each in (*source.naissances_connues, source.demande.date_creation) if each > jour]
    to_come = [each for each in to_come if each != date.max]
    if source.ressources is not None:
        for personne in source.a_charge:
            naissance = personne.date_naissance
            if naissance is not None and naissance != date.min and naissance <= jour:
                majeur = _anniversary(naissance, AGE_UC)
                to_come += [majeur] if majeur > jour else []
    return min(to_come, default=None)


def _anniversary(naissance: date, age: int) -> date:
    """The first day at that age: the first of March for whoever was born on 29 February."""
    try:
        return naissance.replace(year=naissance.year + age)
    except ValueError:
        return date(naissance.year + age, 3, 1)


def bounds_of(critere: CritereNombre) -> tuple[int, int]:
    """What numbers are brought back between: a filter has no bound beyond, so its answer is the same."""
    return critere.mini - 1, critere.maxi + 1


def possibles_of(critere: CritereCodes) -> int:
    """How many different values a criterion of codes may have."""
    if not critere.codes:
        return 2**32
    return 2 ** len(critere.codes) if critere.multiple else len(critere.codes) + 1
