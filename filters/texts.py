"""Conditions and values in French, for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from filters.criteria import CRITERE
from filters.genres import CritereCodes, CritereNombre, Valeur
from filters.language import AnyCondition, Condition, Filtre, Intervalle

_SHOWN: Final = 6


def names(critere: str, codes: Iterable[str]) -> str:
    """Codes with their names, the first six."""
    found = CRITERE[critere]
    assert isinstance(found, CritereCodes)
    ordered = sorted(codes)
    shown = ", ".join(found.designe(code) for code in ordered[:_SHOWN])
    return shown if len(ordered) <= _SHOWN else f"{shown} et {len(ordered) - _SHOWN} autres"


def number(critere: str, value: int) -> str:
    """A number with its unit."""
    found = CRITERE[critere]
    assert isinstance(found, CritereNombre)
    return found.designe(value)


def tell_value(critere: str, valeur: Valeur) -> str:
    """What a demande says."""
    if valeur is None or valeur == frozenset():
        return "rien"
    return number(critere, valeur) if isinstance(valeur, int) else names(critere, valeur)


def tell_wanted(condition: AnyCondition) -> str:
    """What a condition wants, without the name of its criterion."""
    if isinstance(condition, Intervalle):
        text = _bounds(condition)
    else:
        parts = [names(condition.critere, condition.valeurs)] if condition.valeurs else []
        parts += [f"aucun de {names(condition.critere, condition.exclues)}"] if condition.exclues else []
        text = " et ".join(parts)
    return f"{text}, ou rien" if condition.absent else text


def tell_filtre(filtre: Filtre) -> str:
    """The conditions of a filter, in one line, with the codes only."""
    return " et ".join(map(_formula, filtre.conditions)) or "accepte tout"


def _bounds(condition: Intervalle) -> str:
    mini, maxi = condition.mini, condition.maxi
    if maxi is None:
        assert mini is not None, "un intervalle a une borne"
        text = f"{number(condition.critere, mini)} au moins"
    elif mini is None:
        text = f"{number(condition.critere, maxi)} au plus"
    else:
        text = f"de {mini} à {number(condition.critere, maxi)}"
    return f"tout sauf {text}" if condition.hors else text


def _formula(condition: AnyCondition) -> str:
    if isinstance(condition, Condition):
        parts = [
            f"{condition.critere} {sign} {{{', '.join(sorted(codes))}}}"
            for sign, codes in (("∈", condition.valeurs), ("∉", condition.exclues))
            if codes
        ]
    else:
        sign = "∉" if condition.hors else "∈"
        mini = "…" if condition.mini is None else condition.mini
        maxi = "…" if condition.maxi is None else condition.maxi
        parts = [f"{condition.critere} {sign} [{mini} ; {maxi}]"]
    text = " et ".join(parts)
    return f"({text} ou absent)" if condition.absent else text
