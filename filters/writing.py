"""Filters written as `filters.reading` reads them: TOML for people, JSON for programs ([FIL-6])."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from filters.language import Filtre, conditions_to_json


def write_toml(filtres: Iterable[Filtre]) -> str:
    """A text of filters, one table for each."""
    return "\n".join(_table(filtre) for filtre in filtres)


def write_json(filtres: Iterable[Filtre]) -> str:
    """The same in JSON."""
    values = [{"nom": filtre.nom, **conditions_to_json(filtre)} for filtre in filtres]
    return json.dumps({"filtre": values}, ensure_ascii=False, indent=2) + "\n"


def _table(filtre: Filtre) -> str:
    lines = ["[[filtre]]", f"nom = {_value(filtre.nom)}"]
    lines += [f"{nom} = {_value(value)}" for nom, value in conditions_to_json(filtre).items()]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    # A list, a text, a number or a truth is written alike in both.
    return json.dumps(value, ensure_ascii=False)
