"""The weekly figures of the infocentre: what they are, the identity of the stock, what the public may see.
Pure.

The identity ([INF-4]): opening + entries − exits = closing, by territory. The closing is counted in the
demandes and the flows in the journal: what was changed without the journal, or a journal that is not whole,
shows as a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from registry.controles import PARIS
from registry.lifecycle import Etat, Fait, transition

SEUIL: Final = 11
"""Public figures hold no line of fewer demandes (regles §12)."""


class Tableau(StrEnum):
    """The tables of figures."""

    STOCK = "stock"
    """Active demandes at the closing."""
    ANCIENNETE = "stock_anciennete"
    """The same, by seniority."""
    TYPE = "stock_type"
    """By wished type of dwelling; a demande counts once in each."""
    COMMUNE = "stock_commune"
    """By wished commune; a demande counts once in each."""
    ENTREE = "entree"
    """Creations and reactivations."""
    SORTIE = "sortie"
    """Radiations by motive, and suppressions."""
    ACTE = "acte"
    """What happened to demandes, with the channel by which it came."""
    ATTRIBUTION = "attribution"
    """Radiations for attribution, by reservation."""
    ATTRIBUTION_DELAI = "attribution_delai"
    """The same, by the seniority that they had."""


PARTITIONS: Final[Mapping[Tableau, str]] = {
    Tableau.ANCIENNETE: "anciennete",
    Tableau.ENTREE: "mouvements",
    Tableau.SORTIE: "mouvements",
    Tableau.ATTRIBUTION: "attribution",
    Tableau.ATTRIBUTION_DELAI: "attribution_delai",
}
"""Tables whose lines add up to a figure that is published: the stock, the difference of two stocks for the
movements, the radiations for attribution. A line hidden alone would be found by subtraction."""

RESERVES: Final = frozenset({Tableau.ACTE})
"""Tables that are not published: what guichets do and how."""


@dataclass(frozen=True, slots=True, order=True)
class Ligne:
    """A figure. territoire: three characters. modalite: what is counted, in the codes of its table."""

    tableau: Tableau
    territoire: str
    modalite: str
    nombre: int


@dataclass(frozen=True, slots=True)
class Acte:
    """What the journal holds so many times.

    nature: of the entry. deradiation: it cancels a radiation. motif: ListeMotifsRadiation, otherwise empty.
    """

    territoire: str
    nature: str
    canal: str
    deradiation: bool
    motif: str
    nombre: int


@dataclass(frozen=True, slots=True)
class Bilan:
    """The identity of one territory."""

    territoire: str
    ouverture: int
    entrees: int
    sorties: int
    cloture: int

    @property
    def ecart(self) -> int:
        """What the closing has too many (or, negative, too few); 0 when the identity holds."""
        return self.cloture - (self.ouverture + self.entrees - self.sorties)


def week_of(instant: datetime) -> str:
    """The ISO week of an instant, at Paris: ``2026-W48``."""
    annee, semaine, _ = instant.astimezone(PARIS).isocalendar()
    return f"{annee:04d}-W{semaine:02d}"


def fact_of(acte: Acte) -> Fait | None:
    """The fact of the life cycle; None for what changes no state (DALO, documents, notices…)."""
    if acte.deradiation:
        return Fait.DERADIATION
    return Fait(acte.nature) if acte.nature in set(Fait) else None


def delta_of(fait: Fait | None) -> int:
    """What a fact does to the number of active demandes: 1, 0 or −1, as the table of the life cycle says.

    That table lets a fact leave only one kind of state, hence the fact alone tells.
    """
    if fait is None:
        return 0
    avants = [avant for avant in (None, *Etat) if transition(avant, fait) is not None]
    entre = any(avant is not Etat.ACTIVE and transition(avant, fait) is Etat.ACTIVE for avant in avants)
    sort = any(avant is Etat.ACTIVE and transition(avant, fait) is not Etat.ACTIVE for avant in avants)
    assert not (entre and sort), f"{fait} fait entrer et sortir"
    return int(entre) - int(sort)


def flows(actes: Iterable[Acte]) -> list[Ligne]:
    """Entries, exits and acts, from what the journal holds ([INF-3])."""
    nombres: dict[tuple[Tableau, str, str], int] = {}

    def count(tableau: Tableau, acte: Acte, modalite: str) -> None:
        cle = (tableau, acte.territoire, modalite)
        nombres[cle] = nombres.get(cle, 0) + acte.nombre

    for acte in actes:
        fait = fact_of(acte)
        if fait is None:
            continue
        count(Tableau.ACTE, acte, f"{fait}/{acte.canal}")
        if delta_of(fait) > 0:
            count(Tableau.ENTREE, acte, fait)
        elif delta_of(fait) < 0:
            count(Tableau.SORTIE, acte, acte.motif or fait)
    return sorted(Ligne(*cle, nombre) for cle, nombre in nombres.items())


def balance(avant: Mapping[str, int], lignes: Iterable[Ligne]) -> list[Bilan]:
    """The identity of each territory ([INF-4]). avant: stock of the closing before, by territory."""
    sommes: dict[str, dict[Tableau, int]] = {territoire: {} for territoire in avant}
    for ligne in lignes:
        if ligne.tableau in (Tableau.STOCK, Tableau.ENTREE, Tableau.SORTIE):
            somme = sommes.setdefault(ligne.territoire, {})
            somme[ligne.tableau] = somme.get(ligne.tableau, 0) + ligne.nombre
    return [
        Bilan(
            territoire,
            avant.get(territoire, 0),
            somme.get(Tableau.ENTREE, 0),
            somme.get(Tableau.SORTIE, 0),
            somme.get(Tableau.STOCK, 0),
        )
        for territoire, somme in sorted(sommes.items())
    ]


def public(lignes: Iterable[Ligne]) -> list[Ligne]:
    """What may be published: no line under SEUIL, and none that others give away ([INF-6]).

    Where the lines of a territory add up to a figure that is published, the smallest ones are hidden until
    at least two are, for SEUIL demandes or more.
    """
    groupes: dict[tuple[str, str], list[Ligne]] = {}
    for ligne in lignes:
        if ligne.tableau not in RESERVES:
            famille = PARTITIONS.get(ligne.tableau, ligne.tableau)
            groupes.setdefault((famille, ligne.territoire), []).append(ligne)
    gardees: list[Ligne] = []
    for groupe in groupes.values():
        groupe.sort(key=lambda ligne: (ligne.nombre, ligne))
        cachees = sum(ligne.nombre < SEUIL for ligne in groupe)
        if cachees and groupe[0].tableau in PARTITIONS:
            # A line hidden alone is under SEUIL: two are hidden at least.
            while cachees < len(groupe) and sum(ligne.nombre for ligne in groupe[:cachees]) < SEUIL:
                cachees += 1
        gardees += groupe[cachees:]
    return sorted(gardees)
