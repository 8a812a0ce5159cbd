"""Where the wished communes are: city, EPCI, département, territory.

Geography is kept as the intent of each side: the demande names communes, a filter names communes, EPCI,
départements or territories. What holds a commune is derived here with the official geographic code of the
year, so that a change of perimeter on 1 January touches neither filters nor index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Final, NamedTuple

from schemas import cog, territoires


class Situation(NamedTuple):
    """What holds a commune; all but `lieux` are empty for a code that the geographic code does not know.

    lieux: the commune, and the city of an arrondissement: who asks for the fifteenth asks for Paris.
    epci: in the métropole du Grand Paris, both the métropole and the établissement public territorial.
    """

    lieux: frozenset[str]
    epci: frozenset[str]
    departements: frozenset[str]
    territoires: frozenset[str]


@lru_cache(maxsize=65_536)
def situation(code: str) -> Situation:
    """The situation of a commune. The cache holds every commune of France (34,900)."""
    found = cog.commune(code)
    if found is None:
        return Situation(frozenset({code}), _shared(), _shared(), _shared())
    return Situation(
        frozenset({code, found.commune_mere} - {""}),
        _shared(found.epci, found.epci_fiscal),
        _shared(found.departement),
        _shared(territoires.territoire_of(code) or ""),
    )


@cache
def _shared(*codes: str) -> frozenset[str]:
    """The same set for all the communes of an EPCI, a département, a territory: a set takes 216 bytes, and
    the communes were most of what a process gained in ten minutes of registrations."""
    return frozenset(codes) - {""}


def lieux_of(communes: Iterable[str]) -> frozenset[str]:
    """The communes and their cities."""
    return frozenset().union(*(situation(code).lieux for code in communes))


def epci_of(communes: Iterable[str]) -> frozenset[str]:
    """SIREN of the EPCI of these communes."""
    return frozenset().union(*(situation(code).epci for code in communes))


def departements_of(communes: Iterable[str]) -> frozenset[str]:
    """Codes of the départements of these communes."""
    return frozenset().union(*(situation(code).departements for code in communes))


def territoires_of(communes: Iterable[str]) -> frozenset[str]:
    """Codes of the territories of these communes."""
    return frozenset().union(*(situation(code).territoires for code in communes))


def communes_in(critere: str, valeurs: Iterable[str]) -> frozenset[str]:
    """The communes whose wish gives the geographic criterion one of these values."""
    resolve = _RESOLVE[critere]
    return frozenset().union(*(resolve(valeur) for valeur in valeurs))


_RESOLVE: Final[dict[str, Callable[[str], frozenset[str]]]] = {
    "communes": lambda code: cog.communes_of_ville(code) | {code},
    "epci": cog.communes_of_epci,
    "departements": cog.communes_of_departement,
    "territoires": territoires.communes_of_territoire,
}
