"""How much two persons look alike, with the reasons: score of 0 to 100 (clauses DBL). Pure.

Two identity keys (registry.identites) are compared by birth date and by their two names, whose order does not
matter. The same key is 100: that alone refuses a creation. What is below is a signal for people to judge: a
slip of the pen, a day and a month exchanged, a compound name cut short.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

IDENTIQUE: Final = 100
SEUIL: Final = 75
"""Below, not worth showing: twins, who share a name and a birth date, are at 55."""

# Birth date.
_MEME_DATE: Final = 40
_INVERSEE: Final = 30
_VOISINE: Final = 20
# Names.
_MEMES_NOMS: Final = 60
_PROCHE: Final = 45
_PROCHES: Final = 35
_UN_SEUL: Final = 15

_COURT: Final = 4
"""Below that length, one letter makes another name (Léa, Léo), and a beginning proves nothing."""
_LONG: Final = 8
"""From that length, two slips are still a slip."""

_ECART_MAX: Final = 2
"""Letters that two slips in a name can add."""

_TEXTES: Final = {
    "meme-date": "même date de naissance",
    "date-inversee": "jour et mois de naissance inversés",
    "date-voisine": "dates de naissance voisines",
    "memes-noms": "mêmes nom et prénom",
    "faute": "un nom à une faute près",
    "fautes": "nom et prénom à une faute près",
    "compose": "un nom contient l'autre",
    "un-nom": "un seul nom commun",
    "role": "demandeur de l'une, conjoint de l'autre",
}


@dataclass(frozen=True, slots=True)
class Ressemblance:
    """score: 0 to 100. raisons: stable codes, see `describe`."""

    score: int
    raisons: tuple[str, ...]


_ETRANGERS: Final = Ressemblance(0, ())


def describe(raisons: tuple[str, ...]) -> str:
    """The reasons in French."""
    return " ; ".join(_TEXTES[raison] for raison in raisons)


def compare(une: str, autre: str) -> Ressemblance:
    """Compare two identity keys ([DBL-3])."""
    if une == autre:
        return Ressemblance(IDENTIQUE, ("memes-noms", "meme-date"))
    a, b, naissance = une.split("|")
    c, d, autre_naissance = autre.split("|")
    if not may_match(a, b, c, d):
        return _ETRANGERS
    noms, raison_noms = _compare_names((a, b), (c, d))
    if not noms:
        return _ETRANGERS
    # A date that is only near says nothing when the names differ at all.
    points, raison = _compare_dates(naissance, autre_naissance, voisines=noms == _MEMES_NOMS)
    return Ressemblance(points + noms, (raison_noms, raison) if raison else (raison_noms,))


def may_match(a: str, b: str, c: str, d: str) -> bool:
    """Could the names (a, b) and (c, d) have anything in common?

    False for nearly all pairs, at a tenth of the cost of comparing: a search compares hundreds of them.
    """
    if a in (c, d) or b in (c, d):
        return True
    # Without a name in common, only a slip in both names makes people alike: see `_is_close`.
    la, lb, lc, ld = len(a), len(b), len(c), len(d)
    if la < _COURT or lb < _COURT or lc < _COURT or ld < _COURT:
        return False
    if not (
        (-_ECART_MAX <= la - lc <= _ECART_MAX and -_ECART_MAX <= lb - ld <= _ECART_MAX)
        or (-_ECART_MAX <= la - ld <= _ECART_MAX and -_ECART_MAX <= lb - lc <= _ECART_MAX)
    ):
        return False
    return a[0] in (c[0], d[0]) or b[0] in (c[0], d[0])


def swap_day_month(naissance: str) -> str | None:
    """The date with its day and month exchanged, or None when that makes no other date.

    >>> swap_day_month("1980-03-11"), swap_day_month("1980-03-13")
    ('1980-11-03', None)
    """
    annee, mois, jour = naissance[:4], naissance[5:7], naissance[8:]
    return f"{annee}-{jour}-{mois}" if mois != jour and jour <= "12" else None


def near_dates(naissance: str) -> Iterator[str]:
    """The dates that a slip makes of this one: a year, ten years, a month or a day off, two digits of the
    year exchanged."""
    try:
        jour = date.fromisoformat(naissance)
    except ValueError:
        return
    annee = jour.year
    dizaine, unite = annee // 10 % 10, annee % 10
    transposee = annee - dizaine * 10 - unite + unite * 10 + dizaine
    essais = [(autre, jour.month, jour.day) for autre in (annee - 1, annee + 1, annee - 10, annee + 10)]
    essais += [(transposee, jour.month, jour.day)]
    essais += [(annee, autre, jour.day) for autre in (jour.month - 1, jour.month + 1)]
    essais += [(annee, jour.month, autre) for autre in (jour.day - 1, jour.day + 1)]
    for essai in essais:
        try:
            voisine = date(*essai).isoformat()
        except ValueError:
            continue
        if voisine != naissance:
            yield voisine


def _compare_dates(une: str, autre: str, *, voisines: bool) -> tuple[int, str]:
    if une == autre:
        return _MEME_DATE, "meme-date"
    if swap_day_month(une) == autre:
        return _INVERSEE, "date-inversee"
    if voisines and autre in near_dates(une):
        return _VOISINE, "date-voisine"
    return 0, ""


def _compare_names(une: tuple[str, str], autre: tuple[str, str]) -> tuple[int, str]:
    """Both names in the order that suits them best; each pair is sorted, so equal pairs are equal tuples."""
    if une == autre:
        return _MEMES_NOMS, "memes-noms"
    best = (0, "")
    for (a, b), (c, d) in ((une, autre), (une, autre[::-1])):
        if a == c or b == d:
            reste = (b, d) if a == c else (a, c)
            if _is_close(*reste):
                best = max(best, (_PROCHE, "faute"))
            elif _is_part(*reste):
                best = max(best, (_PROCHE, "compose"))
            else:
                best = max(best, (_UN_SEUL, "un-nom"))
        elif _is_close(a, c) and _is_close(b, d):
            best = max(best, (_PROCHES, "fautes"))
    return best


def _is_part(une: str, autre: str) -> bool:
    court, long = sorted((une, autre), key=len)
    return len(court) >= _COURT and (long.startswith(court) or long.endswith(court))


def _is_close(une: str, autre: str) -> bool:
    """One slip apart, or two when both are long."""
    court = min(len(une), len(autre))
    limite = 2 if court >= _LONG else 1
    if court < _COURT or abs(len(une) - len(autre)) > limite:
        return False
    # Each slip changes two letters of the set at most: spares nearly all the work.
    if len(set(une) ^ set(autre)) > 2 * limite:
        return False
    return _distance(une, autre) <= limite


def _distance(une: str, autre: str) -> int:
    """Slips between two words: letter added, lost, changed, or two neighbours exchanged (restricted
    Damerau-Levenshtein)."""
    avant: list[int] = []
    rang = list(range(len(autre) + 1))
    for i, lettre in enumerate(une, start=1):
        plus_ancien, avant = avant, rang
        rang = [i]
        for j, cible in enumerate(autre, start=1):
            cout = min(avant[j] + 1, rang[j - 1] + 1, avant[j - 1] + (lettre != cible))
            if i > 1 and j > 1 and lettre == autre[j - 2] and une[i - 2] == cible:
                cout = min(cout, plus_ancien[j - 2] + 1)
            rang.append(cout)
    return rang[-1]
