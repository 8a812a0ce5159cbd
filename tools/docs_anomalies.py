"""docs/anomalies.md, generated from the catalogue: no anomaly can go undocumented."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Final

from registry.anomalies import CATALOGUE, Tour, TypeAnomalie

PAGE: Final = Path("docs/anomalies.md")

_RACINE: Final = Path(__file__).resolve().parent.parent
_DOSSIERS: Final = ("registry", "dispatching", "soap", "mailflows", "console", "echangeur")

_ENTETE: Final = """# Anomalies

Page engendrée depuis le catalogue par `make docs` ; ne pas la modifier à la main.

Une anomalie a un code d'au plus dix caractères, qui ne change jamais et ne sert jamais deux fois. Les
anomalies d'une demande reviennent dans `listeAnomalie` du document ; celles d'un fichier ou d'un message
illisible, dans une faute SOAP. Dans les textes, `{constat}` est ce qui a été trouvé et `{attendu}` ce qui
l'était.

Le mot *rejouable* dit que le même message, renvoyé tel quel, peut réussir.
"""

_FAMILLES: Final = {
    "DEM": "La demande",
    "COD": "Les codes",
    "NUM": "Le numéro unique",
    "DBL": "Les doublons",
    "DAL": "Le DALO et les listes par date",
    "RPL": "Le répertoire des logements (RPLS)",
    "GUI": "Le guichet et ses droits",
    "DIS": "Les distributions",
    "PIE": "Les pièces du dossier unique",
    "POR": "Le portail, les brouillons et les dépôts",
    "REC": "La recherche de demandes",
    "GPE": "La gestion partagée",
    "XML": "Le fichier",
    "SOA": "Le message SOAP",
    "CON": "La console",
    "HUB": "L'échangeur lui-même",
    "ALE": "Les alertes",
}

_TOURS: Final = {
    Tour.PARTENAIRE: "partenaire",
    Tour.GESTIONNAIRE: "gestionnaire territorial",
    Tour.EXPLOITANT: "exploitant de l'échangeur",
}


def declaring_modules() -> list[str]:
    """The modules that add to the catalogue, found by what they call: none can be forgotten."""
    return [
        ".".join(path.relative_to(_RACINE).with_suffix("").parts)
        for dossier in _DOSSIERS
        for path in sorted((_RACINE / dossier).rglob("*.py"))
        if "CATALOGUE.declare(" in path.read_text(encoding="utf-8")
    ]


def render() -> str:
    """The whole page."""
    for name in declaring_modules():
        import_module(name)
    parts = [_ENTETE]
    types = sorted(CATALOGUE.types.values(), key=lambda each: each.code)
    connues = [
        (titre, [each for each in types if each.code.startswith(famille)])
        for famille, titre in _FAMILLES.items()
    ]
    autres = [each for each in types if each.code[:3] not in _FAMILLES]
    for titre, membres in (*connues, ("Autres", autres)):
        if membres:
            parts.append(f"## {titre}\n\n" + "\n".join(map(_entry, membres)))
    return "\n".join(parts)


def _entry(each: TypeAnomalie) -> str:
    rejouable = " ; rejouable" if each.rejouable else ""
    return (
        f"### `{each.code}`\n\n"
        f"> {each.texte}\n\n"
        f"À qui d'agir : {_TOURS[each.tour]}{rejouable}. {each.conduite}\n\n"
        f"Règle : {each.source}.\n"
    )
