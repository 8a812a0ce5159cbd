"""Random filters and demandes over every criterion, dense enough that all outcomes are frequent."""

from __future__ import annotations

import random
from typing import Final

from filters.criteria import CRITERES, LIEUX
from filters.genres import Critere, CritereCodes, CritereNombre, Valeur
from filters.language import AnyCondition, Condition, Filtre, Intervalle, ordered
from filters.traits import Traits, traits_from
from schemas import cog

LILLE = "59350"
METROPOLE_DE_LILLE = cog.epci_of(LILLE) or ""
COMMUNES: Final = (
    *sorted(cog.communes_of_epci(METROPOLE_DE_LILLE))[:12],
    *("59178", "59392", "59606", "62041", "62765", "75056"),
    *("75115", "93066", "93001", "69383", "2A004", "97411"),
)  # fmt: skip
EPCI: Final = tuple(sorted({cog.epci_of(code) or "" for code in COMMUNES} - {""}))
TERRITOIRES: Final = ("059", "062", "111", "069", "02A", "974")
DEPARTEMENTS: Final = ("59", "62", "75", "93", "69", "2A", "974")
_OUVERTS: Final = {
    "communes": COMMUNES,
    "epci": EPCI,
    "territoires": TERRITOIRES,
    "departements": DEPARTEMENTS,
    "communes_travail": COMMUNES,
    "communes_residence": COMMUNES,
    "auteurs": ("G0001", "G0002", "GDPUB"),
}
_CHANCES: Final = {"communes": 0.5, "types_logement": 0.4, "loyer_max": 0.2}
_ETENDUE: Final = 40
"""Numbers are drawn among so many, so that bounds are often met exactly."""


def _numbers(critere: CritereNombre) -> range:
    return range(critere.mini, min(critere.mini + _ETENDUE, critere.maxi))


def codes_of(critere: CritereCodes) -> tuple[str, ...]:
    """The codes among which samples draw."""
    return critere.codes or _OUVERTS[critere.nom]


def random_condition(rng: random.Random, critere: Critere) -> AnyCondition:
    """Any condition that the language can say on a criterion."""
    absent = rng.random() < 0.4
    if isinstance(critere, CritereNombre):
        first, last = sorted(rng.choices(_numbers(critere), k=2))
        mini, maxi = rng.choice([(first, last), (first, None), (None, last), (first, first)])
        return Intervalle(critere.nom, mini, maxi, rng.random() < 0.25, absent)
    codes = codes_of(critere)
    if critere.oui_non:
        return Condition(critere.nom, frozenset({rng.choice(codes)}), absent=absent)
    drawn = rng.sample(codes, rng.randint(1, min(7, len(codes) - 1)))
    cut = rng.choice([0, len(drawn), len(drawn), rng.randint(0, len(drawn))])
    return Condition(critere.nom, frozenset(drawn[:cut]), frozenset(drawn[cut:]), absent)


def random_filtre(rng: random.Random, nom: str) -> Filtre:
    """A filter of some four conditions."""
    chosen = [c for c in CRITERES if rng.random() < _CHANCES.get(c.nom, 0.05)]
    return ordered(nom, [random_condition(rng, critere) for critere in chosen])


def random_value(rng: random.Random, critere: Critere) -> Valeur:
    """What a demande may say, or nothing."""
    silent = rng.random() < 0.25
    if isinstance(critere, CritereNombre):
        return None if silent else rng.choice(_numbers(critere))
    codes = codes_of(critere)
    count = 0 if silent else rng.randint(1, min(3, len(codes))) if critere.multiple else 1
    return frozenset(rng.sample(codes, count))


def random_traits(rng: random.Random) -> Traits:
    """A demande of 0 to 8 wished communes, some of which exist nowhere, and any value of each criterion."""
    communes = rng.sample(COMMUNES, rng.randint(0, 8))
    if rng.random() < 0.05:
        communes.append("99999")
    valeurs = {c.nom: random_value(rng, c) for c in CRITERES if c.nom not in (*LIEUX, "types_logement")}
    types = random_value(rng, next(c for c in CRITERES if c.nom == "types_logement"))
    assert isinstance(types, frozenset)
    return traits_from(communes, types, **valeurs)
