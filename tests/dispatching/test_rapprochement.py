"""The reconciliation: what a guichet lacks, has in excess, or has with other bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from dispatching import rapprochement
from dispatching.deliveries import Etat
from dispatching.rapprochement import (
    EMPREINTES_MAX,
    TRANCHES_MAX,
    Manquante,
    Plage,
    Rapprochement,
    Tenue,
    check,
    gaps,
    outside,
    reconcile,
    union,
)
from dispatching.retraits import Vue, list_readable
from filters.language import Filtre
from registry.clock import FixedClock
from registry.guichets import Guichet
from tests.dispatching.scene import Scene
from tests.dispatching.test_retraits import ECHANGE

NOMBRE = 12
ETATS = {3: Etat.ACQUITTEE, 4: Etat.ACQUITTEE, 6: Etat.ECHEC, 8: Etat.RETIREE, 11: Etat.ACQUITTEE}
"""States of the distributions of the guichet; the others wait. The file of the 11th was erased."""
EFFACEE = 11


@dataclass
class Monde:
    scene: Scene
    guichet: Guichet
    empreintes: dict[int, str]


@pytest.fixture(scope="module")
def monde(module_engine: Engine) -> Monde:
    scene = Scene(module_engine, FixedClock(datetime.fromisoformat("2026-07-01T09:30:00+00:00")))
    auteur = scene.guichet("G0001")
    guichet = scene.guichet("G0002", Filtre("Tout"), adresse="")
    scene.guichet("G0003", Filtre("Tout"))
    numeros = scene.register([scene.recue(auteur) for _ in range(NOMBRE)])
    with scene.engine.begin() as conn:
        lot = list_readable(
            conn, guichet, Vue.TOUTES, apres=0, nombre=100, instant=scene.now, echange=ECHANGE
        )
        for sequence, etat in ETATS.items():
            conn.execute(
                text("UPDATE distribution SET etat = :etat, termine_le = :le WHERE sequence = :sequence"),
                {"etat": etat, "sequence": sequence, "le": scene.now},
            )
        conn.execute(
            text("DELETE FROM demande_version WHERE numero = :numero"), {"numero": numeros[EFFACEE - 1]}
        )
    empreintes = {
        item.sequence: item.fichier.empreinte for item in lot.distributions if item.fichier is not None
    }
    return Monde(scene, guichet, empreintes)


def compare(
    monde: Monde, tenues: Sequence[Tenue], apres: int = 0, jusqua: int | None = None
) -> Rapprochement:
    assert check(tenues) is None
    with monde.scene.engine.connect() as conn:
        return reconcile(conn, monde.guichet.code, tenues, apres=apres, jusqua=jusqua)


def numbers(plages: Iterable[Plage | Manquante | Tenue]) -> list[int]:
    return [n for each in plages for n in range(each.premiere, each.derniere + 1)]


AUTRE = hashlib.sha256(b"autre").hexdigest()


@st.composite
def tenue(draw: st.DrawFn) -> tuple[Tenue, frozenset[int]]:
    """A range around the sequences that exist, and those of it whose digest is given wrong."""
    premiere = draw(st.integers(-3, NOMBRE + 4))
    derniere = premiere + draw(st.integers(0, 6))
    if draw(st.booleans()):
        return Tenue(premiere, derniere), frozenset()
    faux = draw(st.frozensets(st.integers(premiere, derniere)))
    return Tenue(premiere, derniere, tuple(str(n) for n in range(premiere, derniere + 1))), faux


@given(st.lists(tenue(), max_size=6), st.integers(-2, NOMBRE + 3), st.none() | st.integers(-2, NOMBRE + 3))
def test_any_ranges_against_a_naive_comparison(
    monde: Monde, drawn: list[tuple[Tenue, frozenset[int]]], apres: int, jusqua: int | None
) -> None:
    """[DST-70] [DST-71] [DST-72] Set by set, number by number."""
    tenues, faux = [], set()
    for each, wrong in drawn:
        given_ = tuple(
            AUTRE if n in wrong else monde.empreintes.get(n, AUTRE).upper()
            for n in range(each.premiere, each.derniere + 1)
        )
        tenues.append(Tenue(each.premiere, each.derniere, given_ if each.empreintes else ()))
        faux |= wrong
    found = compare(monde, tenues, apres, jusqua)
    borne = NOMBRE if jusqua is None else min(max(jusqua, 0), NOMBRE)
    held = {n for each in tenues for n in range(each.premiere, each.derniere + 1)}
    existing = set(range(1, NOMBRE + 1))
    retirees = {n for n, etat in ETATS.items() if etat is Etat.RETIREE}
    assert numbers(found.manquantes) == [n for n in sorted(existing - held - retirees) if apres < n <= borne]
    assert {(n, each.etat) for each in found.manquantes for n in numbers([each])} == {
        (n, ETATS.get(n, Etat.EN_ATTENTE)) for n in numbers(found.manquantes)
    }
    assert numbers(found.en_trop) == sorted(held - existing)
    assert list(found.differentes) == sorted((faux & existing) - retirees - {EFFACEE})
    assert (found.derniere, found.jusqua, found.suite) == (NOMBRE, borne, False)
    rien = not (found.manquantes or found.en_trop or found.differentes)
    assert found.complet is rien


PLAGES = st.lists(st.tuples(st.integers(-9, 30), st.integers(0, 9)).map(lambda t: Plage(t[0], t[0] + t[1])))


@given(PLAGES, st.integers(0, 20), st.integers(0, 30))
def test_ranges_are_sets(plages: list[Plage], apres: int, derniere: int) -> None:
    """[DST-70] Union, complement and what is outside, against sets; ranges come out in order and apart."""
    held = set(numbers(plages))
    joined = list(union(plages))
    assert set(numbers(joined)) == held
    assert all(one.derniere + 1 < two.premiere for one, two in pairwise(joined))
    assert numbers(gaps(joined, apres, derniere)) == [
        n for n in range(apres + 1, derniere + 1) if n not in held
    ]
    assert numbers(outside(joined, derniere)) == sorted(n for n in held if not 1 <= n <= derniere)


def test_missing_ranges_are_cut_by_state(monde: Monde) -> None:
    """[DST-70] A guichet that has lost everything learns how each is to be had again."""
    assert compare(monde, []).manquantes == (
        Manquante(1, 2, Etat.EN_ATTENTE),
        Manquante(3, 4, Etat.ACQUITTEE),
        Manquante(5, 5, Etat.EN_ATTENTE),
        Manquante(6, 6, Etat.ECHEC),
        Manquante(7, 7, Etat.EN_ATTENTE),
        Manquante(9, 10, Etat.EN_ATTENTE),
        Manquante(11, 11, Etat.ACQUITTEE),
        Manquante(12, 12, Etat.EN_ATTENTE),
    )


TENUES = st.lists(st.tuples(st.integers(1, NOMBRE), st.integers(0, 3)), max_size=4)
MELANGE = text("""
    UPDATE distribution d SET etat = v.etat, differee = v.differee
    FROM unnest(CAST(:etats AS text[]), CAST(:differees AS boolean[]))
        WITH ORDINALITY AS v(etat, differee, rang)
    WHERE d.guichet = :guichet AND d.sequence = v.rang
