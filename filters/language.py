"""The filter language: what a guichet writes, read into values, with French errors that name the condition.

A filter has a name and conditions; all its conditions must hold (AND), each one says « au moins un de ces
codes ». A criterion that the filter does not mention accepts everything. Filters of a guichet are an OR.

TOML::

    [[filtre]]
    nom = "Deux et trois pièces de la métropole"
    epci = ["200093201"]
    types_logement = ["T2", "T3"]

JSON holds the same under the key ``filtre``; `filtre.schema.json` is the published JSON Schema of it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from filters.criteria import CRITERE, CRITERES

MAX_TEXT: Final = 4_000_000
"""Characters of a text of filters: 200 filters of 2,000 codes of 10 characters fit."""
MAX_FILTRES: Final = 200
"""Filters in one text. The largest guichets are expected to have some 20."""
MAX_VALEURS: Final = 2_000
"""Values in one condition: more than the communes of any territory (1,268 in Île-de-France)."""
MAX_NOM: Final = 100


@dataclass(frozen=True, slots=True)
class Condition:
    """The demande has at least one of `valeurs` for the criterion. `valeurs` is never empty."""

    critere: str
    valeurs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Filtre:
    """A named filter. `conditions`: at most one per criterion, in the order of CRITERES; none accepts all
    ([DST-4])."""

    nom: str
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class ErreurFiltre:
    """What is wrong in a text of filters.

    filtre: name of the filter at fault, or its rank (« n° 2 »), or empty for the text itself.
    condition: name of the condition at fault, or empty.
    """

    filtre: str
    condition: str
    message: str

    def __str__(self) -> str:
        place = " : ".join(
            part for part in (self.filtre and f"filtre « {self.filtre} »", self.condition) if part
        )
        return f"{place} : {self.message}" if place else self.message


@dataclass(frozen=True, slots=True)
class Lecture:
    """Result of a reading: the filters when there is no error, otherwise the errors."""

    filtres: tuple[Filtre, ...]
    erreurs: tuple[ErreurFiltre, ...]


def filtre(nom: str, **conditions: Sequence[str]) -> Filtre:
    """A filter from values already checked: ``filtre("T2", types_logement=["T2"])``. Raises KeyError on an
    unknown criterion and ValueError on an empty condition."""
    for name, values in conditions.items():
        if not values:
            raise ValueError(f"condition vide : {CRITERE[name].nom}")
    return Filtre(nom, _ordered({name: frozenset(values) for name, values in conditions.items()}))


def read_toml(texte: str) -> Lecture:
    """Read filters written in TOML."""
    if len(texte) > MAX_TEXT:
        return _failure(f"texte trop long : {len(texte)} caractères, {MAX_TEXT} au plus")
    try:
        return read_values(tomllib.loads(texte))
    except tomllib.TOMLDecodeError as error:
        return _failure(f"ce texte n'est pas du TOML : {error}")


def read_json(texte: str) -> Lecture:
    """Read filters written in JSON."""
    if len(texte) > MAX_TEXT:
        return _failure(f"texte trop long : {len(texte)} caractères, {MAX_TEXT} au plus")
    try:
        return read_values(json.loads(texte))
    except json.JSONDecodeError as error:
        return _failure(f"ce texte n'est pas du JSON : ligne {error.lineno}, colonne {error.colno}")
    except RecursionError:
        return _failure("ce texte JSON est trop profond")


def read_values(valeurs: object) -> Lecture:
    """Read filters from the values that TOML or JSON gave: ``{"filtre": [{"nom": …, …}]}``."""
    if not isinstance(valeurs, Mapping):
        return _failure("un tableau de filtres est attendu sous la clé « filtre »")
    strangers = [str(key) for key in valeurs if key != "filtre"]
    if strangers:
        return _failure(f"clé inconnue : {_quoted(strangers)} ; la seule clé admise ici est « filtre »")
    items = valeurs.get("filtre")
    if not isinstance(items, list) or not items:
        return _failure("aucun filtre : au moins une entrée est attendue sous la clé « filtre »")
    if len(items) > MAX_FILTRES:
        return _failure(f"{len(items)} filtres, {MAX_FILTRES} au plus")
    filtres: list[Filtre] = []
    erreurs: list[ErreurFiltre] = []
    names: set[str] = set()
    for rank, item in enumerate(items, start=1):
        found, errors = _read_filtre(rank, item)
        erreurs.extend(errors)
        if found is not None:
            if found.nom.casefold() in names:
                erreurs.append(
                    ErreurFiltre(found.nom, "nom", "ce nom est déjà celui d'un autre filtre du texte")
                )
            names.add(found.nom.casefold())
            filtres.append(found)
    return Lecture((), tuple(erreurs)) if erreurs else Lecture(tuple(filtres), ())


def conditions_to_json(valeur: Filtre) -> dict[str, list[str]]:
    """The conditions as stored and published, values in order."""
    return {condition.critere: sorted(condition.valeurs) for condition in valeur.conditions}


def filtre_from_json(nom: str, conditions: Mapping[str, Sequence[str]]) -> Filtre:
    """The inverse of `conditions_to_json`, for what was checked before it was stored.

    Values are not compared with the reference data again: a commune that has disappeared since is kept.
    """
    return Filtre(nom, _ordered({name: frozenset(values) for name, values in conditions.items()}))


def json_schema() -> dict[str, object]:
    """The JSON Schema (2020-12) of a text of filters, published as `filtre.schema.json`."""
    properties: dict[str, object] = {
        "nom": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_NOM,
            "description": "Nom du filtre, unique",
        }
    }
    for critere in CRITERES:
        properties[critere.nom] = {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_VALEURS,
            "uniqueItems": True,
            "items": {"type": "string", "pattern": critere.motif},
            "description": f"Au moins un de : {critere.libelle}. Valeur : {critere.attendu}.",
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Filtres d'un guichet",
        "description": "Une demande correspond à un filtre quand toutes ses conditions sont satisfaites.",
        "type": "object",
        "additionalProperties": False,
        "required": ["filtre"],
        "properties": {
            "filtre": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_FILTRES,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["nom"],
                    "properties": properties,
                },
            }
        },
    }


def _ordered(conditions: Mapping[str, frozenset[str]]) -> tuple[Condition, ...]:
    for name in conditions:
        CRITERE[name]  # an unknown name is a fault of the caller: KeyError
    return tuple(Condition(c.nom, conditions[c.nom]) for c in CRITERES if c.nom in conditions)


def _read_filtre(rank: int, item: object) -> tuple[Filtre | None, list[ErreurFiltre]]:
    label = f"n° {rank}"
    if not isinstance(item, Mapping):
        return None, [ErreurFiltre(label, "", "un filtre est une table : un nom et des conditions")]
    erreurs: list[ErreurFiltre] = []
    nom = item.get("nom")
    if isinstance(nom, str) and nom.strip() and len(nom.strip()) <= MAX_NOM and nom.isprintable():
        label = nom.strip()
    else:
        erreurs.append(
            ErreurFiltre(label, "nom", f"un nom de 1 à {MAX_NOM} caractères imprimables est attendu")
        )
    conditions: dict[str, frozenset[str]] = {}
    for key, values in item.items():
        if key == "nom":
            continue
        if key not in CRITERE:
            known = ", ".join(CRITERE)
            erreurs.append(
                ErreurFiltre(label, str(key), f"condition inconnue ; conditions admises : {known}")
            )
            continue
        message, accepted = _read_values_of(str(key), values)
        if message:
            erreurs.append(ErreurFiltre(label, str(key), message))
        else:
            conditions[str(key)] = accepted
    return (None if erreurs else Filtre(label, _ordered(conditions))), erreurs


def _read_values_of(nom: str, values: object) -> tuple[str, frozenset[str]]:
    """(French error or empty, values)."""
    critere = CRITERE[nom]
    nothing: frozenset[str] = frozenset()
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return f"une liste de textes est attendue ; chaque valeur est {critere.attendu}", nothing
    if not values:
        return (
            "liste vide : aucune demande ne la satisferait ; pour tout accepter, ôtez la condition",
            nothing,
        )
    if len(values) > MAX_VALEURS:
        return f"{len(values)} valeurs, {MAX_VALEURS} au plus", nothing
    malformed = [value for value in values if not re.fullmatch(critere.motif, value)]
    if malformed:
        return f"{_quoted(malformed)} : {critere.attendu} est attendu", nothing
    unknown = [value for value in values if not critere.connait(value)]
    if unknown:
        return f"{_quoted(unknown)} : valeur inconnue ; {critere.attendu} est attendu", nothing
    return "", frozenset(values)


def _quoted(values: Sequence[str]) -> str:
    shown = ", ".join(f"« {value[:40]} »" for value in values[:5])
    return f"{shown} et {len(values) - 5} autres" if len(values) > 5 else shown


def _failure(message: str) -> Lecture:
    return Lecture((), (ErreurFiltre("", "", message),))
