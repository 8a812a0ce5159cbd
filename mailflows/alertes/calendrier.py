"""Working time, in which a silence is measured: from 8 to 18 in Paris, but on Saturdays, Sundays and public
holidays (code du travail, art. L3133-1). Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from registry.controles import PARIS

OUVRE: Final = time(8)
FERME: Final = time(18)

_FIXES: Final = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
_APRES_PAQUES: Final = (1, 39, 50)
"""Days after Easter: its Monday, Ascension, the Monday of Pentecost."""


def is_worked(jour: date) -> bool:
    """Neither a Saturday, a Sunday nor a public holiday."""
    return jour.weekday() < 5 and jour not in _holidays(jour.year)


def is_working_time(instant: datetime) -> bool:
    """Whether offices are open at that instant."""
    local = instant.astimezone(PARIS)
    return is_worked(local.date()) and OUVRE <= local.time() < FERME


def worked_hours(debut: datetime, fin: datetime) -> float:
    """Hours of working time between two instants; 0 when the second is not after the first."""
    if fin <= debut:
        return 0.0
    first, last = debut.astimezone(PARIS), fin.astimezone(PARIS)
    total = 0.0
    jour = first.date()
    while jour <= last.date():
        if is_worked(jour):
            begins = max(first, datetime.combine(jour, OUVRE, PARIS))
            ends = min(last, datetime.combine(jour, FERME, PARIS))
            total += max(0.0, (ends - begins).total_seconds())
        jour += timedelta(days=1)
    return total / 3600


@lru_cache(maxsize=16)
def _holidays(annee: int) -> frozenset[date]:
    paques = _easter(annee)
    fixes = {date(annee, mois, jour) for mois, jour in _FIXES}
    return frozenset(fixes | {paques + timedelta(days=jours) for jours in _APRES_PAQUES})


def _easter(annee: int) -> date:
    """Easter Sunday (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = annee % 19, divmod(annee, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    mois, jour = divmod(h + m - 7 * n + 114, 31)
    return date(annee, mois, jour + 1)
