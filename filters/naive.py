"""The meaning of a filter, in the fewest words: what the index and the explanation must agree with."""

from __future__ import annotations

from filters.criteria import CRITERE
from filters.language import Filtre
from filters.traits import Traits


def matches(filtre: Filtre, traits: Traits) -> bool:
    """Whether every condition finds at least one of its values in the demande."""
    return all(
        any(value in CRITERE[condition.critere].lit(traits) for value in condition.valeurs)
        for condition in filtre.conditions
    )
