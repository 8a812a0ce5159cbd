"""The criteria on which a filter may put a condition: the vocabulary of the filter language, as data.

Language, naive evaluation, index, explanation and published JSON Schema all walk this table: a new criterion
of the same kind is one more line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from filters.traits import Traits
from schemas import cog, territoires

TYPES_LOGEMENT: Final = ("C", "T1", "T2", "T3", "T4", "T5", "T6P")
"""Codes of ListeTypeLogement. A test holds them equal to the code list."""


@dataclass(frozen=True, slots=True)
class Critere:
    """One thing that a demande says, on which a filter may require « au moins un de ».

    nom: key in TOML, JSON and storage; never renamed.
    libelle: French, singular, for sentences such as « {libelle} souhaitée ».
    motif: pattern of one value, for the JSON Schema.
    attendu: French description of a well-formed value.
    lit: the values that a demande has for this criterion.
    connait: whether a well-formed value exists in the reference data.
    designe: a value with its name, for people.
    """

    nom: str
    libelle: str
    motif: str
    attendu: str
    lit: Callable[[Traits], frozenset[str]]
    connait: Callable[[str], bool]
    designe: Callable[[str], str]


def _names_commune(code: str) -> str:
    found = cog.commune(code)
    return f"{code} ({found.nom})" if found else code


def _names_epci(code: str) -> str:
    found = cog.epci(code)
    return f"{code} ({found.nom})" if found else code


def _names_territoire(code: str) -> str:
    found = territoires.name(code)
    return f"{code} ({found})" if found else code


CRITERES: Final = (
    Critere(
        nom="communes",
        libelle="commune souhaitée",
        motif="^[0-9][0-9AB][0-9]{3}$",
        attendu="un code INSEE de commune, 5 caractères",
        lit=lambda traits: traits.lieux,
        connait=lambda code: cog.commune(code) is not None,
        designe=_names_commune,
    ),
    Critere(
        nom="epci",
        libelle="EPCI des communes souhaitées",
        motif="^[0-9]{9}$",
        attendu="le numéro SIREN d'un EPCI, 9 chiffres",
        lit=lambda traits: traits.epci,
        connait=lambda code: cog.epci(code) is not None,
        designe=_names_epci,
    ),
    Critere(
        nom="territoires",
        libelle="territoire des communes souhaitées",
        motif="^[0-9][0-9AB][0-9AB]$",
        attendu="un code de territoire, 3 caractères (111, 059, 02A, 971…)",
        lit=lambda traits: traits.territoires,
        connait=territoires.exists,
        designe=_names_territoire,
    ),
    Critere(
        nom="types_logement",
        libelle="type de logement recherché",
        motif="^(" + "|".join(TYPES_LOGEMENT) + ")$",
        attendu="un code de ListeTypeLogement : " + ", ".join(TYPES_LOGEMENT),
        lit=lambda traits: traits.types_logement,
        connait=lambda code: code in TYPES_LOGEMENT,
        designe=lambda code: code,
    ),
)

CRITERE: Final = {critere.nom: critere for critere in CRITERES}
"""The criteria by name."""
