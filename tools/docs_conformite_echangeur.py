"""docs/conformite-echangeur.md: what proves that the hub itself conforms.

The tables are those that tests compare with what happens: the page says where.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tools.conformite_echangeur import Tableau, tableaux

PAGE: Final = Path("docs/conformite-echangeur.md")

_ENTETE: Final = """# La conformité de l'échangeur

Page engendrée depuis le kit et les tableaux que les essais comparent, par `make docs` ; ne pas la modifier
à la main. La console la sert aussi, sans compte, à `/conformite/echangeur`.

Rien ici n'est déclaré sans être éprouvé. `make test` passe le kit entier, deux fois, contre l'échangeur tel
qu'il est servi ([test_serveur_conforme.py](../tests/conformance/test_serveur_conforme.py)), et échoue si une
assertion n'est pas réussie. `make interop` éprouve les programmes étrangers, et échoue si une case des
tableaux est fausse.
"""


def render() -> str:
    """The whole page."""
    return _ENTETE + "".join(map(_table, tableaux()))


def _table(tableau: Tableau) -> str:
    rows = [tableau.colonnes, ["---"] * len(tableau.colonnes), *tableau.lignes]
    lines = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return f"\n## {tableau.titre}\n\n{tableau.preuve}\n\n{lines}"
