"""What a plot shows is what it was given: heights in proportion, inside the drawing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.graphiques import HAUTEUR, LARGEUR, Point, ceiling, draw_bars, draw_line
from console.tableur import write_csv

VALEURS = st.lists(st.lists(st.integers(0, 10**9), min_size=2, max_size=2), max_size=200)


@given(VALEURS)
def test_bars_are_in_proportion_and_inside(valeurs: list[list[int]]) -> None:
    points = [Point(str(rang), (paire[0], paire[1])) for rang, paire in enumerate(valeurs)]
    dessin = draw_bars(points, ("a", "b"))
    assert len(dessin.marques) == sum(bool(each) for paire in valeurs for each in paire)
    sommet = ceiling(max((sum(paire) for paire in valeurs), default=0))
    pleine = dessin.bas - dessin.graduations[-1].position
    attendues = [each for paire in valeurs for each in paire if each]
    for marque, valeur in zip(dessin.marques, attendues, strict=True):
        assert 0 <= marque.y <= marque.y + marque.hauteur <= HAUTEUR
        assert 0 <= marque.x <= marque.x + marque.largeur <= LARGEUR + 0.2
        assert marque.hauteur == pytest.approx(pleine * valeur / sommet, abs=0.11)
    assert len(dessin.etiquettes) <= 12


@given(st.floats(0, 1e12))
def test_the_top_of_the_axis_is_round_and_not_far(maximum: float) -> None:
    sommet = ceiling(maximum)
    assert maximum <= sommet
    assert maximum == 0 or sommet <= maximum * 2.6 or sommet <= 1


def test_a_point_without_value_breaks_the_line() -> None:
    dessin = draw_line([Point("a", (1,)), Point("b", ()), Point("c", (2,))], "s")
    assert dessin.trait.count("M") == 2
    assert len(dessin.marques) == 2


def test_a_text_is_never_a_formula() -> None:
    """[CSL-62] OWASP: CSV injection."""
    octets = write_csv(("a", "b"), [("=1+1", -5), ("@x", 0.5), ("+33", None)])
    assert octets.decode("utf-8-sig").splitlines() == ["a;b", "'=1+1;-5", "'@x;0,5", "'+33;"]
