"""Why a filter takes a demande or not, and the smallest change that would flip the answer.

The explanation walks the filter's own conditions, gives the values compared, and proposes changes that are
values themselves: `Changement.apply` gives the changed filter or demande, and the changed pair really has the
opposite verdict (tests prove it on random pairs). The changes are found in filters.changes.
"""

from __future__ import annotations

from dataclasses import dataclass

from filters.changes import Changement, breaking_demande, completing_demande, widening_filtre
from filters.criteria import CRITERE
from filters.genres import Valeur
from filters.language import AnyCondition, Condition, Filtre
from filters.texts import names, tell_value, tell_wanted
from filters.traits import Traits


@dataclass(frozen=True, slots=True)
class Constat:
    """One condition compared with the value of one demande."""

    condition: AnyCondition
    valeur: Valeur

    @property
    def satisfaite(self) -> bool:
        return self.condition.accepte(self.valeur)

    @property
    def muette(self) -> bool:
        """Whether the demande says nothing."""
        return self.valeur is None or self.valeur == frozenset()

    @property
    def texte(self) -> str:
        """French sentence: found, expected, verdict."""
        libelle = CRITERE[self.condition.critere].libelle
        wanted = tell_wanted(self.condition)
        if self.muette:
            if self.satisfaite:
                return f"{libelle} : la demande n'en dit rien, le filtre l'accepte"
            return f"{libelle} : la demande n'en dit rien, le filtre veut {wanted}"
        if not self.satisfaite:
            return (
                f"{libelle} : la demande a {tell_value(self.condition.critere, self.valeur)}, "
                f"le filtre veut {wanted}"
            )
        if isinstance(self.condition, Condition) and self.condition.valeurs:
            assert isinstance(self.valeur, frozenset)
            common = names(self.condition.critere, self.condition.valeurs & self.valeur)
            return f"{libelle} : {common} est dans le filtre"
        found = tell_value(self.condition.critere, self.valeur)
        return f"{libelle} : {found}, comme le filtre le veut ({wanted})"


@dataclass(frozen=True, slots=True)
class ExplicationFiltre:
    """The verdict of one filter on one demande, condition by condition.

    changements: the smallest change that flips the verdict, one per side when there is one. A filter that
    takes the demande is flipped from the demande's side only: narrowing it is the choice of its guichet.
    """

    filtre: Filtre
    correspond: bool
    constats: tuple[Constat, ...]
    changements: tuple[Changement, ...]

    @property
    def texte(self) -> str:
        """One French sentence."""
        if not self.constats:
            return f"le filtre « {self.filtre.nom} » n'a aucune condition : il accepte toute demande lisible"
        if self.correspond:
            return f"le filtre « {self.filtre.nom} » correspond : " + " ; ".join(
                c.texte for c in self.constats
            )
        failed = [constat.texte for constat in self.constats if not constat.satisfaite]
        return f"le filtre « {self.filtre.nom} » ne correspond pas : " + " ; ".join(failed)


def explain(filtre: Filtre, traits: Traits) -> ExplicationFiltre:
    """Explain one pair ([FIL-30] to [FIL-32]). Pure, microseconds."""
    constats = tuple(Constat(c, traits[c.critere]) for c in filtre.conditions)
    correspond = all(constat.satisfaite for constat in constats)
    found = (
        [breaking_demande(filtre, traits)]
        if correspond
        else [widening_filtre(filtre, traits), completing_demande(filtre, traits)]
    )
    return ExplicationFiltre(filtre, correspond, constats, tuple(each for each in found if each is not None))
