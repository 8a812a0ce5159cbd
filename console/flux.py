"""The exchanges of the last hours, as the steering page shows them: how many, how long, what was refused.

Pure: they come as columns (console.releve_echanges).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from console.graphiques import Point
from console.releve_echanges import Echanges, hour_of, rank_of
from registry.controles import PARIS
from registry.exchanges_store import Statut

SERIES: Final = ("acceptés", "refusés", "en échec")
PERIODES: Final = {"24": 24, "48": 48, "168": 168}
"""Hours that may be asked for, by their text."""
_CAUSES: Final = 12
_ISSUES: Final = ((Statut.ACCEPTE, Statut.REJEU), (Statut.REFUSE,), (Statut.ECHEC,))
"""What makes each of SERIES."""


@dataclass(frozen=True, slots=True)
class Heure:
    """The exchanges of an hour. debut: aware, at Paris. p50, p95: seconds from reception to answer."""

    debut: datetime
    acceptes: int = 0
    refuses: int = 0
    echecs: int = 0
    p50: float | None = None
    p95: float | None = None

    @property
    def etiquette(self) -> str:
        return f"{self.debut:%Hh}"


@dataclass(frozen=True, slots=True)
class Cause:
    """The code of what was refused or failed, and how many times."""

    texte: str
    nombre: int
    guichets: int


def read_hours(echanges: Echanges, maintenant: datetime, heures: int) -> list[Heure]:
    """Each of the last `heures` hours, the present one included, the oldest first; empty ones too. Pure."""
    debut = first_hour(maintenant, heures)
    colonnes, premiere = echanges.colonnes, hour_of(debut)
    bornes = np.searchsorted(colonnes.heures, np.arange(premiere, premiere + heures + 1))
    vues = colonnes.where(slice(bornes[0], bornes[-1]))
    genres = (vues.heures - premiere) * len(Statut) + vues.statuts
    comptes = np.bincount(genres, minlength=heures * len(Statut)).reshape(heures, len(Statut))
    issues = [comptes[:, [rank_of(each) for each in issue]].sum(axis=1).tolist() for issue in _ISSUES]
    centiles = [_centiles(colonnes.durees, bornes, part) for part in (0.5, 0.95)]
    return [
        Heure((debut.astimezone(UTC) + timedelta(hours=rang)).astimezone(PARIS), *each)
        for rang, each in enumerate(zip(*issues, *centiles, strict=True))
    ]


def _centiles(
    durees: npt.NDArray[np.float32], bornes: npt.NDArray[np.intp], part: float
) -> list[float | None]:
    """The value below which that part of each hour is, interpolated as `percentile_cont` does; None for an
    empty hour. durees: in order between each of `bornes` and the next."""
    nombres = np.diff(bornes)
    rangs = np.maximum(nombres - 1, 0) * part
    dessous = rangs.astype(np.intp)
    # A last one, so that an empty hour at the end has something to read.
    sues = np.append(durees, np.float32(0))
    bas = sues[bornes[:-1] + dessous].astype(np.float64)
    haut = sues[bornes[:-1] + np.minimum(dessous + 1, np.maximum(nombres - 1, 0))]
    found = np.round(bas + (haut - bas) * (rangs - dessous), 6)
    return [value if nombre else None for value, nombre in zip(found.tolist(), nombres, strict=True)]


def first_hour(maintenant: datetime, heures: int) -> datetime:
    """When the first of the last `heures` hours began, at Paris. Pure."""
    fin = maintenant.astimezone(PARIS).replace(minute=0, second=0, microsecond=0)
    return (fin.astimezone(UTC) - timedelta(hours=heures - 1)).astimezone(PARIS)


def points_of(heures: Sequence[Heure]) -> list[Point]:
    """What the plot of the hours shows, in the order of SERIES."""
    return [Point(heure.etiquette, (heure.acceptes, heure.refuses, heure.echecs)) for heure in heures]


def read_refusals(echanges: Echanges) -> list[Cause]:
    """The codes of what was refused or failed, the most frequent first. Pure."""
    kept = np.flatnonzero(echanges.said(Statut.REFUSE, Statut.ECHEC))
    codes = echanges.colonnes.codes[kept]
    nombres = np.bincount(codes)
    # Each guichet once for each code.
    couples = np.unique(echanges.colonnes.guichets[kept].astype(np.int64) * len(nombres) + codes)
    guichets = np.bincount(couples % max(len(nombres), 1), minlength=len(nombres))
    causes = [
        Cause(echanges.codes[code], int(nombres[code]), int(guichets[code]))
        for code in np.flatnonzero(nombres).tolist()
    ]
    return sorted(causes, key=lambda each: (-each.nombre, each.texte))[:_CAUSES]
