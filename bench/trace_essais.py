"""The plot of the essais: milliseconds by number of demandes, a line a way, from the results committed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

PLOT = Path(__file__).parent.parent / "docs" / "mesures-essais.svg"
LEFT_OUT = {"celles que le guichet n'a pas"}
CIBLE = 100
"""Milliseconds: what an essai is to stay under."""


def draw(content: dict[str, Any], path: Path = PLOT) -> None:
    """Write the SVG: the same bytes for the same figures."""
    mpl.rcParams.update({"svg.hashsalt": "echangeur", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    ways: dict[str, list[tuple[int, float, float]]] = {}
    for each in content["mesures"]:
        if each["moyen"] in LEFT_OUT:
            continue
        ways.setdefault(each["moyen"], []).append((each["demandes"], each["p50"], each["max"]))
    for way, points in ways.items():
        sizes, middles, longest = zip(*points, strict=True)
        (line,) = axes.plot(sizes, middles, marker="o", label=way)
        axes.fill_between(sizes, middles, longest, alpha=0.12, color=line.get_color(), linewidth=0)
    axes.axhline(CIBLE, color="0.4", linestyle="--", linewidth=1)
    axes.set(
        xscale="log", yscale="log", xlabel="demandes actives",
        ylabel="millisecondes : médiane, et jusqu'au plus long filtre",
        title="Un filtre contre le stock",
    )  # fmt: skip
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, metadata={"Date": None, "Creator": None})
