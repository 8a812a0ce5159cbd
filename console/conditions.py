"""What a form says of one condition of a filter, in the values of the language. Pure.

The values are then read by `filters.reading`, as those of a file: one set of rules, one set of errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from multidict import MultiMapping

from filters.genres import NON, OUI, Critere, CritereCodes, CritereNombre
from filters.language import AnyCondition, Condition, Filtre, ordered
from filters.reading import ErreurFiltre, read_values

VOULUES: Final = "valeurs"
EXCLUES: Final = "exclues"
SENS: Final = (VOULUES, EXCLUES)

SAISIS: Final = frozenset({"auteurs"})
"""Criteria whose codes are typed: neither few nor places."""


@dataclass(frozen=True, slots=True)
class Saisie:
    """A filter changed, or what is wrong with what was typed."""

    filtre: Filtre
    erreurs: tuple[ErreurFiltre, ...] = ()


def is_liste(critere: Critere) -> bool:
    """Whether its codes are few enough to be shown all."""
    return isinstance(critere, CritereCodes) and bool(critere.codes)


def is_lieu(critere: Critere) -> bool:
    """Whether its codes are places, to be looked for."""
    return isinstance(critere, CritereCodes) and not critere.codes and critere.nom not in SAISIS


def read_condition(critere: Critere, champs: MultiMapping[str]) -> object:
    """The value of the condition as a file would say it; None when the form says nothing."""
    absent = {"absent": "accepte"} if champs.get("absent") else {}
    if isinstance(critere, CritereNombre):
        bounds = {name: _number(champs.get(name, "")) for name in ("min", "max")}
        given = {name: value for name, value in bounds.items() if value != ""}
        if not given:
            return None
        return given | ({"hors": True} if champs.get("hors") else {}) | absent
    if critere.oui_non:
        said = champs.get("vaut", "")
        return {"vaut": said == OUI} | absent if said in (OUI, NON) else None
    if critere.nom in SAISIS:
        lists = {sens: champs.get(sens, "").replace(",", " ").upper().split() for sens in SENS}
    else:
        lists = {sens: champs.getall(sens, []) for sens in SENS}
    return _codes(lists, absent)


def move_lieux(
    condition: AnyCondition | None,
    geste: str,
    sens: str,
    codes: list[str],
    offerts: list[str],
    *,
    absent: bool,
) -> object:
    """The value of a condition on places after one gesture; None when nothing is left of it.

    geste: « ajouter » these codes, « oter » them, « liste »: of those `offerts`, these and no other; anything
    else changes `absent` alone. sens: the side concerned.
    """
    known = {VOULUES: set[str](), EXCLUES: set[str]()}
    if isinstance(condition, Condition):
        known = {VOULUES: set(condition.valeurs), EXCLUES: set(condition.exclues)}
    side = known[sens if sens in SENS else VOULUES]
    other = known[EXCLUES if side is known[VOULUES] else VOULUES]
    match geste:
        case "ajouter":
            side |= set(codes)
            other -= set(codes)
        case "oter":
            side -= set(codes)
        case "liste":
            side -= set(offerts)
            side |= set(codes)
            other -= set(codes)
    lists = {sens: sorted(found) for sens, found in known.items()}
    return _codes(lists, {"absent": "accepte"} if absent else {})


def put(filtre: Filtre, critere: str, valeur: object) -> Saisie:
    """The filter with that condition in place of the one on the same criterion; None takes it away.

    The other conditions are not judged again: a commune that has disappeared since stays.
    """
    others = [condition for condition in filtre.conditions if condition.critere != critere]
    if valeur is None:
        return Saisie(ordered(filtre.nom, others))
    lecture = read_values({"filtre": [{"nom": filtre.nom, critere: valeur}]})
    if lecture.erreurs:
        return Saisie(filtre, lecture.erreurs)
    return Saisie(ordered(filtre.nom, [*others, *lecture.filtres[0].conditions]))


def named(nom: str, depuis: Filtre | None = None) -> Saisie:
    """A new filter of that name, with the conditions of another."""
    lecture = read_values({"filtre": [{"nom": nom}]})
    if lecture.erreurs:
        return Saisie(Filtre(nom), lecture.erreurs)
    return Saisie(ordered(lecture.filtres[0].nom, () if depuis is None else depuis.conditions))


def condition_on(filtre: Filtre, critere: str) -> AnyCondition | None:
    """The condition of a filter on that criterion, or None."""
    return next((each for each in filtre.conditions if each.critere == critere), None)


def shown(condition: AnyCondition | None) -> Mapping[str, object]:
    """What the form shows of a condition, by name of field."""
    empty = {VOULUES: [], EXCLUES: [], "vaut": "", "min": "", "max": "", "hors": False, "absent": False}
    if condition is None:
        return empty
    if isinstance(condition, Condition):
        said: Mapping[str, object] = {
            VOULUES: sorted(condition.valeurs),
            EXCLUES: sorted(condition.exclues),
            "vaut": next(iter(condition.valeurs), ""),
        }
    else:
        bounds = {"min": condition.mini, "max": condition.maxi, "hors": condition.hors}
        said = {name: value for name, value in bounds.items() if value is not None}
    return {**empty, **said, "absent": condition.absent}


def _codes(lists: Mapping[str, list[str]], absent: Mapping[str, str]) -> object:
    said = {"au_moins_un": lists[VOULUES], "aucun": lists[EXCLUES]}
    given = {key: codes for key, codes in said.items() if codes}
    return {**given, **absent} if given else None


def _number(text: str) -> object:
    """A whole number; otherwise the text, which the reading refuses; empty when nothing is typed."""
    text = "".join(text.split())
    try:
        return int(text) if text else ""
    except ValueError:
        return text
