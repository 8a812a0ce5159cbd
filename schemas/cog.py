"""The official geography: communes, EPCI, départements (Code officiel géographique 2026, `schemas/cog/`).

Read once, at the first question; then every answer comes from memory. An arrondissement of Paris, Lyon or
Marseille counts as a commune: people ask for housing in one, and belongs to the EPCI of its city.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

MILLESIME: Final = 2026
"""Year of the Code officiel géographique in use."""


class Commune(NamedTuple):
    """A commune, or an arrondissement municipal.

    code: INSEE code of 5 characters. departement: its code, 2 or 3 characters.
    commune_mere: INSEE code of the city of an arrondissement, else empty.
    epci: SIREN of the EPCI à fiscalité propre, or of the établissement public territorial inside the
        métropole du Grand Paris (docs/decisions/0021); empty for the few communes without one.
    epci_fiscal: the same without that exception.
    population: inhabitants, 0 when unknown. codes_postaux: may be empty.
    """

    code: str
    nom: str
    departement: str
    commune_mere: str
    epci: str
    epci_fiscal: str
    population: int
    codes_postaux: tuple[str, ...]


class Epci(NamedTuple):
    """A grouping of communes. code: SIREN of 9 digits; type: CC, CA, CU, METRO, MET69 or EPT."""

    code: str
    nom: str
    type: str


def _rows(name: str) -> Iterator[list[str]]:
    data = (files("schemas") / "cog" / name).read_bytes()
    lines = gzip.decompress(data).decode().splitlines()
    return (line.split(";") for line in lines[1:])


@cache
def _communes() -> dict[str, Commune]:
    return {
        code: Commune(
            code, nom, departement, mere, ept or epci, epci, int(population), tuple(codes_postaux.split())
        )
        for code, nom, departement, mere, epci, ept, population, codes_postaux in _rows("communes.csv.gz")
    }


@cache
def _epcis() -> dict[str, Epci]:
    return {row[0]: Epci(row[0], row[1], row[2]) for row in _rows("epci.csv.gz")}


@cache
def _groups() -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Members by département, by EPCI, and arrondissements by city."""
    departements: dict[str, set[str]] = {}
    epcis: dict[str, set[str]] = {}
    cities: dict[str, set[str]] = {}
    for item in _communes().values():
        departements.setdefault(item.departement, set()).add(item.code)
        for group in {item.epci, item.epci_fiscal} - {""}:
            epcis.setdefault(group, set()).add(item.code)
        if item.commune_mere:
            cities.setdefault(item.commune_mere, set()).add(item.code)
    return _frozen(departements), _frozen(epcis), _frozen(cities)


def _frozen(groups: dict[str, set[str]]) -> dict[str, frozenset[str]]:
    return {key: frozenset(members) for key, members in groups.items()}


def commune(code: str) -> Commune | None:
    """The commune of that INSEE code, or None. Codes are compared as they are: `2a004` is unknown."""
    return _communes().get(code)


def communes() -> tuple[Commune, ...]:
    """All of them, in the order of their codes."""
    return tuple(_communes().values())


def communes_of_departement(code: str) -> frozenset[str]:
    """INSEE codes of a département (`59`, `2A`, `974`), arrondissements included; empty when unknown."""
    return _groups()[0].get(code, frozenset())


def communes_of_epci(code: str) -> frozenset[str]:
    """INSEE codes of an EPCI or établissement public territorial, arrondissements included."""
    return _groups()[1].get(code, frozenset())


def communes_of_ville(code: str) -> frozenset[str]:
    """The commune itself and, for Paris, Lyon and Marseille, its arrondissements; empty when unknown."""
    return _groups()[2].get(code, frozenset()) | {code} if code in _communes() else frozenset()


def villes() -> tuple[str, ...]:
    """The communes that have arrondissements."""
    return tuple(sorted(_groups()[2]))


def epci_of(code_commune: str) -> str | None:
    """SIREN of the EPCI of a commune (`Commune.epci`), or None when it has none or is unknown."""
    found = _communes().get(code_commune)
    return (found.epci or None) if found else None


def epci(code: str) -> Epci | None:
    """The EPCI or établissement public territorial of that SIREN, or None."""
    return _epcis().get(code)


@cache
def departements() -> dict[str, str]:
    """Name by code of département, overseas collectivities included. Do not modify."""
    return {row[0]: row[1] for row in _rows("departements.csv.gz")}
