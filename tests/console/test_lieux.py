"""Places found as people type them, and forms that say what the language says."""

from __future__ import annotations

import random

import pytest
from multidict import MultiDict

from console.conditions import EXCLUES, VOULUES, condition_on, is_lieu, move_lieux, named, put, read_condition
from console.lieux import (
    communes_of_groupe,
    departements_of,
    epci_of_departement,
    search_communes,
    search_epci,
)
from filters.criteria import CRITERE, CRITERES
from filters.genres import CritereNombre
from filters.language import AnyCondition, Condition, Filtre, Intervalle, condition_from_json, filtre
from schemas import cog
from tests.filters.samples import random_condition


@pytest.mark.parametrize(
    ("texte", "nom"),
    [
        ("roub", "Roubaix"),
        ("ROUBAIX", "Roubaix"),
        ("saint-étienne", "Saint-Étienne"),
        ("SAINT ETIENNE", "Saint-Étienne"),
        ("st etienne", "Saint-Étienne"),
        ("ste-marie-a", "Sainte-Marie-aux-Mines"),
        ("l'hay", "L'Haÿ-les-Roses"),
        ("lhay", "L'Haÿ-les-Roses"),
        ("ascq", "Villeneuve-d'Ascq"),
        ("59512", "Roubaix"),
        ("59100", "Roubaix"),
        ("2a004", "Ajaccio"),
    ],
)
def test_a_commune_is_found_as_it_is_typed(texte: str, nom: str) -> None:
    """[CSL-50] Accents, case, hyphens, apostrophes, « st »; a word of the name; INSEE and postal codes."""
    assert nom in {lieu.nom for lieu in search_communes(texte, ("059",))}


def test_every_commune_is_found_by_its_name_and_its_code() -> None:
    """[CSL-50]"""
    rng = random.Random(3)
    for commune in rng.sample(cog.communes(), 300):
        by_name = search_communes(commune.nom, (), limite=1_000)
        assert commune.code in {lieu.code for lieu in by_name}, commune.nom
        assert commune.code in {lieu.code for lieu in search_communes(commune.code.lower(), ())}


def test_those_of_the_guichet_come_first() -> None:
    """[CSL-50] Then the most inhabited."""
    found = [lieu.code for lieu in search_communes("saint", ("059",), limite=400)]
    here = cog.communes_of_departement("59")
    sides = [code in here for code in found]
    assert sides == sorted(sides, reverse=True)
    assert 10 < sum(sides) < len(sides)
    assert search_communes("lille", ("059",))[0].code == "59350"
    assert search_communes("lil", ())[0].code == "59350"
    assert search_communes("", ()) == search_communes("  -", ()) == ()
    assert departements_of(("059",))[0].code == "59"


def test_epci_and_the_lists_to_tick() -> None:
    """[CSL-50]"""
    assert "200093201" in {lieu.code for lieu in search_epci("metropole europeenne", ("059",))}
    assert "200093201" in {lieu.code for lieu in search_epci("2000932", ())}
    assert "200093201" in {lieu.code for lieu in epci_of_departement("59")}
    assert {lieu.code for lieu in communes_of_groupe("59")} == cog.communes_of_departement("59")
    assert {lieu.code for lieu in communes_of_groupe("200093201")} == cog.communes_of_epci("200093201")
    assert communes_of_groupe("000000000") == communes_of_groupe("zz") == ()


