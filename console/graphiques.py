"""Where the marks of a plot go: pure, in the coordinates of its drawing. A table always says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10
from typing import Final

LARGEUR: Final = 720
HAUTEUR: Final = 220
_GAUCHE, _BAS, _HAUT = 64, 28, 12
"""Room for the figures of the axis, for what is under the bars, and above the highest."""
_ETIQUETTES: Final = 12
"""Labels under a plot, at most: more would run into each other at 320 pixels wide."""


@dataclass(frozen=True, slots=True)
class Point:
    """What a plot shows. etiquette: under it. parts: values that are stacked, in the order of the series."""

    etiquette: str
    parts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Marque:
    """A rectangle, or the point of a line (largeur 0). serie: rank of its series. bulle: what it says."""

    x: float
    y: float
    largeur: float
    hauteur: float
    serie: int
    bulle: str


@dataclass(frozen=True, slots=True)
class Repere:
    """A line of the axis, or a label under the plot."""

    position: float
    texte: str


@dataclass(frozen=True, slots=True)
class Dessin:
    """A plot ready to be drawn. trait: the points of a line as SVG wants them, or empty for bars."""

    largeur: int
    hauteur: int
    gauche: float
    bas: float
    marques: tuple[Marque, ...]
    graduations: tuple[Repere, ...]
    etiquettes: tuple[Repere, ...]
    trait: str = ""


def ceiling(maximum: float) -> float:
    """The top of the axis: 1, 2 or 5 times a power of ten, not below `maximum`; 1 under a millionth."""
    if maximum < 1e-6:
        return 1.0
    rang = 10.0 ** ceil(log10(maximum) - 1)
    # 20: a power of ten may come out a little too small.
    return float(next(pas * rang for pas in (1, 2, 5, 10, 20) if pas * rang >= maximum))


def draw_bars(points: Sequence[Point], series: Sequence[str], unite: str = "") -> Dessin:
    """Stacked bars, one for each point."""
    sommet = ceiling(max((sum(point.parts) for point in points), default=0))
    pas = (LARGEUR - _GAUCHE) / max(len(points), 1)
    marques = []
    for rang, point in enumerate(points):
        bas = _y(0, sommet)
        for serie, valeur in enumerate(point.parts):
            hauteur = _y(0, sommet) - _y(valeur, sommet)
            if valeur:
                bulle = f"{point.etiquette}, {series[serie]} : {_number(valeur)}{unite}"
                x, y = round(_GAUCHE + (rang + 0.1) * pas, 1), round(bas - hauteur, 1)
                marques.append(Marque(x, y, round(pas * 0.8, 1), round(hauteur, 1), serie, bulle))
            bas -= hauteur
    return _drawing(points, sommet, tuple(marques), unite)


def draw_line(points: Sequence[Point], serie: str, unite: str = "", sommet: float | None = None) -> Dessin:
    """One line; a point without value (no part) breaks it. sommet: top of the axis, found when not given."""
    haut = ceiling(max((point.parts[0] for point in points if point.parts), default=0))
    haut = haut if sommet is None else sommet
    pas = (LARGEUR - _GAUCHE) / max(len(points), 1)
    marques = []
    trait = []
    pose = "M"
    for rang, point in enumerate(points):
        if not point.parts:
            pose = "M"
            continue
        x, y = round(_GAUCHE + (rang + 0.5) * pas, 1), round(_y(point.parts[0], haut), 1)
        marques.append(
            Marque(x, y, 0, 0, 0, f"{point.etiquette}, {serie} : {_number(point.parts[0])}{unite}")
        )
        trait.append(f"{pose}{x} {y}")
        pose = "L"
    return _drawing(points, haut, tuple(marques), unite, " ".join(trait))


def _drawing(
    points: Sequence[Point], sommet: float, marques: tuple[Marque, ...], unite: str, trait: str = ""
) -> Dessin:
    pas = (LARGEUR - _GAUCHE) / max(len(points), 1)
    chaque = max(1, ceil(len(points) / _ETIQUETTES))
    return Dessin(
        LARGEUR,
        HAUTEUR,
        _GAUCHE,
        _y(0, sommet),
        marques,
        tuple(
            Repere(round(_y(sommet * part, sommet), 1), _number(sommet * part) + unite)
            for part in (0, 0.5, 1)
        ),
        tuple(
            Repere(round(_GAUCHE + (rang + 0.5) * pas, 1), point.etiquette)
            for rang, point in enumerate(points)
            if rang % chaque == 0
        ),
        trait,
    )


def _y(valeur: float, sommet: float) -> float:
    return HAUTEUR - _BAS - (HAUTEUR - _BAS - _HAUT) * min(valeur, sommet) / sommet


def _number(valeur: float) -> str:
    texte = f"{valeur:,.2f}".rstrip("0").rstrip(".")
    return texte.replace(",", "\N{NARROW NO-BREAK SPACE}").replace(".", ",")
