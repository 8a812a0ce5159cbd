"""The meaning of a filter, in the fewest words: what the index and the explanation must agree with."""

from __future__ import annotations

from typing import Final

from filters.language import AnyCondition, Filtre, Intervalle
from filters.traits import Traits

DE_L_EVENEMENT: Final = frozenset({"evenements", "auteurs", "portail", "motifs_radiation"})
"""The criteria that tell the event, and not the demande."""


def matches(filtre: Filtre, traits: Traits) -> bool:
    """Whether the demande satisfies every condition ([FIL-1] to [FIL-5])."""
    return all(_holds(condition, traits) for condition in filtre.conditions)


def retains(filtre: Filtre, traits: Traits) -> bool:
    """Whether the demande satisfies every condition that lasts ([DST-110])."""
    return matches(lasting(filtre), traits)


def lasting(filtre: Filtre) -> Filtre:
    """The filter less its conditions on what has just happened to the demande: a filter on creations does not
    let go of what was created."""
    return Filtre(filtre.nom, tuple(c for c in filtre.conditions if c.critere not in DE_L_EVENEMENT))


def _holds(condition: AnyCondition, traits: Traits) -> bool:
    said = traits[condition.critere]
    if said is None or said == frozenset():
        return condition.absent
    if isinstance(condition, Intervalle):
        assert isinstance(said, int)
        too_small = condition.mini is not None and said < condition.mini
        too_large = condition.maxi is not None and said > condition.maxi
        return (too_small or too_large) if condition.hors else not (too_small or too_large)
    assert isinstance(said, frozenset)
    wanted = not condition.valeurs or any(code in said for code in condition.valeurs)
    return wanted and not any(code in said for code in condition.exclues)
