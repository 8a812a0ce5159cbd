"""The smallest change that flips the answer of one filter on one demande, as a value that can be applied.

The criteria are taken one by one, except those of the place: they all follow from the wished communes, which
are chosen together (filters.wishes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain

from filters.criteria import CRITERE, LIEUX
from filters.genres import CritereCodes, CritereNombre, Valeur
from filters.language import AnyCondition, Condition, Filtre, Intervalle, ordered
from filters.texts import names, number
from filters.traits import Traits
from filters.wishes import satisfying, spoiling


class Cote(StrEnum):
    """Which side of the pair a change touches."""

    FILTRE = "filtre"
    DEMANDE = "demande"


@dataclass(frozen=True, slots=True)
class Retouche:
    """One part of a change. taille: number of values touched. texte: French, what to do.

    applique: gives the pair once the part is done.
    """

    taille: int
    texte: str
    applique: Callable[[Filtre, Traits], tuple[Filtre, Traits]] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Changement:
    """A change that flips the verdict of one filter on one demande, all its parts being done."""

    cote: Cote
    retouches: tuple[Retouche, ...]

    @property
    def taille(self) -> int:
        """Number of values touched."""
        return sum(retouche.taille for retouche in self.retouches)

    @property
    def texte(self) -> str:
        """French sentence of what to do."""
        subject = "dans le filtre" if self.cote is Cote.FILTRE else "dans la demande"
        return f"{subject} : " + " ; ".join(retouche.texte for retouche in self.retouches)

    def apply(self, filtre: Filtre, traits: Traits) -> tuple[Filtre, Traits]:
        """The pair after the change."""
        for retouche in self.retouches:
            filtre, traits = retouche.applique(filtre, traits)
        return filtre, traits


def widening_filtre(filtre: Filtre, traits: Traits) -> Changement:
    """What the filter would have to accept, for each condition that fails."""
    failed = [c for c in filtre.conditions if not c.accepte(traits[c.critere])]
    return Changement(
        Cote.FILTRE, tuple(_widen(condition, traits[condition.critere]) for condition in failed)
    )


def completing_demande(filtre: Filtre, traits: Traits) -> Changement | None:
    """What the demande would have to say; None when no known value would do."""
    retouches = []
    if any(c.critere in LIEUX and not c.accepte(traits[c.critere]) for c in filtre.conditions):
        wishes = satisfying(filtre, traits.souhaits)
        if wishes is None:
            return None
        retouches.append(_moving(traits.souhaits, wishes))
    for condition in filtre.conditions:
        valeur = traits[condition.critere]
        if condition.critere in LIEUX or condition.accepte(valeur):
            continue
        fewest = _smallest(condition, valeur, accepted=True)
        if fewest is None:
            return None
        retouches.append(fewest)
    return Changement(Cote.DEMANDE, tuple(retouches))


def breaking_demande(filtre: Filtre, traits: Traits) -> Changement | None:
    """What would be enough, in the demande, for the filter to let go; None when nothing known is."""
    options = []
    wishes = spoiling(filtre, traits.souhaits)
    if wishes is not None:
        options.append(_moving(traits.souhaits, wishes))
    for condition in filtre.conditions:
        if condition.critere not in LIEUX:
            found = _smallest(condition, traits[condition.critere], accepted=False)
            if found is not None:
                options.append(found)
    fewest = min(options, key=lambda option: option.taille, default=None)
    return None if fewest is None else Changement(Cote.DEMANDE, (fewest,))


def _widen(condition: AnyCondition, valeur: Valeur) -> Retouche:
    """The smallest change of a condition that accepts this value; it may be dropped."""
    nom = condition.critere
    if valeur is None or valeur == frozenset():
        return _replacing(
            1, f"accepter les demandes qui ne disent rien de {nom}", nom, _with_absent(condition)
        )
    if isinstance(condition, Intervalle):
        assert isinstance(valeur, int)
        if condition.hors:
            return _replacing(1, f"ôter la condition {nom}", nom, None)
        if condition.mini is not None and valeur < condition.mini:
            changed = Intervalle(nom, valeur, condition.maxi, absent=condition.absent)
            text = f"abaisser le minimum de {nom} à {number(nom, valeur)}"
        else:
            changed = Intervalle(nom, condition.mini, valeur, absent=condition.absent)
            text = f"relever le maximum de {nom} à {number(nom, valeur)}"
        return _replacing(1, text, nom, changed)
    assert isinstance(valeur, frozenset)
    hit = condition.exclues & valeur
    lacking = bool(condition.valeurs) and condition.valeurs.isdisjoint(valeur)
    texts = [f"ôter {names(nom, hit)} de ce que {nom} exclut"] if hit else []
    valeurs = condition.valeurs
    if lacking:
        added = min(valeur)
        texts.append(f"ajouter {names(nom, [added])} à {nom}")
        valeurs |= {added}
    changed_codes = Condition(nom, valeurs, condition.exclues - hit, condition.absent)
    kept = changed_codes if changed_codes.valeurs or changed_codes.exclues else None
    return _replacing(len(hit) + lacking, " ; ".join(texts), nom, kept)


def _with_absent(condition: AnyCondition) -> AnyCondition:
    if isinstance(condition, Intervalle):
        return Intervalle(condition.critere, condition.mini, condition.maxi, condition.hors, absent=True)
    return Condition(condition.critere, condition.valeurs, condition.exclues, absent=True)


def _smallest(condition: AnyCondition, valeur: Valeur, *, accepted: bool) -> Retouche | None:
    """The smallest change of the value of a demande for which the condition answers `accepted`."""
    candidates = (
        _other_numbers(condition, valeur)
        if isinstance(condition, Intervalle)
        else _other_codes(condition, valeur)
    )
    fitting = (option for option in candidates if condition.accepte(option[1]) is accepted)
    fewest = min(fitting, key=lambda option: option[0], default=None)
    if fewest is None:
        return None
    taille, other, text = fewest
    nom = condition.critere
    return Retouche(taille, text, lambda filtre, traits: (filtre, traits.change(nom, other)))


Option = tuple[int, Valeur, str]


def _other_numbers(condition: Intervalle, valeur: Valeur) -> Iterator[Option]:
    """The nearest number on each side of each bound."""
    critere = CRITERE[condition.critere]
    assert isinstance(critere, CritereNombre)
    bounds = [bound for bound in (condition.mini, condition.maxi) if bound is not None]
    near = [value for bound in bounds for value in (bound - 1, bound, bound + 1)]
    start = valeur if isinstance(valeur, int) else 0
    for value in sorted(near, key=lambda value: (abs(value - start), value)):
        if value >= critere.mini:
            yield 1, value, f"dire {critere.designe(value)} pour {critere.nom}"
    if valeur is not None:
        yield 1, None, f"ne rien dire de {critere.nom}"


def _other_codes(condition: Condition, valeur: Valeur) -> Iterator[Option]:
    """Codes added, codes taken out, another code for a criterion that has one only."""
    critere = CRITERE[condition.critere]
    assert isinstance(critere, CritereCodes)
    assert isinstance(valeur, frozenset)
    nom = critere.nom
    others = sorted(frozenset(critere.codes or condition.valeurs | condition.exclues) - valeur)
    if not critere.multiple:
        for code in others:
            yield 1, frozenset({code}), f"dire {names(nom, [code])} pour {nom}"
        if valeur:
            yield 1, frozenset(), f"ne rien dire de {nom}"
        return
    for code in others:
        yield 1, valeur | {code}, f"ajouter {names(nom, [code])} à {nom}"
    for removed in (valeur & condition.valeurs, valeur & condition.exclues, valeur):
        if not removed:
            continue
        less = f"ôter {names(nom, removed)} de {nom}"
        yield len(removed), valeur - removed, less
        for code in others:
            more = f"ajouter {names(nom, [code])} à {nom}"
            yield len(removed) + 1, (valeur - removed) | {code}, f"{less} ; {more}"


def _moving(souhaits: frozenset[str], wishes: frozenset[str]) -> Retouche:
    """The wished communes changed."""
    parts = chain(
        (f"ajouter {names('communes', [code])} à communes" for code in sorted(wishes - souhaits)),
        (f"ôter {names('communes', [code])} de communes" for code in sorted(souhaits - wishes)),
    )
    text = " ; ".join(parts)
    return Retouche(len(wishes ^ souhaits), text, lambda filtre, traits: (filtre, traits.move(wishes)))


def _replacing(taille: int, texte: str, nom: str, condition: AnyCondition | None) -> Retouche:
    """A condition of the filter replaced, or dropped."""

    def apply(filtre: Filtre, traits: Traits) -> tuple[Filtre, Traits]:
        kept = [each for each in filtre.conditions if each.critere != nom]
        return ordered(filtre.nom, [*kept, *([] if condition is None else [condition])]), traits

    return Retouche(taille, texte, apply)