""")


@given(
    st.lists(st.tuples(st.sampled_from(Etat), st.booleans()), min_size=NOMBRE, max_size=NOMBRE),
    TENUES.map(lambda drawn: [Tenue(n, n + more) for n, more in drawn]),
)
def test_any_states_against_a_naive_comparison(
    monde: Monde, etats: list[tuple[Etat, bool]], tenues: list[Tenue]
) -> None:
    """[DST-70] [DST-71] Whatever each became: one range for each run of the same state, none twice."""
    held = set(numbers(tenues))
    expected: list[Manquante] = []
    for sequence, (etat, _) in enumerate(etats, 1):
        last = expected[-1] if expected else None
        if sequence in held or etat is Etat.RETIREE:
            continue
        if last is not None and last.derniere == sequence - 1 and last.etat is etat:
            expected[-1] = Manquante(last.premiere, sequence, etat)
        else:
            expected.append(Manquante(sequence, sequence, etat))
    values = {"etats": [each for each, _ in etats], "differees": [later for _, later in etats]}
    with monde.scene.engine.connect() as conn:
        conn.execute(MELANGE, {**values, "guichet": monde.guichet.code})
        assert reconcile(conn, monde.guichet.code, tenues).manquantes == tuple(expected)


@pytest.mark.parametrize(("borne", "valeur"), [("FENETRE", 5), ("FENETRE", 1), ("PLAGES_MAX", 1)])
def test_an_answer_is_bounded_and_the_rest_is_asked_for(
    monde: Monde, monkeypatch: pytest.MonkeyPatch, borne: str, valeur: int
) -> None:
    """[DST-73] Call after call, the whole is the same."""
    whole = compare(monde, [Tenue(4, 4), Tenue(13, 20)])
    monkeypatch.setattr(rapprochement, borne, valeur)
    lots = [compare(monde, [Tenue(4, 4), Tenue(13, 20)])]
    while lots[-1].suite:
        lots.append(compare(monde, [Tenue(4, 4), Tenue(13, 20)], lots[-1].jusqua))
    assert len(lots) > 1
    assert numbers(each for lot in lots for each in lot.manquantes) == numbers(whole.manquantes)
    assert {lot.en_trop for lot in lots} == {(Plage(13, 20),)}
    assert all(one.jusqua < two.jusqua for one, two in pairwise(lots))
    assert lots[-1].jusqua == NOMBRE


def test_a_guichet_that_has_all_is_told_so(monde: Monde) -> None:
    """[DST-70] And one for which nothing was ever made."""
    assert compare(monde, [Tenue(1, NOMBRE)]).complet
    with monde.scene.engine.connect() as conn:
        assert reconcile(conn, "G0001", []) == Rapprochement(0, 0, False, (), (), ())
        assert reconcile(conn, "G0001", [Tenue(1, 2)]).en_trop == (Plage(1, 2),)


HEXA = "0" * 64


@pytest.mark.parametrize(
    ("tenues", "code"),
    [
        ([Tenue(n, n) for n in range(TRANCHES_MAX + 1)], "DIS208"),
        ([Tenue(n, n) for n in range(TRANCHES_MAX)], ""),
        ([Tenue(1, EMPREINTES_MAX + 1, (HEXA,) * (EMPREINTES_MAX + 1))], "DIS209"),
        ([Tenue(1, EMPREINTES_MAX, (HEXA,) * EMPREINTES_MAX)], ""),
        ([Tenue(2, 1)], "DIS210"),
        ([Tenue(1, 2, (HEXA,))], "DIS211"),
        ([Tenue(1, 2, (HEXA, HEXA, HEXA))], "DIS211"),
        ([Tenue(1, 2, (HEXA, "0" * 63))], "DIS204"),
        ([Tenue(1, 2, (HEXA, "é" * 64))], "DIS204"),
        ([Tenue(-(2**63), 2**63 - 1)], ""),
    ],
)
def test_what_is_too_much_or_does_not_read_is_refused(monde: Monde, tenues: list[Tenue], code: str) -> None:
    """[DST-72]"""
    refus = check(tenues)
    assert ("" if refus is None else refus.code) == code
    if refus is None:
        compare(monde, tenues)
