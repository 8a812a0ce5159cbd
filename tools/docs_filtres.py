"""docs/filtres.md, the reference page of the criteria of filters, generated from their table."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Final

from filters.criteria import CRITERES
from filters.genres import Critere, CritereNombre

PAGE: Final = Path("docs/filtres.md")

_ENTETE: Final = """# Les critères des filtres

Page engendrée depuis `filters/criteria.py` par `make docs` ; ne pas la modifier à la main. Comment s'écrit un
filtre, avec des exemples : [guide du guichet](guide-guichet.md) ; ce qu'il veut dire :
[spécification](specification/03-filtres.md).

Trois genres de conditions :

- **codes** : `["A", "B"]`, ou `{ au_moins_un = […], aucun = […], absent = "accepte" }` ;
- **oui ou non** : `true`, `false`, ou `{ vaut = true, absent = "accepte" }` ;
- **nombre** : `{ min = 1, max = 3, hors = false, absent = "accepte" }`, bornes entières et comprises, dont
  l'une suffit ; `hors = true` veut tout autre nombre.

Une demande qui ne dit rien d'un critère ne satisfait la condition que si celle-ci porte `absent = "accepte"`.
"""


def render() -> str:
    """The page."""
    parts = [_ENTETE]
    for rubrique, criteres in groupby(CRITERES, key=lambda critere: critere.rubrique):
        parts.append(f"\n## {rubrique}\n\n| critère | genre | ce qu'une demande en dit | valeurs |\n")
        parts.append("| --- | --- | --- | --- |\n")
        parts.extend(f"| `{c.nom}` | {_genre(c)} | {c.definition} | {_values(c)} |\n" for c in criteres)
    return "".join(parts)


def _genre(critere: Critere) -> str:
    if isinstance(critere, CritereNombre):
        return "nombre"
    return "oui ou non" if critere.oui_non else "codes"


def _values(critere: Critere) -> str:
    if isinstance(critere, CritereNombre):
        return f"{critere.unite}, de {critere.mini} à {critere.maxi}"
    if not critere.codes:
        return critere.attendu
    return "" if critere.oui_non else ", ".join(critere.designe(code) for code in critere.codes)
