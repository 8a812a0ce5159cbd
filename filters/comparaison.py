"""Two versions of a filter, condition by condition. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from filters.criteria import CRITERE
from filters.language import AnyCondition, Condition, Filtre
from filters.texts import names, tell_wanted


class Sort(StrEnum):
    """What became of a condition."""

    GARDEE = "gardée"
    AJOUTEE = "ajoutée"
    OTEE = "ôtée"
    CHANGEE = "changée"


@dataclass(frozen=True, slots=True)
class Ecart:
    """One criterion in two versions. avant, apres: its condition, or None when there is none."""

    critere: str
    avant: AnyCondition | None
    apres: AnyCondition | None

    @property
    def sort(self) -> Sort:
        if self.avant == self.apres:
            return Sort.GARDEE
        if self.avant is None:
            return Sort.AJOUTEE
        return Sort.OTEE if self.apres is None else Sort.CHANGEE

    @property
    def libelle(self) -> str:
        """French name of the criterion."""
        return CRITERE[self.critere].libelle

    @property
    def texte(self) -> str:
        """What changed, in French; empty when all of it is in the two conditions side by side."""
        if not (isinstance(self.avant, Condition) and isinstance(self.apres, Condition)):
            return ""
        parts = []
        for label, before, after in (
            ("voulues", self.avant.valeurs, self.apres.valeurs),
            ("exclues", self.avant.exclues, self.apres.exclues),
        ):
            if after - before:
                parts.append(f"{label} en plus : {names(self.critere, after - before)}")
            if before - after:
                parts.append(f"{label} en moins : {names(self.critere, before - after)}")
        return " ; ".join(parts)

    @property
    def textes(self) -> tuple[str, str]:
        """What each version wants, in French."""
        before, after = ("–" if each is None else tell_wanted(each) for each in (self.avant, self.apres))
        return before, after


def compare(avant: Filtre, apres: Filtre) -> tuple[Ecart, ...]:
    """Every criterion that either version mentions, in the order of the table of criteria."""
    before = {condition.critere: condition for condition in avant.conditions}
    after = {condition.critere: condition for condition in apres.conditions}
    return tuple(
        Ecart(nom, before.get(nom), after.get(nom)) for nom in CRITERE if nom in before or nom in after
    )
