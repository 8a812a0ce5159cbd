"""Random filters and wishes over a few real places, dense enough that all outcomes are frequent."""

from __future__ import annotations

import random

from filters.criteria import TYPES_LOGEMENT
from filters.language import Filtre, filtre
from filters.traits import Traits, traits_from
from schemas import cog

LILLE = "59350"
METROPOLE_DE_LILLE = cog.epci_of(LILLE) or ""
COMMUNES = (
    *sorted(cog.communes_of_epci(METROPOLE_DE_LILLE))[:12],
    *(
        "59178",
        "59392",
        "59606",
        "62041",
        "62765",
        "75056",
        "75115",
        "93066",
        "93001",
        "69383",
        "2A004",
        "97411",
    ),
)
EPCI = tuple(sorted({cog.epci_of(code) or "" for code in COMMUNES} - {""}))
TERRITOIRES = ("059", "062", "111", "069", "02A", "974")


def random_filtre(rng: random.Random, nom: str) -> Filtre:
    """A filter of 0 to 4 conditions of 1 to 5 values."""
    conditions = {}
    for name, values, chance in (
        ("communes", COMMUNES, 0.6),
        ("epci", EPCI, 0.25),
        ("territoires", TERRITOIRES, 0.25),
        ("types_logement", TYPES_LOGEMENT, 0.5),
    ):
        if rng.random() < chance:
            conditions[name] = rng.sample(values, rng.randint(1, min(5, len(values))))
    return filtre(nom, **conditions)


def random_traits(rng: random.Random) -> Traits:
    """A demande of 0 to 8 wished communes and 0 to 3 types; some codes exist nowhere."""
    communes = rng.sample(COMMUNES, rng.randint(0, 8))
    if rng.random() < 0.05:
        communes.append("99999")
    return traits_from(communes, rng.sample(TYPES_LOGEMENT, rng.randint(0, 3)))
