"""Why a filter takes a demande or not, and the smallest change that would flip the answer.

The explanation walks the filter's own conditions, gives the values compared, and proposes changes that are
values themselves: `Changement.apply` gives the changed filter or demande, and the changed pair really has the
opposite verdict (tests prove it on random pairs).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from filters.criteria import CRITERE, Critere
from filters.language import Condition, Filtre
from filters.traits import Traits, traits_from
from schemas import cog, territoires

_SHOWN = 6


class Cote(StrEnum):
    """Which side of the pair a change touches."""

    FILTRE = "filtre"
    DEMANDE = "demande"


@dataclass(frozen=True, slots=True)
class Constat:
    """One condition compared with one demande.

    communs: values found on both sides; the condition is satisfied when there is at least one.
    """

    condition: Condition
    valeurs_demande: frozenset[str]

    @property
    def communs(self) -> frozenset[str]:
        return self.condition.valeurs & self.valeurs_demande

    @property
    def satisfaite(self) -> bool:
        return not self.condition.valeurs.isdisjoint(self.valeurs_demande)

    @property
    def texte(self) -> str:
        """French sentence: expected, found, verdict."""
        critere = CRITERE[self.condition.critere]
        expected = _enumerate(critere, self.condition.valeurs)
        if self.satisfaite:
            return f"{critere.libelle} : {_enumerate(critere, self.communs)} est dans le filtre"
        if not self.valeurs_demande:
            return f"{critere.libelle} : la demande n'en dit rien, le filtre veut {expected}"
        found = _enumerate(critere, self.valeurs_demande)
        return f"{critere.libelle} : la demande a {found}, le filtre veut {expected}"


@dataclass(frozen=True, slots=True)
class Changement:
    """A change that flips the verdict of one filter on one demande.

    cote FILTRE: `ajoute` are values to add to conditions of the filter, `retire` criteria whose condition is
    dropped. cote DEMANDE: values of « communes » and « types_logement » that the demande would add or drop.
    """

    cote: Cote
    ajoute: tuple[tuple[str, str], ...] = ()
    retire: tuple[tuple[str, str], ...] = ()

    @property
    def taille(self) -> int:
        """Number of values touched."""
        return len(self.ajoute) + len(self.retire)

    @property
    def texte(self) -> str:
        """French sentence of what to do."""
        subject = "dans le filtre" if self.cote is Cote.FILTRE else "dans la demande"
        parts = [f"ajouter {_name(critere, value)} à {critere}" for critere, value in self.ajoute]
        parts += [
            f"ôter {_name(critere, value)} de {critere}" if value else f"ôter la condition {critere}"
            for critere, value in self.retire
        ]
        return f"{subject} : " + " ; ".join(parts)

    def apply(self, filtre: Filtre, traits: Traits) -> tuple[Filtre, Traits]:
        """The pair after the change."""
        if self.cote is Cote.FILTRE:
            dropped = {critere for critere, _ in self.retire}
            conditions = tuple(
                Condition(
                    c.critere, c.valeurs | {value for critere, value in self.ajoute if critere == c.critere}
                )
                for c in filtre.conditions
                if c.critere not in dropped
            )
            return Filtre(filtre.nom, conditions), traits
        kept = {"communes": set(traits.communes), "types_logement": set(traits.types_logement)}
        for critere, value in self.ajoute:
            kept[critere].add(value)
        for critere, value in self.retire:
            kept[critere].discard(value)
        return filtre, traits_from(kept["communes"], kept["types_logement"])


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
    """Explain one pair. Pure, microseconds."""
    constats = tuple(Constat(c, CRITERE[c.critere].lit(traits)) for c in filtre.conditions)
    correspond = all(constat.satisfaite for constat in constats)
    if correspond:
        changes = _breaking_demande(constats, traits)
    else:
        failed = [constat for constat in constats if not constat.satisfaite]
        changes = [_widening_filtre(failed), *_completing_demande(failed)]
    return ExplicationFiltre(filtre, correspond, constats, tuple(changes))


def _widening_filtre(failed: list[Constat]) -> Changement:
    """One value of the demande added to each failed condition; dropped when the demande has no value."""
    ajoute = []
    retire = []
    for constat in failed:
        if constat.valeurs_demande:
            ajoute.append((constat.condition.critere, min(constat.valeurs_demande)))
        else:
            retire.append((constat.condition.critere, ""))
    return Changement(Cote.FILTRE, tuple(ajoute), tuple(retire))


def _completing_demande(failed: list[Constat]) -> list[Changement]:
    """The fewest wishes to add to the demande; none when the reference data knows no such commune.

    The commune that satisfies the most failed conditions is taken first. With at most three geographic
    conditions that is the minimum: either one commune serves all, or one serves two, or each needs its own.
    """
    ajoute: list[tuple[str, str]] = []
    wanted = [_communes_of(c.condition) for c in failed if c.condition.critere != "types_logement"]
    while wanted:
        if not all(wanted):
            return []
        served = Counter(code for codes in wanted for code in codes)
        best = min(served, key=lambda code: (-served[code], code))
        ajoute.append(("communes", best))
        wanted = [codes for codes in wanted if best not in codes]
    types = [c.condition.valeurs for c in failed if c.condition.critere == "types_logement"]
    ajoute += [("types_logement", min(values)) for values in types]
    return [Changement(Cote.DEMANDE, tuple(ajoute))]


def _breaking_demande(constats: tuple[Constat, ...], traits: Traits) -> list[Changement]:
    """The fewest wishes that the demande would have to drop; none when the filter has no condition."""
    options = []
    for constat in constats:
        if constat.condition.critere == "types_logement":
            options.append(tuple(("types_logement", value) for value in sorted(constat.communs)))
        else:
            reached = traits.communes & _communes_of(constat.condition)
            options.append(tuple(("communes", value) for value in sorted(reached)))
    return [Changement(Cote.DEMANDE, retire=min(options, key=len))] if options else []


def _communes_of(condition: Condition) -> frozenset[str]:
    """The communes that satisfy a geographic condition."""
    if condition.critere == "communes":
        return condition.valeurs.union(*(cog.communes_of_ville(value) for value in condition.valeurs))
    resolve = cog.communes_of_epci if condition.critere == "epci" else territoires.communes_of_territoire
    return frozenset(code for value in condition.valeurs for code in resolve(value))


def _enumerate(critere: Critere, values: Iterable[str]) -> str:
    ordered = sorted(values)
    shown = ", ".join(critere.designe(value) for value in ordered[:_SHOWN])
    return shown if len(ordered) <= _SHOWN else f"{shown} et {len(ordered) - _SHOWN} autres"


def _name(critere: str, value: str) -> str:
    return CRITERE[critere].designe(value)
