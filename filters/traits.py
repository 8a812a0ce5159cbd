"""What filters see of a demande, and nothing else.

Geography is kept as the intent of each side: the demande names communes, a filter names communes, EPCI or
territories. The EPCI and the territories of a demande are derived here from its communes with the official
geographic code, so that a change of perimeter on 1 January touches neither filters nor index.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from schemas import cog, territoires
from schemas.demande import Demande


@dataclass(frozen=True, slots=True)
class Traits:
    """The compared values of one demande; an absent value is an empty set, which satisfies no condition.

    communes: INSEE codes of the wished communes (regles §5: the wish counts, not the address).
    lieux: the same, and the city of each wished arrondissement (Paris, Lyon, Marseille): who asks for the
        fifteenth asks for Paris.
    epci: SIREN (9 digits) of the EPCI of these communes; in the métropole du Grand Paris, both the métropole
        and the établissement public territorial.
    territoires: codes of 3 characters of these communes.
    types_logement: codes of ListeTypeLogement.
    """

    communes: frozenset[str]
    lieux: frozenset[str]
    epci: frozenset[str]
    territoires: frozenset[str]
    types_logement: frozenset[str]


def traits_from(communes: Iterable[str], types_logement: Iterable[str]) -> Traits:
    """The traits of these wishes. A code unknown to the geographic code counts as a commune of nowhere."""
    wished = frozenset(communes)
    lieux: set[str] = set()
    epci: set[str] = set()
    territories: set[str] = set()
    for code in wished:
        of_lieux, of_epci, of_territoire = _situation(code)
        lieux |= of_lieux
        epci |= of_epci
        territories |= of_territoire
    return Traits(
        wished, frozenset(lieux), frozenset(epci), frozenset(territories), frozenset(types_logement)
    )


def traits_of(demande: Demande) -> Traits:
    """The traits of a demande."""
    return traits_from(demande.communes_souhaitees, demande.types_logement)


@lru_cache(maxsize=65_536)
def _situation(code: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Places, EPCI and territory of a commune. The cache holds every commune of France (34,900)."""
    found = cog.commune(code)
    if found is None:
        return frozenset({code}), frozenset(), frozenset()
    territoire = territoires.territoire_of(code)
    return (
        frozenset({code, found.commune_mere} - {""}),
        frozenset({found.epci, found.epci_fiscal} - {""}),
        frozenset({territoire} if territoire else ()),
    )
