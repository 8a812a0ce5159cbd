"""The scored search of doublons: the active demandes of a territory about persons who look alike (DBL).

Two ways in, both on an index: all who were born on the same day, or on the day whose day and month are
exchanged (some fifty persons in the largest territory: the scores sort them); and the same names with a
birth date that a slip makes, by exact keys. A name misspelt *and* a date off by one is not looked for: it
would find everybody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from registry.doublons import LISTE_MAX, Doublons, read_for
from registry.guichets import Guichet
from registry.ressemblance import IDENTIQUE, SEUIL, compare, may_match, near_dates, swap_day_month


@dataclass(frozen=True, slots=True)
class Recherchee:
    """One key of one person looked for. role: of registry.identites.Role."""

    cle: str
    role: str


@dataclass(frozen=True, slots=True)
class Rapprochement:
    """A demande that looks like the one looked for. score: 100 for the same identity. raisons: codes."""

    numero: str
    score: int
    raisons: tuple[str, ...]


CANDIDATS_MAX: Final = 4000
"""Rows read for one search: 1 January is the birthday of all whose birthday is unknown, and one search must
not read a whole territory. The same names are found apart, by their key."""

# Of those born on the day, only who shares an initial can be alike (`may_match`): the others, half of them or
# more, cost the server a comparison instead of a row sent and read here.
_SEARCH: Final = text("""
    (SELECT numero, cle, role FROM identite
        WHERE active AND territoire = ANY(CAST(:territoires AS text[])) AND cle = ANY(CAST(:cles AS text[]))
        LIMIT :limite)
    UNION
    (SELECT numero, cle, role FROM (
            SELECT numero, cle, role FROM identite
            WHERE active AND territoire = ANY(CAST(:territoires AS text[]))
            AND right(cle, 10) = ANY(CAST(:naissances AS text[]))
            LIMIT :limite
        ) AS nes_ce_jour
        WHERE left(cle, 1) = ANY(CAST(:initiales AS text[]))
            OR left(split_part(cle, '|', 2), 1) = ANY(CAST(:initiales AS text[])))
""")
_ECARTES: Final = text("""
    SELECT CASE WHEN premiere = :numero THEN seconde ELSE premiere END
    FROM doublon_ecarte WHERE premiere = :numero OR seconde = :numero
""")


def search(
    conn: Connection,
    territoires: Collection[str],
    cherchees: Collection[Recherchee],
    *,
    sauf: str | None = None,
    seuil: int = SEUIL,
) -> list[Rapprochement]:
    """The demandes at or above `seuil`, the most alike first ([DBL-2]).

    sauf: number of the demande itself; what the gestionnaire set aside for it is left out as well.
    """
    if not cherchees or not territoires:
        return []
    naissances = {cherchee.cle[-10:] for cherchee in cherchees}
    naissances |= {autre for each in naissances if (autre := swap_day_month(each)) is not None}
    lignes = conn.execute(
        _SEARCH,
        {
            "territoires": sorted(territoires),
            "cles": sorted({variante for cherchee in cherchees for variante in _variants(cherchee.cle)}),
            "naissances": sorted(naissances),
            "initiales": sorted(initials(cherchee.cle for cherchee in cherchees)),
            "limite": CANDIDATS_MAX,
        },
    )
    ecartes: set[str | None] = {sauf}
    if sauf is not None:
        ecartes.update(conn.scalars(_ECARTES, {"numero": sauf}))
    trouves = score(cherchees, ((numero, cle, role) for numero, cle, role in lignes if numero not in ecartes))
    return [trouve for trouve in trouves if trouve.score >= seuil]


def show(conn: Connection, guichet: Guichet, trouves: Sequence[Rapprochement]) -> Doublons:
    """What a guichet may see of them, the most alike first [DBL-5].

    Only those of the same identity are counted when it may not read them: that a stranger looks like somebody
    is nobody's business.
    """
    certains = [trouve.numero for trouve in trouves if trouve.score == IDENTIQUE]
    faibles = [trouve.numero for trouve in trouves if trouve.score < IDENTIQUE]
    memes, proches = read_for(conn, [(guichet, certains), (guichet, faibles)])
    return Doublons((*memes.lisibles, *proches.lisibles)[:LISTE_MAX], memes.caches)


def score(
    cherchees: Collection[Recherchee], candidats: Iterable[tuple[str, str, str]]
) -> list[Rapprochement]:
    """For each number among the candidates (number, key, role), its best score above 0; the best first.

    Pure.
    """
    meilleurs: dict[str, Rapprochement] = {}
    noms = [(cherchee, cherchee.cle.split("|")) for cherchee in cherchees]
    for numero, cle, role in candidats:
        c, d, _ = cle.split("|")
        for cherchee, (a, b, _) in noms:
            if not may_match(a, b, c, d):
                continue
            ressemblance = compare(cherchee.cle, cle)
            connu = meilleurs.get(numero)
            if connu is None or ressemblance.score > connu.score:
                roles = ("role",) if role != cherchee.role else ()
                meilleurs[numero] = Rapprochement(numero, ressemblance.score, (*ressemblance.raisons, *roles))
    return sorted(meilleurs.values(), key=lambda trouve: (-trouve.score, trouve.numero))


def initials(cles: Iterable[str]) -> frozenset[str]:
    """The first letters of the two names of each key."""
    return frozenset(nom[:1] for cle in cles for nom in cle.split("|")[:2])


def _variants(cle: str) -> Iterable[str]:
    noms, naissance = cle[:-10], cle[-10:]
    yield cle
    for voisine in near_dates(naissance):
        yield noms + voisine
