"""The flows of the last hours, as the steering page shows them: exchanges, what waits, what failed, why.

Pure: exchanges come as columns (console.releve_echanges), distributions as bounded counts
(dispatching.arrieres).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from console.graphiques import Point
from console.releve_echanges import Echanges
from dispatching.arrieres import PLAFOND, Arriere, Rejet, by_canal
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
    """Why something was refused or failed, and how many times, or more (`au_moins`)."""

    texte: str
    nombre: int
    guichets: int
    au_moins: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """What waits on a channel. plus_ancienne_le: when the oldest was made."""

    canal: str
    guichets: int
    en_attente: int
    au_moins: bool
    plus_ancienne_le: datetime | None


def read_hours(echanges: Echanges, maintenant: datetime, heures: int) -> list[Heure]:
    """Each of the last `heures` hours, the present one included, the oldest first; empty ones too. Pure."""
    debut = first_hour(maintenant, heures)
    colonnes = echanges.colonnes
    rangs = ((colonnes.recus - debut.timestamp()) // 3600).astype(np.intp)
    acceptes, refuses, echecs = (
        np.bincount(rangs[echanges.said(*statuts)], minlength=heures) for statuts in _ISSUES
    )
    ordre = np.argsort(rangs, kind="stable")
    durees = np.split(colonnes.durees[ordre], np.searchsorted(rangs[ordre], np.arange(1, heures)))
    found = []
    for rang in range(heures):
        local = (debut.astimezone(UTC) + timedelta(hours=rang)).astimezone(PARIS)
        p50, p95 = np.percentile(durees[rang], (50, 95)) if len(durees[rang]) else (None, None)
        found.append(
            Heure(
                local,
                int(acceptes[rang]),
                int(refuses[rang]),
                int(echecs[rang]),
                None if p50 is None else round(float(p50), 6),
                None if p95 is None else round(float(p95), 6),
            )
        )
    return found


def first_hour(maintenant: datetime, heures: int) -> datetime:
    """When the first of the last `heures` hours began, at Paris. Pure."""
    fin = maintenant.astimezone(PARIS).replace(minute=0, second=0, microsecond=0)
    return (fin.astimezone(UTC) - timedelta(hours=heures - 1)).astimezone(PARIS)


def points_of(heures: Sequence[Heure]) -> list[Point]:
    """What the plot of the hours shows, in the order of SERIES."""
    return [Point(heure.etiquette, (heure.acceptes, heure.refuses, heure.echecs)) for heure in heures]


def read_refusals(echanges: Echanges) -> list[Cause]:
    """The codes of what was refused or failed, the most frequent first. Pure."""
    kept = echanges.colonnes.where(echanges.said(Statut.REFUSE, Statut.ECHEC))
    causes = [
        Cause(
            echanges.codes[code],
            int(np.count_nonzero(kept.codes == code)),
            len(np.unique(kept.guichets[kept.codes == code])),
        )
        for code in np.unique(kept.codes).tolist()
    ]
    return sorted(causes, key=lambda each: (-each.nombre, each.texte))[:_CAUSES]


def queues_of(arrieres: Iterable[Arriere]) -> list[File]:
    """What waits, by channel of its guichet. Pure."""
    return [
        File(
            canal.value,
            len(siens),
            sum(min(each.en_attente, PLAFOND) for each in siens),
            any(each.en_attente > PLAFOND for each in siens),
            min((each.attend_depuis_le for each in siens if each.attend_depuis_le), default=None),
        )
        for canal, siens in by_canal(each for each in arrieres if each.en_attente)
    ]


def failures_of(rejets: Iterable[Rejet]) -> list[Cause]:
    """The distributions that have failed for good, by cause. Pure."""
    found: dict[str, list[Rejet]] = {}
    for each in rejets:
        found.setdefault(each.cause.value if each.cause else "", []).append(each)
    causes = [
        Cause(
            cause,
            sum(min(each.nombre, PLAFOND) for each in siens),
            len(siens),
            any(each.nombre > PLAFOND for each in siens),
        )
        for cause, siens in found.items()
    ]
    return sorted(causes, key=lambda each: (-each.nombre, each.texte))
