"""What the pages of filters have in common: rights, what they read, where they lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection

from console.apercus import Apercu, make_apercu
from console.bancs import Avancement
from console.profils import Portee, ProfilCompte
from console.table import CONSULTANTS, EXPLOITANTS, GESTIONNAIRES, GUICHETS
from console.vue import Vue, read_apart
from filters.brouillons import Brouillon, get_brouillon, list_brouillons
from filters.language import Filtre
from filters.situations import Situation, situations_of
from filters.store import list_versions
from registry.constats import Constat
from registry.controles import PARIS
from registry.guichets import Guichet
from registry.guichets_store import get_guichet

LECTEURS: Final[Mapping[ProfilCompte, Portee]] = {**GUICHETS, **CONSULTANTS, **GESTIONNAIRES, **EXPLOITANTS}
"""Who sees the filters, their trials in figures, and by nominative pages the numbers."""
AUTEURS: Final[Mapping[ProfilCompte, Portee]] = {**GUICHETS, **GESTIONNAIRES}
"""Who writes them."""


@dataclass(frozen=True, slots=True)
class Contenu:
    """The filters of a guichet, its drafts, and who looks at them."""

    guichet: Guichet
    situations: tuple[Situation, ...]
    brouillons: tuple[Brouillon, ...]

    def situation(self, nom: str) -> Situation | None:
        return next((each for each in self.situations if each.nom == nom), None)

    def en_vigueur(self, nom: str) -> Filtre | None:
        """The conditions in force under that name."""
        found = self.situation(nom)
        return None if found is None or found.en_vigueur is None else found.en_vigueur.filtre

    @property
    def filtres(self) -> tuple[Filtre, ...]:
        """All those in force."""
        found = (self.en_vigueur(each.nom) for each in self.situations)
        return tuple(filtre for filtre in found if filtre is not None)


@dataclass(frozen=True, slots=True)
class Essayable:
    """A filter that may be tried: a draft, or the one in force. contre: the one in force that it replaces."""

    guichet: Guichet
    filtre: Filtre
    contre: Filtre | None
    brouillon: Brouillon | None


def load(conn: Connection, code: str, instant: datetime) -> Contenu:
    """Everything that the list shows. The guichet exists: access to it was checked."""
    guichet = get_guichet(conn, code)
    assert guichet is not None
    return Contenu(guichet, situations_of(list_versions(conn, code), instant), list_brouillons(conn, code))


def load_one(conn: Connection, code: str, nom: str, instant: datetime) -> Essayable | None:
    """The draft of that name, otherwise the filter in force; None when there is neither."""
    contenu = load(conn, code, instant)
    brouillon = get_brouillon(conn, code, nom)
    contre = contenu.en_vigueur(nom)
    filtre = contre if brouillon is None else brouillon.filtre
    return None if filtre is None else Essayable(contenu.guichet, filtre, contre, brouillon)


async def read_one(vue: Vue) -> Essayable | None:
    """`load_one` of the name that the query asks for."""
    code, nom = vue.parametres["guichet"], vue.question.get("nom", "")
    return await read_apart(vue, lambda conn: load_one(conn, code, nom, vue.maintenant))


async def try_on_stock(vue: Vue, found: Essayable) -> Apercu | Avancement:
    """The trial of a filter, or how far it is."""
    jour = today(vue)
    # Against itself a filter in force shows no difference.
    contre = found.contre if found.brouillon is not None else None
    return await vue.services.bancs.stock.ask(
        ("apercu", found.guichet, found.filtre, contre, jour),
        vue.services.engine,
        vue.services.clock,
        lambda conn, image: make_apercu(conn, image, found.guichet, found.filtre, contre, jour),
    )


def today(vue: Vue) -> date:
    return vue.maintenant.astimezone(PARIS).date()


def within(vue: Vue, guichet: Guichet) -> Guichet:
    """The guichet bounded to what whoever looks may see: a gestionnaire sees the demandes of his territories
    and no other, whatever the guichet reads."""
    if vue.perimetre.portee is not Portee.TERRITOIRE:
        return guichet
    return replace(guichet, territoires=guichet.territoires & vue.agent.territoires)


def sees_numeros(vue: Vue) -> bool:
    """Whether the pages that show numbers are open to him ([CSL-4])."""
    return vue.agent.profil is not ProfilCompte.EXPLOITANT or vue.agent.habilite


def writes(vue: Vue) -> bool:
    return vue.agent.profil in AUTEURS


def read_effet(text: str) -> datetime | str | None:
    """The instant of a field, hour of Paris; None when it is empty; what is wrong, in French."""
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return "Écrivez l’instant ainsi : AAAA-MM-JJTHH:MM, par exemple 2027-01-01T08:00."
    return found if found.tzinfo else found.replace(tzinfo=PARIS)


def told(constats: Sequence[Constat]) -> str:
    """What refuses an act, in one text."""
    text = " ; ".join(constat.texte for constat in constats)
    return text[:1].upper() + text[1:] + "."


def chrome(vue: Vue, guichet: Guichet, onglet: str) -> dict[str, object]:
    """What the head of every page of a guichet shows. onglet: name of the page that is its tab."""
    code = guichet.code
    onglets = [
        ("Filtres", vue.url("filtres.lister", guichet=code), onglet == "filtres.lister"),
        ("Rattrapage", vue.url("filtres.rattrapage", guichet=code), onglet == "filtres.rattrapage"),
    ]
    if sees_numeros(vue):
        adresse = vue.url("filtres.pourquoi", guichet=code)
        onglets.append(("Pourquoi cette demande ?", adresse, onglet == "filtres.pourquoi"))
    return {
        "guichet": guichet,
        "onglets": onglets,
        "ecrit": writes(vue),
        "voit_numeros": sees_numeros(vue),
    }
