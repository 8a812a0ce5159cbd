"""The image gives the answers of the naive evaluation."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.criteria import CONNUS, CRITERES, LIEUX
from filters.genres import CritereCodes
from filters.image import Image
from filters.language import Filtre, Intervalle, ordered
from filters.lignes import DATES, SOUHAITS, Ligne, ligne_from, ligne_of, rank_of
from filters.naive import matches
from filters.source import Contexte, Source
from filters.traits import Traits, traits_of
from schemas.demande import Demande
from schemas.generation import generate_demande
from tests.filters.samples import random_filtre, random_traits
from tests.registry.fabrique import demande_of

JOUR = date(2026, 3, 16)


def _numero(rank: int) -> str:
    return f"0590326{rank:06d}G0001"


def _kept(filtre: Filtre) -> Filtre:
    """The filter without the conditions that an image leaves to the registry."""
    return ordered(filtre.nom, [c for c in filtre.conditions if c.critere not in CONNUS])


def _image(demandes: list[Traits], dossier: Path | None = None) -> Image:
    image = Image(dossier)
    image.append([ligne_from(_numero(rank), "059", traits, JOUR) for rank, traits in enumerate(demandes)])
    return image


def test_image_equals_naive_on_many_pairs() -> None:
    """[FIL-40] 1,000 filters by 1,000 demandes, all kinds of conditions, enough of each answer."""
    rng = random.Random(20260317)
    demandes = [random_traits(rng) for _ in range(1_000)]
    image = _image(demandes)
    positive = 0
    for _ in range(1_000):
        filtre = _kept(random_filtre(rng, "F"))
        expected = [rank for rank, traits in enumerate(demandes) if matches(filtre, traits)]
        assert image.select(filtre, image.all(), JOUR).tolist() == expected
        positive += len(expected)
    assert 60_000 < positive < 900_000


@settings(deadline=None)  # a busy machine is not a fault
@given(st.integers(0, 2**32), st.data())
def test_rows_changed_dropped_and_back(seed: int, data: st.DataObject) -> None:
    """[FIL-42] After any changes the image answers as one made afresh."""
    rng = random.Random(seed)
    demandes: list[Traits | None] = [random_traits(rng) for _ in range(data.draw(st.integers(1, 30)))]
    image = _image([each for each in demandes if each is not None])
    for _ in range(data.draw(st.integers(1, 4))):
        changed = data.draw(st.sets(st.integers(0, len(demandes) - 1)))
        gone = [rank for rank in changed if rng.random() < 0.5]
        kept = sorted(changed - set(gone))
        for rank in gone:
            demandes[rank] = None
        for rank in kept:
            demandes[rank] = random_traits(rng)
        image.drop(gone)
        image.replace(kept, [ligne_from(_numero(r), "059", demandes[r], JOUR) for r in kept])  # type: ignore[arg-type]
        demandes.append(random_traits(rng))
        image.append([ligne_from(_numero(len(demandes) - 1), "059", demandes[-1], JOUR)])  # type: ignore[arg-type]
    for _ in range(5):
        filtre = _kept(random_filtre(rng, "F"))
        expected = [rank for rank, said in enumerate(demandes) if said is not None and matches(filtre, said)]
        assert image.select(filtre, image.all(), JOUR).tolist() == expected


def test_a_dropped_row_says_nothing_any_more() -> None:
    """[FIL-43] Erased means erased: only the number is left."""
    rng = random.Random(5)
    image = _image([random_traits(rng)])
    empty = Image()
    empty.append([ligne_from(_numero(0), "", Traits(None, frozenset()), JOUR)])
    empty.drop([0])
    image.drop([0])
    assert {nom: each.get(0) for nom, each in image.ensembles.items()} == {
        nom: each.get(0) for nom, each in empty.ensembles.items()
    }
    for one, other in zip(image.columns(), empty.columns(), strict=True):
        assert one.valeurs[0] == other.valeurs[0]


def test_counts_are_those_of_the_demandes() -> None:
    """[FIL-41] By code of any criterion of codes, cities included."""
    rng = random.Random(7)
    demandes = [random_traits(rng) for _ in range(300)]
    image = _image(demandes)
    lignes = image.select(Filtre("tout"), image.all(), JOUR)
    for critere in CRITERES:
        kept = critere.nom not in {*CONNUS, *LIEUX} or critere.nom == "communes"
        if not isinstance(critere, CritereCodes) or not kept:
            continue
        expected: dict[str, int] = {}
        for traits in demandes:
            for code in traits.codes(critere.nom):
                expected[code] = expected.get(code, 0) + 1
        assert image.count_by(critere.nom, lignes) == expected


def _demandes() -> list[Demande]:
    return [demande_of(generate_demande(f"image-{n}", association=n % 10 == 9)) for n in range(120)]


@settings(deadline=None)
@given(st.integers(0, 20_000), st.integers(0, 9_000))
def test_days_go_by_without_reading_again(start: int, days: int) -> None:
    """[FIL-42] A row read one day answers as the demande would any later day before `a_relire`."""
    demande = demande_of(generate_demande(f"jours-{start % 50}"))
    jour = date(1980, 1, 1) + timedelta(days=start)
    later = jour + timedelta(days=days)
    ligne = ligne_of(_numero(0), "059", Source(demande, Contexte(jour=jour)), jour)
    if ligne.a_relire is not None and later >= ligne.a_relire:
        later = ligne.a_relire - timedelta(days=1)
    image = Image()
    image.append([ligne])
    traits = traits_of(demande, Contexte(jour=later))
    for nom in (*DATES, "ressources_uc"):
        said = traits[nom]
        assert not isinstance(said, frozenset)
        bounds = (0, 14, 40) if said is None else (max(said - 1, 0), max(said, 0), max(said, 0) + 1)
        for mini in bounds:
            filtre = Filtre("F", (Intervalle(nom, mini),))
            assert bool(len(image.select(filtre, image.all(), later))) == matches(filtre, traits)


def test_real_documents_on_each_criterion() -> None:
    """[FIL-40] Random filters over whole generated documents, with their events."""
    rng = random.Random(3)
    demandes = _demandes()
    contexte = Contexte("MOD", "G0001", JOUR)
    image = Image()
    image.append(
        [ligne_of(_numero(n), "059", Source(each, contexte), JOUR) for n, each in enumerate(demandes)]
    )
    traits = [traits_of(each, contexte) for each in demandes]
    taken = 0
    for _ in range(1_500):
        filtre = _kept(random_filtre(rng, "F"))
        expected = [rank for rank, said in enumerate(traits) if matches(filtre, said)]
        assert image.select(filtre, image.all(), JOUR).tolist() == expected
        taken += len(expected)
    assert taken > 1_000


def test_the_columns_are_those_of_the_language() -> None:
    """Every criterion is kept, counted from a date, of the place, or known by the registry alone."""
    image = Image()
    names = {*image.ensembles, *DATES, *LIEUX, *CONNUS} - {SOUHAITS}
    assert {critere.nom for critere in CRITERES} <= names | set(image.nombres())


@pytest.mark.parametrize("nom", DATES)
def test_ranks_count_as_the_language_does(nom: str) -> None:
    """[FIL-10] Years and months between any two days, leap days included."""
    rng = random.Random(nom)
    for _ in range(3_000):
        first = date(2000, 1, 1) + timedelta(days=rng.randrange(12_000))
        last = first + timedelta(days=rng.randrange(12_000))
        months = (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
        years = last.year - first.year - ((last.month, last.day) < (first.month, first.day))
        counted = (rank_of(nom, last) - rank_of(nom, first)) // DATES[nom]
        assert counted == (months if nom == "anciennete" else years)


def test_files_are_taken_up_again(tmp_path: Path) -> None:
    """[FIL-42] What a process wrote, another one asks and goes on with."""
    rng = random.Random(13)
    demandes = [random_traits(rng) for _ in range(40)]
    first = _image(demandes[:20], tmp_path)
    first.flush()
    second = Image(tmp_path)
    second.reopen(first.taille, first.sizes())
    second.append([ligne_from(_numero(r), "059", demandes[r], JOUR) for r in range(20, 40)])
    for _ in range(200):
        filtre = _kept(random_filtre(rng, "F"))
        expected = [rank for rank, traits in enumerate(demandes) if matches(filtre, traits)]
        assert second.select(filtre, second.all(), JOUR).tolist() == expected
    assert all(each.stat().st_mode & 0o077 == 0 for each in tmp_path.iterdir())
    assert np.array_equal(first.numeros.valeurs[:20], second.numeros.valeurs[:20])


def test_a_line_is_of_its_demande() -> None:
    """A row keeps what the criteria read."""
    demande = demande_of(generate_demande("ligne"))
    ligne = ligne_of(_numero(1), "059", Source(demande, Contexte(jour=JOUR)), JOUR)
    assert isinstance(ligne, Ligne)
    assert ligne.souhaits == frozenset(demande.communes_souhaitees)
