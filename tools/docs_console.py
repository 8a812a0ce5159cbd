"""docs/console-droits.md, generated from the table of pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from console.profils import LIBELLES, Portee, ProfilCompte
from console.table import Methode, Page, load_table

PAGE: Final = Path("docs/console-droits.md")

_PORTEES: Final = {
    Portee.GUICHET: "guichet",
    Portee.TERRITOIRE: "territoires",
    Portee.TOUT: "tout",
    Portee.SOI: "soi",
}
_ENTETE: Final = """# Les pages de la console et leurs droits

Page engendrée depuis la table des pages par `make docs` ; ne pas la modifier à la main.

« guichet » : ce qui est du guichet du compte, et les demandes que ce guichet peut lire. « territoires » : ce
qui est des territoires du gestionnaire. « soi » : le compte lui-même. Une page nominative n'est ouverte à un
exploitant que si son compte est habilité. Règles : [spécification](specification/92-console.md).

"""


def render() -> str:
    """The whole page."""
    profils = list(LIBELLES)
    lines = [_ENTETE, *_head(["page", "adresse", *(LIBELLES[profil] for profil in profils), "consigné"])]
    for page in load_table():
        if page.publique:
            continue
        cells = [_cell(page, profil) for profil in profils]
        lines.append(_line([page.titre, _address(page), *cells, _kept(page)]))
    lines += ["\n## Sans session\n\n", *_head(["page", "adresse"])]
    lines += [_line([page.titre, _address(page)]) for page in load_table() if page.publique]
    return "".join(lines)


def _address(page: Page) -> str:
    """Method and path; what a parameter may be is not told, a bar would end the cell."""
    return f"`{page.methode} {re.sub(r':[^{}]*', '', page.chemin)}`"


def _cell(page: Page, profil: ProfilCompte) -> str:
    return _PORTEES[page.droits[profil]] if profil in page.droits else "–"


def _kept(page: Page) -> str:
    if page.methode is Methode.POST:
        return f"acte : {page.trace}" + (" ; lecture" if page.nominative else "")
    return f"lecture : `{page.trace}`" if page.nominative else "–"


def _head(names: list[str]) -> list[str]:
    return [_line(names), _line(["---"] * len(names))]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
