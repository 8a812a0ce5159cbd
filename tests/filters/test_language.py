"""The filter language: what is accepted, what is refused and how the refusal names the condition."""

from __future__ import annotations

import json
import random
from importlib.resources import files
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import reading
from filters.criteria import CRITERE, CRITERES
from filters.genres import CritereCodes
from filters.language import (
    MAX_FILTRES,
    MAX_VALEURS,
    Condition,
    Filtre,
    Intervalle,
    conditions_to_json,
    filtre,
    filtre_from_json,
)
from filters.reading import read_json, read_toml, read_values
from filters.schema import json_schema
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
    """[FIL-1] [FIL-6]"""
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
        (
            "communes",
            '"59350"',
            "filtre « F » : communes : une table est attendue (au_moins_un, aucun",
        ),
        ("communes", "{}", "filtre « F » : communes : il manque l'une de ces clés : au_moins_un, aucun"),
        ("communes", "{ aucune = [] }", "filtre « F » : communes : « aucune » : clé inconnue ; clés admises"),
        (
            "motifs",
            "{ aucun = ['24'] }",
            "filtre « F » : motifs : aucun : « 24 » : un code de Liste",
        ),
        (
            "motifs",
            "{ au_moins_un = ['01'], aucun = ['01'] }",
            "filtre « F » : motifs : « 01 » : à la fois dans au_moins_un et dans aucun",
        ),
        (
            "nationalite",
            "{ aucun = ['1', '2', '3'] }",
            "filtre « F » : nationalite : aucun : tous les codes sont exclus",
        ),
        ("motifs", "{ aucun = ['01'], absent = 'oui' }", "filtre « F » : motifs : absent : « accepte » ou"),
        (
            "handicap",
            "'oui'",
            "filtre « F » : handicap : une table est attendue (vaut, absent), ou",
        ),
        ("handicap", "{ vaut = 1 }", "filtre « F » : handicap : vaut : true ou false est attendu"),
        ("loyer_max", "500", "filtre « F » : loyer_max : une table est attendue (min, max, hors, absent)"),
        ("loyer_max", "{ hors = true }", "filtre « F » : loyer_max : il manque l'une de ces clés : min, max"),
        (
            "loyer_max",
            "{ min = 500.5 }",
            "filtre « F » : loyer_max : min : un nombre entier (euros)",
        ),
        (
            "loyer_max",
            "{ min = true }",
            "filtre « F » : loyer_max : min : un nombre entier (euros)",
        ),
        ("loyer_max", "{ max = -1 }", "filtre « F » : loyer_max : max : -1 : de 0 à 100000 euros"),
        (
            "loyer_max",
            "{ min = 5, max = 4 }",
            "filtre « F » : loyer_max : min (5) est plus grand que max",
        ),
        ("loyer_max", "{ min = 5, hors = 1 }", "filtre « F » : loyer_max : hors : true ou false est attendu"),
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
    """[FIL-7]"""
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


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("motifs = ['01']", Condition("motifs", frozenset({"01"}))),
        ("motifs = { au_moins_un = ['01'] }", Condition("motifs", frozenset({"01"}))),
        (
            "motifs = { aucun = ['01'], absent = 'accepte' }",
            Condition("motifs", exclues=frozenset({"01"}), absent=True),
        ),
        ("motifs = { aucun = ['01'], absent = 'refuse' }", Condition("motifs", exclues=frozenset({"01"}))),
        ("handicap = true", Condition("handicap", frozenset({"OUI"}))),
        ("handicap = { vaut = false }", Condition("handicap", frozenset({"NON"}))),
        ("loyer_max = { min = 300 }", Intervalle("loyer_max", 300)),
        (
            "loyer_max = { min = 300, max = 600, hors = true, absent = 'accepte' }",
            Intervalle("loyer_max", 300, 600, hors=True, absent=True),
        ),
    ],
)
def test_every_form_of_a_condition(written: str, expected: Condition | Intervalle) -> None:
    """[FIL-3] [FIL-4] [FIL-5]"""
    found = read_toml(f'[[filtre]]\nnom = "F"\n{written}\n')
    assert found.erreurs == ()
    assert found.filtres == (Filtre("F", (expected,)),)


def test_what_was_stored_before_keeps_its_meaning() -> None:
    """[FIL-6] Lists of codes, as all filters were stored at first, are read and written the same."""
    stored = {"communes": ["59350"], "epci": ["200093201"], "types_logement": ["T1", "T2"]}
    found = filtre_from_json("F", stored)
    assert found == filtre("F", communes=["59350"], epci=["200093201"], types_logement=["T2", "T1"])
    assert conditions_to_json(found) == stored


def test_storage_is_a_round_trip() -> None:
    rng = random.Random(4)
    for rank in range(200):
        written = random_filtre(rng, f"F{rank}")
        stored = json.loads(json.dumps(conditions_to_json(written)))
        assert filtre_from_json(written.nom, stored) == written
        assert read_values({"filtre": [{"nom": written.nom, **stored}]}).filtres == (written,)


def test_the_published_json_schema_is_that_of_the_criteria() -> None:
    """`filters/filtre.schema.json` is generated from the table of criteria."""
    assert json.loads((files("filters") / "filtre.schema.json").read_text("utf-8")) == json_schema()


def test_the_empty_condition_is_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="condition vide"):
        filtre("F", communes=[])
    with pytest.raises(KeyError):
        filtre("F", couleur=["bleu"])
    with pytest.raises(ValueError, match="deux conditions"):
        filtre("F", Condition("motifs", frozenset({"01"})), motifs=["02"])


def test_the_criteria_come_from_the_tables_of_the_interface() -> None:
    """[FIL-2]"""
    types = CRITERE["types_logement"]
    assert isinstance(types, CritereCodes)
    assert types.codes == tuple(code.code for code in code_lists()["ListeTypeLogement"])
    assert len(CRITERE) == len(CRITERES)


def test_the_example_of_the_module_is_read() -> None:
    text = dedent((reading.__doc__ or "").split("TOML::")[1].split("JSON holds")[0])
    assert read_toml(text).erreurs == ()
    assert len(read_toml(text).filtres[0].conditions) == 5
