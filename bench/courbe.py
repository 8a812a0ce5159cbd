"""Curves in SVG, without any library: a few series over time, one panel above the other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

_LARGEUR: Final = 900
_HAUTEUR: Final = 240
_GAUCHE, _DROITE, _HAUT, _BAS = 70, 170, 34, 34
_COULEURS: Final = ("#000091", "#c9191e", "#18753c", "#b34000", "#6e445a", "#3a3a3a")

Points = Sequence[tuple[float, float]]


def draw(panneaux: Sequence[tuple[str, Mapping[str, Points]]], *, abscisse: str) -> str:
    """The SVG. panneaux: title and series of each; a series is pairs of abscissa and value."""
    height = len(panneaux) * _HAUTEUR + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LARGEUR} {height}" font-size="12">',
        "<style>text { font-family: sans-serif }</style>",
        f'<rect width="{_LARGEUR}" height="{height}" fill="white"/>',
    ]
    for rang, (titre, series) in enumerate(panneaux):
        parts += _panel(rang * _HAUTEUR, titre, series)
    parts.append(f'<text x="{_LARGEUR / 2}" y="{height - 6}" text-anchor="middle">{escape(abscisse)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(top: int, titre: str, series: Mapping[str, Points]) -> list[str]:
    points = [point for each in series.values() for point in each]
    x_max = max((x for x, _ in points), default=1) or 1
    step = _step(max((y for _, y in points), default=1) or 1)
    y_max = step * max(1, math.ceil(max((y for _, y in points), default=1) / step))
    wide, high = _LARGEUR - _GAUCHE - _DROITE, _HAUTEUR - _HAUT - _BAS

    def place(x: float, y: float) -> str:
        return f"{_GAUCHE + wide * x / x_max:.1f},{top + _HAUT + high * (1 - y / y_max):.1f}"

    parts = [f'<text x="{_GAUCHE}" y="{top + 20}" font-weight="bold">{escape(titre)}</text>']
    for rang in range(round(y_max / step) + 1):
        x, y = place(0, rang * step).split(",")
        parts.append(f'<line x1="{x}" y1="{y}" x2="{_GAUCHE + wide}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{_GAUCHE - 8}" y="{float(y) + 4}" text-anchor="end">{rang * step:g}</text>')
    for each in range(5):
        x, y = place(x_max * each / 4, 0).split(",")
        parts.append(f'<text x="{x}" y="{float(y) + 16}" text-anchor="middle">{x_max * each / 4:.0f}</text>')
    for rang, (nom, line) in enumerate(series.items()):
        colour = _COULEURS[rang % len(_COULEURS)]
        path = " ".join(place(x, y) for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        y_label = top + _HAUT + 16 * (rang + 1)
        parts.append(
            f'<text x="{_LARGEUR - _DROITE + 14}" y="{y_label}" fill="{colour}">{escape(nom)}</text>'
        )
    return parts


def _step(high: float) -> float:
    """A round step that makes four to eight lines."""
    power = 10.0 ** math.floor(math.log10(high / 4))
    return next(power * each for each in (1, 2, 5, 10) if power * each * 8 >= high)