def fields(condition: AnyCondition) -> MultiDict[str]:
    """What the form of a condition sends, filled by hand."""
    champs: MultiDict[str] = MultiDict()
    if condition.absent:
        champs.add("absent", "oui")
    if isinstance(condition, Intervalle):
        for name, bound in (("min", condition.mini), ("max", condition.maxi)):
            champs.add(name, "" if bound is None else f" {bound:,} ".replace(",", " "))
        if condition.hors:
            champs.add("hors", "oui")
        return champs
    if CRITERE[condition.critere].nom == "auteurs":
        champs.add(VOULUES, ", ".join(condition.valeurs).lower())
        champs.add(EXCLUES, " ".join(condition.exclues))
        return champs
    critere = CRITERE[condition.critere]
    if not isinstance(critere, CritereNombre) and critere.oui_non:
        champs.add("vaut", next(iter(condition.valeurs)))
        return champs
    for sens, codes in ((VOULUES, condition.valeurs), (EXCLUES, condition.exclues)):
        for code in codes:
            champs.add(sens, code)
    return champs


@pytest.mark.parametrize("critere", CRITERES, ids=lambda critere: critere.nom)
def test_a_form_says_whatever_the_language_says(critere: CritereNombre) -> None:
    """[CSL-51] Any condition on any criterion, of which the rest of the filter is left alone."""
    rng = random.Random(critere.nom)
    before = filtre("f", Condition("dalo", frozenset({"ACTIF"})), Condition("portail", frozenset({"OUI"})))
    for _ in range(40):
        condition = random_condition(rng, critere)
        saisie = put(before, critere.nom, read_condition(critere, fields(condition)))
        if saisie.erreurs:
            assert isinstance(condition, Condition)
            assert condition.exclues >= frozenset(critere.codes), saisie.erreurs  # type: ignore[attr-defined]
            continue
        assert condition_on(saisie.filtre, critere.nom) == condition
        rest = {each for each in before.conditions if each.critere != critere.nom}
        assert set(saisie.filtre.conditions) - {condition} == rest
        assert put(saisie.filtre, critere.nom, None).filtre == put(before, critere.nom, None).filtre


@pytest.mark.parametrize(
    ("critere", "champs", "message"),
    [
        ("loyer_max", {"min": "quatre cents"}, "nombre entier"),
        ("loyer_max", {"min": "500", "max": "400"}, "plus grand que max"),
        ("loyer_max", {"min": "-3"}, "de 0 à"),
        ("types_logement", {"valeurs": "T99"}, "T99"),
        ("auteurs", {"valeurs": "trop long"}, "code de guichet"),
    ],
)
def test_what_is_wrong_is_said_as_for_a_file(critere: str, champs: dict[str, str], message: str) -> None:
    """[CSL-51] [FIL-7] And the filter is left as it was."""
    before = Filtre("f")
    saisie = put(before, critere, read_condition(CRITERE[critere], MultiDict(champs)))
    (erreur,) = saisie.erreurs
    assert (erreur.condition, message in erreur.message, saisie.filtre) == (critere, True, before)
    assert named("", None).erreurs


@pytest.mark.parametrize("graine", range(50))
def test_gestures_on_places(graine: int) -> None:
    """[CSL-51] Added, taken away, ticked in a list: a code is on one side at most, and the others stay."""
    rng = random.Random(graine)
    codes = sorted(cog.communes_of_departement("59"))[:30]
    assert is_lieu(CRITERE["communes"])
    condition: AnyCondition | None = None
    sides: dict[str, set[str]] = {VOULUES: set(), EXCLUES: set()}
    for _ in range(12):
        geste, sens = rng.choice(["ajouter", "oter", "liste"]), rng.choice([VOULUES, EXCLUES])
        offered = rng.sample(codes, 8)
        ticked = rng.sample(offered, rng.randint(0, 8))
        valeur = move_lieux(condition, geste, sens, ticked, offered, absent=False)
        other = EXCLUES if sens == VOULUES else VOULUES
        if geste == "oter":
            sides[sens] -= set(ticked)
        else:
            sides[sens] -= set(offered) if geste == "liste" else set()
            sides[sens] |= set(ticked)
            sides[other] -= set(ticked)
        condition = None if valeur is None else condition_from_json("communes", valeur)
        expected = Condition("communes", frozenset(sides[VOULUES]), frozenset(sides[EXCLUES]))
        assert condition == (expected if any(sides.values()) else None)
