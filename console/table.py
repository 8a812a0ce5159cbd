"""The table of pages: each page of the console is one line, with its right.

A page is declared beside its handler, in a module of console/pages, in the tuple `PAGES` of that module;
`load_table` gathers and checks them. Nothing else makes a route (console.application), an entry of the menu
(console.rendu), a check of access (console.acces) or a line of docs/console-droits.md.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Final

from console.profils import Portee, ProfilCompte

if TYPE_CHECKING:
    from console.vue import Handler


class Methode(StrEnum):
    """GET reads and changes nothing; POST changes, and is checked against forgery."""

    GET = "GET"
    POST = "POST"


class Objet(StrEnum):
    """What the address of a page names; the value is the parameter of the path that names it.

    Access to that very thing is checked before the handler runs (console.acces).
    """

    AUCUN = ""
    GUICHET = "guichet"
    DEMANDE = "numero"
    ECHANGE = "echange"
    CERTIFICAT = "empreinte"
    COMPTE = "compte"


class Rubrique(StrEnum):
    """The entries of the main menu, in their order."""

    ACCUEIL = "Accueil"
    DEMANDES = "Demandes"
    DISTRIBUTIONS = "Distributions"
    FILTRES = "Filtres"
    ECHANGES = "Échanges"
    PARTENAIRES = "Partenaires"
    CERTIFICATS = "Certificats"
    PILOTAGE = "Pilotage"
    COMPTES = "Comptes"


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    nom: identifies it, for `url`; `famille.action`.
    chemin: such as ``/filtres/{guichet}``; a parameter that names an Objet bears the name of that Objet.
    titre: French, shown in the tab of the browser and in the menu.
    traite: what makes the answer (console.vue).
    droits: who may, and of whose data; empty only for a page open to nobody in particular (`publique`).
    nominative: shows data of applicants. Each number shown is then traced (`Vue.note_read`).
    trace: French or operation name, what is written of it: with the numbers, for a nominative page; in the
        log of acts, for a POST. Required for both.
    rubrique, rang: its place in the menu; None: it is not in the menu.
    taille_max: bytes of the body of a POST.
    sans_effet: a public POST that only reads, because what is asked does not fit in an address: whoever sends
        it, nothing changes, and no proof of its form is asked.
    """

    nom: str
    chemin: str
    titre: str
    traite: Handler
    droits: Mapping[ProfilCompte, Portee] = field(default_factory=dict)
    methode: Methode = Methode.GET
    objet: Objet = Objet.AUCUN
    nominative: bool = False
    trace: str = ""
    rubrique: Rubrique | None = None
    rang: int = 0
    publique: bool = False
    taille_max: int = 1 << 20
    sans_effet: bool = False

    def url(self, **parametres: object) -> str:
        """Its address. Raises KeyError when a parameter of the path is missing; others make the query."""
        return _address(self.chemin, parametres)


GUICHETS: Final[Mapping[ProfilCompte, Portee]] = {ProfilCompte.GUICHET: Portee.GUICHET}
CONSULTANTS: Final[Mapping[ProfilCompte, Portee]] = {
    ProfilCompte.CONSULTANT_SIMPLE: Portee.GUICHET,
    ProfilCompte.CONSULTANT_DEMANDE: Portee.GUICHET,
    ProfilCompte.CONSULTANT_SENSIBLE: Portee.GUICHET,
}
GESTIONNAIRES: Final[Mapping[ProfilCompte, Portee]] = {ProfilCompte.GESTIONNAIRE: Portee.TERRITOIRE}
EXPLOITANTS: Final[Mapping[ProfilCompte, Portee]] = {ProfilCompte.EXPLOITANT: Portee.TOUT}
AUDITEURS: Final[Mapping[ProfilCompte, Portee]] = {ProfilCompte.AUDITEUR: Portee.TOUT}
TOUS: Final = {**GUICHETS, **CONSULTANTS, **GESTIONNAIRES, **EXPLOITANTS, **AUDITEURS}
SOI_MEME: Final = dict.fromkeys(ProfilCompte, Portee.SOI)

_NOM: Final = re.compile(r"[a-z]+(\.[a-z]+)+")
_PARAMETRE: Final = re.compile(r"\{(\w+)(?::[^{}]*(?:\{[^{}]*\}[^{}]*)*)?\}")


def load_table() -> tuple[Page, ...]:
    """Every page of console/pages, by rubrique then rank. Raises ValueError for a line that does not hold."""
    import console.pages

    pages: list[Page] = []
    for module in sorted(pkgutil.iter_modules(console.pages.__path__), key=lambda each: each.name):
        pages += import_module(f"console.pages.{module.name}").PAGES
    check_table(pages)
    order = list(Rubrique)
    return tuple(
        sorted(
            pages,
            key=lambda page: (
                order.index(page.rubrique) if page.rubrique else len(order),
                page.rang,
                page.chemin,
            ),
        )
    )


def check_table(pages: list[Page]) -> None:
    """Raises ValueError, naming the page, when a line does not hold together."""
    seen: set[object] = set()
    for page in pages:
        for fault in _faults(page):
            raise ValueError(f"page {page.nom} : {fault}")
        for key in (page.nom, (page.methode, _PARAMETRE.sub("{}", page.chemin))):
            if key in seen:
                raise ValueError(f"page {page.nom} : {key} est déjà pris")
            seen.add(key)


def _faults(page: Page) -> list[str]:
    parametres = set(_PARAMETRE.findall(page.chemin))
    nommes = parametres & {objet.value for objet in Objet if objet is not Objet.AUCUN}
    attendus = {page.objet.value} - {""}
    checks = (
        (_NOM.fullmatch(page.nom) is None, "le nom s'écrit famille.action"),
        (not page.chemin.startswith("/"), "le chemin commence par /"),
        (bool(page.droits) == page.publique, "une page a des droits, ou est publique"),
        (nommes != attendus, "l'objet est celui que nomme le chemin"),
        (page.nominative and page.publique, "une page nominative n'est pas publique"),
        (
            page.sans_effet and (page.methode is not Methode.POST or not page.publique),
            "seul un envoi public est sans effet",
        ),
        ((page.nominative or page.methode is Methode.POST) and not page.trace, "il manque ce qui est tracé"),
        (
            page.rubrique is not None and (bool(parametres) or page.methode is Methode.POST),
            "une entrée du menu se lit sans paramètre",
        ),
    )
    return [fault for found, fault in checks if found]


def _address(chemin: str, parametres: Mapping[str, object]) -> str:
    from urllib.parse import quote, urlencode

    rest = dict(parametres)
    path = _PARAMETRE.sub(lambda found: quote(str(rest.pop(found[1])), safe=""), chemin)
    query = urlencode({name: value for name, value in rest.items() if value not in (None, "")}, doseq=True)
    return f"{path}?{query}" if query else path
