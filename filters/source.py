"""What of a demande and of its event a criterion may read, and what the household gives when it is counted.

Each part is read from the document when first asked for, once: a criterion that no filter in force uses
costs nothing. Amounts are whole euros, ages whole years, seniority whole months.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Final

from registry.controles import PARIS
from schemas.demande import Demande
from schemas.menage import LogementActuel, Personne, PersonneACharge, Ressource

_COUPLE: Final = frozenset({"M", "P", "C"})
"""Codes of ListeLienDemandeur that make a couple."""
_ENFANT: Final = "E"
AGE_UC: Final = 14
"""From this age a person counts as an adult in the consumption units."""


@dataclass(frozen=True, slots=True)
class Connu:
    """What the registry knows beyond the document ([FIL-13]).

    prioritaire: somebody entitled has recognised the priority. delai_anormal: the wait is abnormally long.
    """

    prioritaire: bool
    delai_anormal: bool


@dataclass(frozen=True, slots=True)
class Contexte:
    """The event by which a demande is judged.

    nature: code of ListeTypeFichier, or empty. auteur: guichet that sent it, or empty.
    jour: the day, in Paris, at which ages and seniority are counted; None: they are not known.
    connu: None when nobody asked.
    """

    nature: str = ""
    auteur: str = ""
    jour: date | None = None
    connu: Connu | None = None


def contexte_of(nature: str, auteur: str, instant: datetime, connu: Connu | None = None) -> Contexte:
    """The context of an event decided at that instant ([FIL-10])."""
    return Contexte(nature, auteur, instant.astimezone(PARIS).date(), connu)


class Source:
    """A demande, read for filters."""

    def __init__(self, demande: Demande, contexte: Contexte) -> None:
        self.demande = demande
        self.contexte = contexte

    @cached_property
    def adultes(self) -> tuple[Personne, ...]:
        """The applicant and his cotitulaires; nobody for an association."""
        demandeur = self.demande.demandeur
        return () if demandeur is None else (demandeur, *self.demande.cotitulaires)

    @property
    def a_charge(self) -> tuple[PersonneACharge, ...]:
        return self.demande.personnes_a_charge

    @property
    def logement(self) -> LogementActuel | None:
        return self.demande.logement_actuel

    @property
    def nombre_personnes(self) -> int | None:
        """Applicant, cotitulaires and dependants; neither births to come nor children in shared custody."""
        return len(self.adultes) + len(self.a_charge) if self.adultes else None

    @property
    def nombre_enfants(self) -> int | None:
        """The dependants who are children, whatever their age."""
        return sum(p.lien_parente == _ENFANT for p in self.a_charge) if self.adultes else None

    @property
    def naissances(self) -> int | None:
        """Births to come; a household that announces none has 0."""
        if not self.adultes:
            return None
        attendues = self.demande.naissances
        return 0 if attendues is None else attendues.nombre

    @property
    def composition(self) -> str | None:
        """SEUL, COUPLE, MONO (alone with children), FAMILLE (couple with children) or COLOC."""
        if not self.adultes:
            return None
        liens = {adulte.lien for adulte in self.adultes[1:]}
        if liens & _COUPLE:
            return "FAMILLE" if self.nombre_enfants else "COUPLE"
        if liens:
            return "COLOC"
        return "MONO" if self.nombre_enfants else "SEUL"

    @property
    def age_demandeur(self) -> int | None:
        demandeur = self.demande.demandeur
        return None if demandeur is None else self._age(demandeur.date_naissance)

    @cached_property
    def naissances_connues(self) -> tuple[date, ...]:
        """The birth dates that are known, of the persons to house."""
        dates = [*(p.date_naissance for p in self.adultes), *(p.date_naissance for p in self.a_charge)]
        return tuple(each for each in dates if each is not None and each != date.min)

    @cached_property
    def ages(self) -> tuple[int, ...]:
        """Of those whose birth date is known."""
        return tuple(age for age in map(self._age, self.naissances_connues) if age is not None)

    @property
    def anciennete(self) -> int | None:
        """Whole months since the deposit."""
        depot, jour = self.demande.date_creation, self.contexte.jour
        if jour is None or depot in (date.min, date.max) or depot > jour:
            return None
        return (jour.year - depot.year) * 12 + jour.month - depot.month - (jour.day < depot.day)

    @property
    def revenu_fiscal(self) -> int | None:
        """Of the applicant and cotitulaires together, each for the latest year that he gives."""
        montants = []
        for adulte in self.adultes:
            revenu = adulte.revenu_fiscal
            if revenu is not None:
                montants.append(
                    revenu.montant_moins2 if revenu.montant_moins1 is None else revenu.montant_moins1
                )
        return _sum(montants)

    @cached_property
    def ressources(self) -> int | None:
        """Received by the household each month, less what it pays."""
        recues = _sum(r.montant for r in self.ressources_recues)
        versees = _sum(
            r.montant
            for a in self.adultes
            for r in (*a.ressources_versees, *a.ressources_versees_pers_a_charge)
        )
        return None if recues is None else recues - (versees or 0)

    @cached_property
    def ressources_recues(self) -> tuple[Ressource, ...]:
        return tuple(
            r for a in self.adultes for r in (*a.ressources_recues, *a.ressources_recues_pers_a_charge)
        )

    @property
    def ressources_uc(self) -> int | None:
        """Resources of twelve months for one consumption unit, rounded down."""
        mensuelles = self.ressources
        return None if mensuelles is None else mensuelles * 12 * 10 // self._dixiemes_uc

    @property
    def _dixiemes_uc(self) -> int:
        """Tenths of consumption unit: 10 for the first adult, 5 for another person of 14 or more, 3 under 14.

        Without a birth date a child counts as under 14, anyone else as an adult.
        """
        total = 10 + 5 * (len(self.adultes) - 1)
        for personne in self.a_charge:
            age = self._age(personne.date_naissance)
            jeune = personne.lien_parente == _ENFANT if age is None else age < AGE_UC
            total += 3 if jeune else 5
        return total

    def _age(self, naissance: date | None) -> int | None:
        jour = self.contexte.jour
        if jour is None or naissance is None or naissance == date.min or naissance > jour:
            return None
        return jour.year - naissance.year - ((jour.month, jour.day) < (naissance.month, naissance.day))


def _sum(montants: Iterable[int | None]) -> int | None:
    """Of those that are known; None when none is."""
    connus = [montant for montant in montants if montant is not None]
    return sum(connus) if connus else None
