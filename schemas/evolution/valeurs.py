"""Two values held against each other: type, lengths, bounds, patterns, lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from schemas.evolution.constats import Nature
from schemas.evolution.modele import Valeur


@dataclass(frozen=True, slots=True)
class Ecart:
    """What changed of a value. restreint: fewer texts are admitted; elargit: more are."""

    nature: Nature
    restreint: bool
    elargit: bool
    texte: str
    avant: str = ""
    apres: str = ""


_PARENTS: Final = {
    "xs:integer": "xs:decimal",
    "xs:long": "xs:integer",
    "xs:int": "xs:long",
    "xs:short": "xs:int",
    "xs:byte": "xs:short",
    "xs:nonNegativeInteger": "xs:integer",
    "xs:positiveInteger": "xs:nonNegativeInteger",
    "xs:unsignedLong": "xs:nonNegativeInteger",
    "xs:unsignedInt": "xs:unsignedLong",
    "xs:unsignedShort": "xs:unsignedInt",
    "xs:unsignedByte": "xs:unsignedShort",
    "xs:normalizedString": "xs:string",
    "xs:token": "xs:normalizedString",
    "xs:language": "xs:token",
    "xs:NMTOKEN": "xs:token",
    "xs:Name": "xs:token",
    "xs:NCName": "xs:Name",
    "xs:ID": "xs:NCName",
    "xs:IDREF": "xs:NCName",
    "xs:string": "xs:anySimpleType",
    "xs:anySimpleType": "xs:anyType",
}
"""Each type with the one that admits all its texts and others. What is not here is taken for a text with a
form of its own: any text of it is an ``xs:string``."""

_LONGUEURS: Final = {"minLength": "au moins", "maxLength": "au plus"}
_BORNES: Final = {
    "minInclusive": "au moins",
    "maxInclusive": "au plus",
    "minExclusive": "plus de",
    "maxExclusive": "moins de",
    "totalDigits": "chiffres au plus :",
    "fractionDigits": "décimales au plus :",
}
_LISTE: Final = re.compile(r"[\w.-]*(?:\|[\w.-]*)+")
"""A pattern that is nothing but a list of values."""


def compare_valeurs(avant: Valeur, apres: Valeur) -> Iterator[Ecart]:
    """Each difference between two values."""
    if avant.base != apres.base:
        # A type that is no ancestor of the other may not admit some of its texts.
        restreint = apres.base not in _ancestors(avant.base)
        elargit = avant.base not in _ancestors(apres.base)
        yield Ecart(
            Nature.TYPE,
            restreint,
            elargit,
            "le type change",
            avant.base,
            apres.base,
        )
    for nom, words in (_LONGUEURS | _BORNES).items():
        yield from _bound(nom, words, avant.facettes.get(nom), apres.facettes.get(nom))
    before, after = _liste(avant), _liste(apres)
    yield from _lists(before, after)
    if before is None or after is None:
        yield from _patterns(() if before else avant.motifs, () if after else apres.motifs)


def _bound(nom: str, words: str, avant: str | None, apres: str | None) -> Iterator[Ecart]:
    before, after = _number(avant), _number(apres)
    if before == after and (before is not None or avant == apres):
        return
    lower = nom.startswith("min")
    if (avant is not None and before is None) or (apres is not None and after is None):
        # Dates and the like: bounds that are not numbers are only told to differ.
        restreint = elargit = True
    else:
        narrower: Callable[[Decimal, Decimal], bool] = Decimal.__gt__ if lower else Decimal.__lt__
        restreint = after is not None and (before is None or narrower(after, before))
        elargit = not restreint
    nature = Nature.LONGUEUR if nom in _LONGUEURS else Nature.BORNE
    what = "la longueur admise" if nature is Nature.LONGUEUR else "la valeur admise"
    yield Ecart(
        nature,
        restreint,
        elargit,
        f"{what} {_say(restreint, elargit)}",
        f"{words} {avant}" if avant is not None else "sans limite",
        f"{words} {apres}" if apres is not None else "sans limite",
    )


def _lists(avant: frozenset[str] | None, apres: frozenset[str] | None) -> Iterator[Ecart]:
    if avant is None or apres is None:
        if avant != apres:
            restreint = apres is not None
            nature = Nature.VALEUR_RETIREE if restreint else Nature.VALEUR_AJOUTEE
            texte = "la valeur doit être d'une liste" if restreint else "la valeur n'est plus d'une liste"
            yield Ecart(nature, restreint, not restreint, texte, _told(avant), _told(apres))
        return
    for value in sorted(avant - apres):
        yield Ecart(Nature.VALEUR_RETIREE, True, False, f"la valeur « {value} » n'est plus admise", value)
    for value in sorted(apres - avant):
        yield Ecart(Nature.VALEUR_AJOUTEE, False, True, f"la valeur « {value} » est admise", "", value)


def _patterns(avant: tuple[str, ...], apres: tuple[str, ...]) -> Iterator[Ecart]:
    gone, come = set(avant) - set(apres), set(apres) - set(avant)
    if gone or come:
        # Which of two patterns admits more is not decided: both are assumed to have texts of their own.
        restreint, elargit = bool(come), bool(gone)
        texte = f"la forme voulue {_say(restreint, elargit)}"
        yield Ecart(Nature.MOTIF, restreint, elargit, texte, " et ".join(avant), " et ".join(apres))


def _ancestors(base: str) -> set[str]:
    found = set[str]()
    current: str | None = base
    while current is not None and current not in found:
        found.add(current)
        default = None if current == "xs:anyType" else "xs:string"
        current = _PARENTS.get(current, default)
    return found


def _liste(valeur: Valeur) -> frozenset[str] | None:
    if valeur.liste is not None:
        return frozenset(valeur.liste)
    if len(valeur.motifs) == 1 and _LISTE.fullmatch(valeur.motifs[0]):
        return frozenset(valeur.motifs[0].split("|"))
    return None


def _told(liste: frozenset[str] | None) -> str:
    return "toute valeur" if liste is None else ", ".join(sorted(liste))


def _number(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        return None


def _say(restreint: bool, elargit: bool) -> str:
    if restreint and elargit:
        return "change"
    return "est restreinte" if restreint else "est élargie"
