"""The filter language: what is accepted, what is refused and how the refusal names the condition."""

from __future__ import annotations

import json
import random
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.criteria import CRITERES, TYPES_LOGEMENT
from filters.language import (
    MAX_FILTRES,
    MAX_VALEURS,
    Condition,
    Filtre,
    conditions_to_json,
    filtre,
    filtre_from_json,
    json_schema,
    read_json,
    read_toml,
    read_values,
)
from schemas.codes import code_lists
from tests.filters.samples import random_filtre

GOOD = """
[[filtre]]
nom = "Lille, petits logements"
communes = ["59350"]
types_logement = ["T1", "T2"]

[[filtre]]
nom = "Tout le Nord"
territoires = ["059"]

[[filtre]]
nom = "Tout"
"""


def test_toml_and_json_say_the_same() -> None:
    found = read_toml(GOOD)
    assert found.erreurs == ()
    assert found.filtres == (
        Filtre(
            "Lille, petits logements",
            (
                Condition("communes", frozenset({"59350"})),
                Condition("types_logement", frozenset({"T1", "T2"})),
            ),
        ),
        Filtre("Tout le Nord", (Condition("territoires", frozenset({"059"})),)),
        Filtre("Tout"),
    )
    document = {"filtre": [{"nom": f.nom, **conditions_to_json(f)} for f in found.filtres]}
    assert read_json(json.dumps(document)) == found


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        (
            "communes",
            '["5935"]',
            "filtre « F » : communes : « 5935 » : un code INSEE de commune, 5 caractères",
        ),
        ("communes", '["59999"]', "filtre « F » : communes : « 59999 » : valeur inconnue"),
        ("communes", "[59350]", "filtre « F » : communes : une liste de textes est attendue"),
        ("communes", '"59350"', "filtre « F » : communes : une liste de textes est attendue"),
        ("communes", "[]", "filtre « F » : communes : liste vide"),
        ("epci", '["20009320"]', "filtre « F » : epci : « 20009320 » : le numéro SIREN"),
        ("epci", '["999999999"]', "filtre « F » : epci : « 999999999 » : valeur inconnue"),
        ("territoires", '["59"]', "filtre « F » : territoires : « 59 » : un code de territoire"),
        ("territoires", '["099"]', "filtre « F » : territoires : « 099 » : valeur inconnue"),
        ("types_logement", '["T9"]', "filtre « F » : types_logement : « T9 » : un code de ListeTypeLogement"),
        (
            "commune",
            '["59350"]',
            "filtre « F » : commune : condition inconnue ; conditions admises : communes",
        ),
    ],
)
def test_a_bad_condition_is_refused_by_its_name(condition: str, values: str, expected: str) -> None:
    found = read_toml(f'[[filtre]]\nnom = "F"\n{condition} = {values}\n')
    assert found.filtres == ()
    assert [str(error)[: len(expected)] for error in found.erreurs] == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = [", "ce texte n'est pas du TOML"),
        ("", "aucun filtre"),
        ("autre = 1", "clé inconnue : « autre »"),
        ("filtre = 3", "aucun filtre"),
        ("filtre = [3]", "filtre « n° 1 » : un filtre est une table"),
        ('[[filtre]]\nnom = " "', "filtre « n° 1 » : nom : un nom de 1 à 100 caractères"),
        ("[[filtre]]\nnom = 3", "filtre « n° 1 » : nom : un nom de 1 à 100 caractères"),
        ('[[filtre]]\nnom = "A"\n[[filtre]]\nnom = "a"', "filtre « a » : nom : ce nom est déjà celui"),
    ],
)
def test_a_bad_text_is_refused_in_french(text: str, expected: str) -> None:
    found = read_toml(text)
    assert found.filtres == ()
    assert str(found.erreurs[0]).startswith(expected)


def test_bad_json_is_refused_with_its_place() -> None:
    assert "ligne 1, colonne 2" in str(read_json("{").erreurs[0])
    assert "trop profond" in str(read_json("[" * 100_000).erreurs[0])


def test_every_error_of_a_text_is_told_at_once() -> None:
    found = read_toml('[[filtre]]\nnom = "A"\ncommunes = []\nepci = ["1"]\n[[filtre]]\n')
    assert len(found.erreurs) == 3


def test_counts_are_limited() -> None:
    many = [{"nom": f"F{rank}"} for rank in range(MAX_FILTRES + 1)]
    assert read_values({"filtre": many}).erreurs
    assert not read_values({"filtre": many[:-1]}).erreurs
    assert read_values({"filtre": [{"nom": "F", "communes": ["59350"] * (MAX_VALEURS + 1)}]}).erreurs


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["filtre", "nom", "communes", "epci", "x"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_any_value_is_read_or_refused_never_raised(value: object) -> None:
    found = read_values(value)
    assert bool(found.filtres) != bool(found.erreurs)


def test_storage_is_a_round_trip() -> None:
    rng = random.Random(4)
    for rank in range(200):
        written = random_filtre(rng, f"F{rank}")
        assert filtre_from_json(written.nom, conditions_to_json(written)) == written


def test_the_published_json_schema_is_that_of_the_criteria() -> None:
    """`filters/filtre.schema.json` is generated from the table of criteria."""
    assert json.loads((files("filters") / "filtre.schema.json").read_text("utf-8")) == json_schema()


def test_the_empty_condition_is_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="condition vide"):
        filtre("F", communes=[])
    with pytest.raises(KeyError):
        filtre("F", couleur=["bleu"])


def test_the_types_of_the_language_are_those_of_the_code_list() -> None:
    assert tuple(code.code for code in code_lists()["ListeTypeLogement"]) == TYPES_LOGEMENT
    assert [critere.nom for critere in CRITERES] == ["communes", "epci", "territoires", "types_logement"]
