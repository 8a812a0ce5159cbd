"""Two versions compared, and filters written to be read again."""

from __future__ import annotations

import random

import pytest

from filters.comparaison import Sort, compare
from filters.language import Condition, Filtre, Intervalle, filtre, ordered
from filters.reading import read_json, read_toml
from filters.writing import write_json, write_toml
from tests.filters.samples import random_filtre


@pytest.mark.parametrize("graine", range(200))
def test_the_differences_applied_to_one_version_give_the_other(graine: int) -> None:
    """[FIL-50] And nothing else is told: what is kept is equal, what is changed is not."""
    rng = random.Random(graine)
    avant, apres = random_filtre(rng, "un"), random_filtre(rng, "un")
    conditions = {condition.critere: condition for condition in avant.conditions}
    for ecart in compare(avant, apres):
        assert conditions.pop(ecart.critere, None) == ecart.avant
        if ecart.apres is not None:
            conditions[ecart.critere] = ecart.apres
        assert (ecart.sort is Sort.GARDEE) == (ecart.avant == ecart.apres)
    assert ordered("un", list(conditions.values())) == apres


def test_what_changed_is_told_value_by_value() -> None:
    """[FIL-50]"""
    avant = filtre(
        "f",
        Condition("types_logement", frozenset({"T1", "T2"})),
        Intervalle("loyer_max", 300),
        Condition("motifs", frozenset({"1"})),
    )
    apres = filtre(
        "f",
        Condition("types_logement", frozenset({"T2", "T3"}), frozenset({"T5"})),
        Intervalle("loyer_max", 300),
        Intervalle("anciennete", 12),
    )
    told = {ecart.critere: (ecart.sort, ecart.texte) for ecart in compare(avant, apres)}
    assert told["types_logement"][0] is Sort.CHANGEE
    assert told["types_logement"][1].startswith("voulues en plus : T3")
    assert "voulues en moins : T1" in told["types_logement"][1]
    assert "exclues en plus : T5" in told["types_logement"][1]
    assert told["loyer_max"] == (Sort.GARDEE, "")
    assert told["motifs"][0] is Sort.OTEE
    assert told["anciennete"][0] is Sort.AJOUTEE


@pytest.mark.parametrize("graine", range(200))
def test_filters_written_are_read_again_the_same(graine: int) -> None:
    """[FIL-51] [FIL-6] Whatever their conditions."""
    rng = random.Random(graine)
    filtres = tuple(random_filtre(rng, f"filtre {n}") for n in range(3))
    for read, write in ((read_toml, write_toml), (read_json, write_json)):
        lecture = read(write(filtres))
        assert (lecture.erreurs, lecture.filtres) == ((), filtres)


@pytest.mark.parametrize(
    "nom", ['guillemet " et \\ barre', "<b>é</b> « œ » 🏠", "clé = 'valeur' # [[filtre]]"]
)
def test_a_name_is_written_whole(nom: str) -> None:
    """[FIL-51]"""
    filtres = (Filtre(nom),)
    assert read_toml(write_toml(filtres)).filtres == filtres
    assert read_json(write_json(filtres)).filtres == filtres
