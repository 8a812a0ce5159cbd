"""Reading what a guichet writes, TOML or JSON, into filters, with French errors that name the condition.

TOML::

    [[filtre]]
    nom = "Petits logements de la métropole, sans les mutations"
    epci = ["200093201"]
    types_logement = ["T2", "T3"]
    logement_actuel = { aucun = ["HLM"] }
    loyer_max = { min = 350, absent = "accepte" }
    handicap = false

JSON holds the same under the key ``filtre``; `filtre.schema.json` is the published JSON Schema of it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from filters.criteria import CRITERE
from filters.genres import CritereCodes, CritereNombre
from filters.language import (
    MAX_FILTRES,
    MAX_NOM,
    MAX_VALEURS,
    AnyCondition,
    Filtre,
    condition_from_json,
    ordered,
)

MAX_TEXT: Final = 4_000_000
"""Characters of a text of filters: 200 filters of 2,000 codes of 10 characters fit."""

_ABSENT: Final = ("accepte", "refuse")
_TOUTES: Final = "aucune demande ne satisferait cette condition ; pour tout accepter, ôtez-la"


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
    conditions: list[AnyCondition] = []
    for key, value in item.items():
        if key == "nom":
            continue
        message = _error_of(str(key), value)
        if message:
            erreurs.append(ErreurFiltre(label, str(key), message))
        else:
            conditions.append(condition_from_json(str(key), value))
    return (None if erreurs else ordered(label, conditions)), erreurs


def _error_of(nom: str, value: object) -> str:
    """What is wrong in a condition, in French, or empty."""
    critere = CRITERE.get(nom)
    if critere is None:
        return f"condition inconnue ; conditions admises : {', '.join(CRITERE)}"
    if isinstance(critere, CritereNombre):
        return _error_of_table(value, ("min", "max", "hors")) or _error_of_nombre(critere, value)
    if critere.oui_non:
        if isinstance(value, bool):
            return ""
        return _error_of_table(value, ("vaut",), ", ou true ou false") or _error_of_flag(value, "vaut")
    if isinstance(value, list):
        return _error_of_codes(critere, value)
    return _error_of_table(value, ("au_moins_un", "aucun"), ", ou une liste de textes") or _error_of_lists(
        critere, value
    )


def _error_of_table(value: object, keys: Sequence[str], ou: str = "") -> str:
    """What is wrong in the keys of a condition that is a table."""
    known = ", ".join((*keys, "absent"))
    if not isinstance(value, Mapping):
        return f"une table est attendue ({known}){ou}"
    strangers = [str(key) for key in value if key not in (*keys, "absent")]
    if strangers:
        return f"{_quoted(strangers)} : clé inconnue ; clés admises : {known}"
    if not any(key in value for key in keys):
        return f"il manque l'une de ces clés : {', '.join(keys)}"
    if value.get("absent", _ABSENT[0]) not in _ABSENT:
        return "absent : « accepte » ou « refuse » est attendu"
    return ""


def _error_of_flag(value: object, key: str) -> str:
    assert isinstance(value, Mapping)
    return "" if isinstance(value.get(key, False), bool) else f"{key} : true ou false est attendu"


def _error_of_nombre(critere: CritereNombre, value: object) -> str:
    assert isinstance(value, Mapping)
    bounds = {}
    for key in ("min", "max"):
        if key not in value:
            continue
        bound = value[key]
        if not isinstance(bound, int) or isinstance(bound, bool):
            return f"{key} : un nombre entier ({critere.unite}) est attendu"
        if not critere.mini <= bound <= critere.maxi:
            return f"{key} : {bound} : de {critere.mini} à {critere.maxi} {critere.unite}"
        bounds[key] = bound
    if not bounds:
        return "il manque l'une de ces clés : min, max"
    if len(bounds) == 2 and bounds["min"] > bounds["max"]:
        return f"min ({bounds['min']}) est plus grand que max ({bounds['max']}) : {_TOUTES}"
    return _error_of_flag(value, "hors")


def _error_of_lists(critere: CritereCodes, value: object) -> str:
    assert isinstance(value, Mapping)
    for key in ("au_moins_un", "aucun"):
        message = _error_of_codes(critere, value[key]) if key in value else ""
        if message:
            return f"{key} : {message}"
    wanted = set(value.get("au_moins_un", ()))
    both = sorted(wanted & set(value.get("aucun", ())))
    if both:
        return f"{_quoted(both)} : à la fois dans au_moins_un et dans aucun"
    everything = bool(critere.codes) and set(value.get("aucun", ())) >= set(critere.codes)
    if everything and value.get("absent") != _ABSENT[0]:
        return f"aucun : tous les codes sont exclus : {_TOUTES}"
    return ""


def _error_of_codes(critere: CritereCodes, values: object) -> str:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return f"une liste de textes est attendue ; chaque valeur est {critere.attendu}"
    if not values:
        return f"liste vide : {_TOUTES}"
    if len(values) > MAX_VALEURS:
        return f"{len(values)} valeurs, {MAX_VALEURS} au plus"
    malformed = [value for value in values if not re.fullmatch(critere.motif, value)]
    if malformed:
        return f"{_quoted(malformed)} : {critere.attendu} est attendu"
    unknown = [value for value in values if not critere.connait(value)]
    if unknown:
        return f"{_quoted(unknown)} : valeur inconnue ; {critere.attendu} est attendu"
    return ""


def _quoted(values: Sequence[str]) -> str:
    shown = ", ".join(f"« {value[:40]} »" for value in values[:5])
    return f"{shown} et {len(values) - 5} autres" if len(values) > 5 else shown


def _failure(message: str) -> Lecture:
    return Lecture((), (ErreurFiltre("", "", message),))
