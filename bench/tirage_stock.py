"""Rows of an image by the million, drawn from a few thousand generated demandes: their copies.

A copy is somewhere else (another territory, by population, its communes by population too), with other
numbers and dates around those of its model; what it wants and says otherwise is that of the model, so that
what goes together still does.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import accumulate

from bench.tirage_filtres import populations
from filters.genres import Valeur
from filters.lignes import Ligne, ligne_of
from filters.source import Contexte, Source
from registry.numero_unique import NumeroUnique
from schemas import cog, territoires
from schemas.demande import read_demande
from schemas.documents import DEMANDES, Document, read_document
from schemas.generation import generate_demandes

_VARIES = frozenset({
    "loyer_max", "revenu_fiscal", "ressources_mensuelles", "ressources_uc", "loyer_actuel",
    "surface_actuelle",
})  # fmt: skip


def draw_modeles(count: int, jour: date) -> list[Ligne]:
    """Rows of generated demandes, all of Île-de-France."""
    found = []
    for data in generate_demandes("essais", count):
        document = read_document(data, DEMANDES)
        assert isinstance(document, Document)
        source = Source(read_demande(document.root), Contexte("CRE", "G1104", jour))
        found.append(ligne_of("", "", source, jour))
    return found


def draw_lignes(modeles: Sequence[Ligne], count: int, graine: str, jour: date) -> Iterator[Ligne]:
    """So many copies, in the order of their numbers."""
    rng = random.Random(graine)
    names = sorted(populations())
    total = sum(populations().values())
    shares = [round(each * count / total) for each in accumulate(populations()[name] for name in names)]
    first = 0
    for territoire, last in zip(names, [*shares[:-1], count], strict=True):
        for rank in range(first, last):
            yield _copy(rng, rng.choice(modeles), territoire, rank - first, jour)
        first = last


def _copy(rng: random.Random, modele: Ligne, territoire: str, rank: int, jour: date) -> Ligne:
    codes, weights = _communes(territoire)
    souhaits = frozenset(rng.choices(codes, cum_weights=weights, k=max(1, len(modele.souhaits))))
    valeurs: dict[str, Valeur] = dict(modele.valeurs)
    for nom in _VARIES:
        said = valeurs[nom]
        if isinstance(said, int):
            valeurs[nom] = round(said * rng.uniform(0.7, 1.3))
    years = rng.randint(-4, 4) * 10_000
    dates = {
        nom: said + years if said and nom != "anciennete" else said for nom, said in modele.dates.items()
    }
    if dates["anciennete"]:
        dates["anciennete"] -= rng.randint(0, 90) * 100
    numero = NumeroUnique(territoire, 1 + rank // 999_999, jour.year % 100, 1 + rank % 999_999, "G1104")
    return replace(
        modele, numero=str(numero), territoire=territoire, souhaits=souhaits, valeurs=valeurs, dates=dates,
        a_relire=None,
    )  # fmt: skip


@cache
def _communes(territoire: str) -> tuple[list[str], list[int]]:
    codes = sorted(territoires.communes_of_territoire(territoire))
    populated = [found for code in codes if (found := cog.commune(code)) is not None]
    return [each.code for each in populated], list(accumulate(max(each.population, 1) for each in populated))
