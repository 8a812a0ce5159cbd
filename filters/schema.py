"""The JSON Schema (2020-12) of a text of filters, published as `filtre.schema.json`."""

from __future__ import annotations

from typing import Final

from filters.criteria import CRITERES
from filters.genres import Critere, CritereCodes, CritereNombre
from filters.language import MAX_FILTRES, MAX_NOM, MAX_VALEURS

_ABSENT: Final = {
    "enum": ["accepte", "refuse"],
    "default": "refuse",
    "description": "Ce qu'il advient d'une demande qui n'en dit rien.",
}
_FLAG: Final = {"type": "boolean"}


def json_schema() -> dict[str, object]:
    """The schema, made from the table of criteria."""
    properties: dict[str, object] = {
        "nom": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_NOM,
            "description": "Nom du filtre, unique",
        }
    }
    properties |= {critere.nom: _condition(critere) for critere in CRITERES}
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


def _condition(critere: Critere) -> dict[str, object]:
    if isinstance(critere, CritereNombre):
        bound = {"type": "integer", "minimum": critere.mini, "maximum": critere.maxi}
        return {
            "description": f"{_title(critere)}, en {critere.unite}. {critere.definition}",
            **_table({"min": bound, "max": bound, "hors": _FLAG}, "min", "max"),
        }
    description = f"{_title(critere)}. {critere.definition}"
    if critere.oui_non:
        return {"description": description, "anyOf": [_FLAG, _table({"vaut": _FLAG}, "vaut")]}
    codes = _codes(critere)
    table = _table({"au_moins_un": codes, "aucun": codes}, "au_moins_un", "aucun")
    return {"description": f"{description} Valeur : {critere.attendu}.", "anyOf": [codes, table]}


def _title(critere: Critere) -> str:
    return critere.libelle[0].upper() + critere.libelle[1:]


def _codes(critere: CritereCodes) -> dict[str, object]:
    return {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_VALEURS,
        "uniqueItems": True,
        "items": {"type": "string", "pattern": critere.motif},
    }


def _table(keys: dict[str, object], *needed: str) -> dict[str, object]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {**keys, "absent": _ABSENT},
        "anyOf": [{"required": [name]} for name in needed],
    }
