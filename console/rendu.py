"""Templates: Jinja2, escaped, in which an unknown name is an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket

from console import libelles
from console.acces import check_page
from console.agent import Agent
from console.formats import FILTRES
from console.profils import LIBELLES
from console.securite import make_jeton
from console.sessions import MOYENS
from console.statique import Statique
from console.table import Page, Rubrique
from registry.anomalies import Anomalie

_COMPOSANTS: Final = "composants.html"


class _Compiles(BytecodeCache):
    """What templates were compiled to, for the next console of this process: compiling the components takes
    longer than all else that a console does to start."""

    def __init__(self) -> None:
        self._codes: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what is known; jinja2 sets it aside when the source is no longer the same."""
        if (code := self._codes.get(bucket.key)) is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key] = bucket.bytecode_to_string()


_COMPILES: Final = _Compiles()


@dataclass(frozen=True, slots=True)
class Entree:
    """An entry of the main menu."""

    titre: str
    pages: tuple[tuple[str, str, bool], ...]
    """Title, address, and whether it is the page shown."""
    courante: bool


class Moteur:
    """Renders pages."""

    def __init__(self, table: tuple[Page, ...], statique: Statique) -> None:
        self._table = table
        self._pages = {page.nom: page for page in table}
        env = Environment(
            loader=PackageLoader("console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            # The templates of an installed console do not change.
            auto_reload=False,
            bytecode_cache=_COMPILES,
        )
        env.filters.update(FILTRES)
        env.globals.update(statique=statique.url, url=self.url, profils=LIBELLES, moyens=MOYENS)
        env.globals["libelles"] = libelles
        # The components of the design system, in every template and in every block rendered alone.
        env.globals["dsfr"] = env.get_template(_COMPOSANTS).module
        self._env = env

    def url(self, nom: str, /, **parametres: object) -> str:
        """The address of a page by its name. Raises KeyError for an unknown page or a missing parameter."""
        return self._pages[nom].url(**parametres)

    def page(self, nom: str) -> Page:
        return self._pages[nom]

    def menu(self, agent: Agent | None, page: Page | None) -> tuple[Entree, ...]:
        """What this account may open, by rubrique."""
        if agent is None:
            return ()
        entries = []
        for rubrique in Rubrique:
            pages = [
                each
                for each in self._table
                if each.rubrique is rubrique and not isinstance(check_page(each, agent), Anomalie)
            ]
            if pages:
                shown = tuple((each.titre, each.url(), page is each) for each in pages)
                current = page is not None and page.nom.partition(".")[0] in {
                    each.nom.partition(".")[0] for each in pages
                }
                entries.append(Entree(rubrique.value, shown, current))
        return tuple(entries)

    def render(
        self,
        modele: str,
        valeurs: Mapping[str, object],
        *,
        page: Page | None,
        agent: Agent | None,
        secret: str,
        message: str = "",
        bloc: str = "",
    ) -> str:
        """The text of a page; with `bloc`, of that block of it alone.

        secret: the cookie for whose holder the forms are made.
        """
        template = self._env.get_template(modele)
        values = {
            "page": page,
            "agent": agent,
            "menu": self.menu(agent, page),
            "jeton": make_jeton(secret),
            "message": message,
            **valeurs,
        }
        if not bloc:
            return template.render(values)
        return "".join(template.blocks[bloc](template.new_context(values)))
