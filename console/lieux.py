"""Communes and EPCI found as people type them: accents, case, hyphens and « st » do not count. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import Final

from registry.identites import normalise
from schemas import cog, territoires

LIMITE: Final = 20
_MOT_MIN: Final = 4
"""Letters of a word, after the first, by which a name is found."""
_ABREGES: Final = {"st": "saint", "ste": "sainte"}


@dataclass(frozen=True, slots=True)
class Lieu:
    """A commune, an EPCI, a département or a territory. detail: what tells two of the same name apart."""

    code: str
    nom: str
    detail: str = ""


def search_communes(texte: str, chez: Collection[str], limite: int = LIMITE) -> tuple[Lieu, ...]:
    """Communes whose name, one of whose words, whose INSEE or postal code begins so.

    chez: territories whose communes come first; then the whole name before a word of it, the most inhabited.
    """
    wanted = _key(texte)
    if not wanted:
        return ()
    index = _index_communes()
    found: dict[str, bool] = {}
    for place in range(bisect_left(index, (wanted, "", False)), len(index)):
        key, code, whole = index[place]
        if not key.startswith(wanted):
            break
        found[code] = found.get(code, False) or whole
    here = _communes_of(chez)

    def rank(code: str) -> tuple[bool, bool, int, str]:
        known = cog.commune(code)
        return code not in here, not found[code], -known.population if known else 0, code

    return tuple(commune_of(code) for code in sorted(found, key=rank)[:limite])


def search_epci(texte: str, chez: Collection[str], limite: int = LIMITE) -> tuple[Lieu, ...]:
    """EPCI any word of whose name begins so, or of that SIREN; those of the territories `chez` first."""
    wanted = _key(texte)
    if not wanted:
        return ()
    here = {cog.epci_of(code) for code in _communes_of(chez)}
    found = [
        lieu
        for lieu, keys in _index_epci()
        if lieu.code.startswith(wanted) or any(key.startswith(wanted) for key in keys)
    ]
    return tuple(sorted(found, key=lambda lieu: (lieu.code not in here, lieu.nom))[:limite])


def commune_of(code: str) -> Lieu:
    """With its département; by its code alone when the geographic code does not know it."""
    found = cog.commune(code)
    return Lieu(code, code) if found is None else Lieu(code, found.nom, found.departement)


def epci_of(code: str) -> Lieu:
    found = cog.epci(code)
    return Lieu(code, code) if found is None else Lieu(code, found.nom, found.type)


def departement_of(code: str) -> Lieu:
    return Lieu(code, cog.departements().get(code, code))


def territoire_of(code: str) -> Lieu:
    return Lieu(code, territoires.name(code) or code)


def departements_of(chez: Collection[str]) -> tuple[Lieu, ...]:
    """All départements, those of these territories first."""
    here = {code for code in cog.departements() if territoires.territoire_of_departement(code) in chez}
    ordered = sorted(cog.departements().items(), key=lambda item: (item[0] not in here, item[0]))
    return tuple(Lieu(code, nom) for code, nom in ordered)


def all_territoires() -> tuple[Lieu, ...]:
    return tuple(map(territoire_of, territoires.territoires()))


def epci_of_departement(departement: str) -> tuple[Lieu, ...]:
    """The EPCI of the communes of a département, by name."""
    codes = {cog.epci_of(code) for code in cog.communes_of_departement(departement)}
    return tuple(sorted((epci_of(code) for code in codes if code), key=lambda lieu: lieu.nom))


def communes_of_groupe(groupe: str) -> tuple[Lieu, ...]:
    """The communes of a département (its code) or an EPCI (its SIREN), by name; none when unknown."""
    codes = cog.communes_of_epci(groupe) if len(groupe) == 9 else cog.communes_of_departement(groupe)
    return tuple(sorted((commune_of(code) for code in codes), key=lambda lieu: normalise(lieu.nom)))


@dataclass(frozen=True, slots=True)
class Sorte:
    """How the places of one criterion are found. nomme: from a code.

    cherche: from what is typed, None when they are few. liste: those of a département or an EPCI, None when
    all are shown. tous: all of them, none when there are too many.
    """

    nomme: Callable[[str], Lieu]
    cherche: Callable[[str, Collection[str]], tuple[Lieu, ...]] | None = None
    liste: Callable[[str], tuple[Lieu, ...]] | None = None
    tous: Callable[[], tuple[Lieu, ...]] = tuple


COMMUNES: Final = Sorte(commune_of, search_communes, communes_of_groupe)
EPCI: Final = Sorte(epci_of, search_epci, epci_of_departement)
DEPARTEMENTS: Final = Sorte(departement_of, tous=lambda: departements_of(()))
TERRITOIRES: Final = Sorte(territoire_of, tous=all_territoires)


def _key(texte: str) -> str:
    words = texte.replace("'", " ").replace("-", " ").split()
    return normalise("".join(_ABREGES.get(word.lower(), word) for word in words))


@cache
def _index_communes() -> list[tuple[str, str, bool]]:
    """Key, code, and whether the key is that of the whole name or a code; in order."""
    index = []
    for item in cog.communes():
        words = item.nom.replace("'", " ").replace("-", " ").split()
        index += [(key, item.code, True) for key in (_key(item.nom), item.code.lower(), *item.codes_postaux)]
        index += [
            (normalise("".join(words[rank:])), item.code, False)
            for rank, word in enumerate(words)
            if rank and len(word) >= _MOT_MIN
        ]
    return sorted(index)


@cache
def _index_epci() -> list[tuple[Lieu, tuple[str, ...]]]:
    codes = {code for item in cog.communes() for code in (item.epci, item.epci_fiscal) if code}
    index = []
    for code in codes:
        lieu = epci_of(code)
        words = lieu.nom.replace("'", " ").replace("-", " ").split()
        index.append((lieu, tuple(normalise("".join(words[rank:])) for rank in range(len(words)))))
    return index


def _communes_of(chez: Collection[str]) -> frozenset[str]:
    return frozenset().union(*(territoires.communes_of_territoire(code) for code in chez))
