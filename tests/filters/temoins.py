"""Witnesses: a demande built so that a filter takes it, and others so that it fails on one condition alone.

Built from the conditions and the geography only: neither the index nor the explanation is asked.
"""

from __future__ import annotations

from filters.criteria import CRITERE, LIEUX
from filters.genres import CritereCodes, Valeur
from filters.language import AnyCondition, Condition, Filtre, Intervalle
from filters.lieux import communes_in
from filters.naive import matches
from filters.traits import Traits, traits_from


def witness_of(item: Filtre) -> Traits | None:
    """A demande that satisfies every condition; None when its places exclude one another."""
    valeurs = {}
    for condition in item.conditions:
        if condition.critere not in LIEUX:
            for value in _values(condition, fails=False):
                valeurs[condition.critere] = value
    return _somewhere(item, None, valeurs)


def failing_on(item: Filtre, failing: AnyCondition, witness: Traits) -> Traits | None:
    """A demande that satisfies every condition but that one; None when the others imply it."""
    if failing.critere not in LIEUX:
        return next((witness.change(failing.critere, v) for v in _values(failing, fails=True)), None)
    valeurs = {c.critere: witness[c.critere] for c in item.conditions if c.critere not in LIEUX}
    return _somewhere(item, failing, valeurs)


def _values(condition: AnyCondition, *, fails: bool) -> list[Valeur]:
    """One value that satisfies a condition, or that does not; empty when there is none."""
    critere = CRITERE[condition.critere]
    if isinstance(condition, Intervalle):
        bounds = [bound for bound in (condition.mini, condition.maxi) if bound is not None]
        inside, outside = bounds[0], (bounds[0] - 1 if condition.mini is not None else bounds[0] + 1)
        return [outside if fails != condition.hors else inside]
    assert isinstance(critere, CritereCodes)
    known = critere.codes or ("59009", "59350", "75056", "G0001", "G9999")
    others = [code for code in known if code not in condition.valeurs | condition.exclues]
    if fails:
        codes = sorted(condition.exclues) or (others if condition.valeurs else [])
    else:
        codes = sorted(condition.valeurs) or others
    if codes:
        return [frozenset(codes[:1])]
    return [frozenset()] if condition.absent != fails else []


def _somewhere(item: Filtre, failing: AnyCondition | None, valeurs: dict[str, Valeur]) -> Traits | None:
    """Wishes of at most two communes for which every condition on the place holds, but `failing`."""
    places = [c for c in item.conditions if isinstance(c, Condition) and c.critere in LIEUX]
    candidates = {"59009", "62041", "75056", "2A004", "97411", "99999"}
    for condition in places:
        for codes in (condition.valeurs, condition.exclues):
            candidates |= set(sorted(communes_in(condition.critere, codes))[:400])
    types = valeurs.pop("types_logement", frozenset())
    assert isinstance(types, frozenset)
    others = dict(valeurs)
    valeurs["types_logement"] = types
    wanted = [Filtre("", (condition,)) for condition in places]
    for wishes in ((), *((code,) for code in sorted(candidates))):
        traits = traits_from(wishes, types, **others)
        held = [matches(condition, traits) for condition in wanted]
        if held == [condition is not failing for condition in places]:
            return traits
    return None
