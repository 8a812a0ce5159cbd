"""Dates of the life of a demande (regles §2)."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from registry.regles import Regles
from registry.validite import add_months, echeance, radiation_day, reactivation_limit

JOURS = st.dates(date(1991, 1, 1), date(2090, 12, 31))
ANNIVERSAIRE = Regles(echeance="anniversaire")
REGLES = Regles()


@given(JOURS, st.integers(-24, 24))
def test_months_are_those_of_the_calendar(jour: date, mois: int) -> None:
    autre = add_months(jour, mois)
    assert (autre.year - jour.year) * 12 + autre.month - jour.month == mois
    assert autre.day <= jour.day


@given(JOURS, st.integers(0, 1200))
def test_a_renewal_never_shortens_nor_doubles_the_validity(depot: date, jours: int) -> None:
    """[VIE-20] Whatever the configured start, a renewal is worth between half a period and a period and a
    half."""
    renouvellement = date.fromordinal(depot.toordinal() + jours)
    assert echeance(depot, renouvellement, REGLES) == add_months(renouvellement, 12)
    fin = echeance(depot, renouvellement, ANNIVERSAIRE)
    assert add_months(renouvellement, 5) <= fin <= add_months(renouvellement, 19)
    assert fin.month == depot.month


def test_the_anniversary_is_kept_when_so_configured() -> None:
    """[VIE-20] Renewed one month early or one month late, the demande keeps its anniversary."""
    depot = date(2024, 6, 15)
    assert echeance(depot, date(2025, 5, 10), ANNIVERSAIRE) == date(2026, 6, 15)
    assert echeance(depot, date(2025, 7, 10), ANNIVERSAIRE) == date(2026, 6, 15)
    assert echeance(depot, None, ANNIVERSAIRE) == date(2025, 6, 15)


def test_the_windows_of_reactivation() -> None:
    """[VIE-41] Six months after the expiry, five after a radiation without answer, never otherwise."""
    fin = date(2025, 6, 15)
    assert reactivation_limit("RADREN", date(2025, 7, 15), fin, REGLES) == date(2025, 12, 15)
    assert reactivation_limit("RADCON", date(2025, 3, 31), fin, REGLES) == date(2025, 8, 31)
    for motif in ("RADATT", "RADABA", "RADIRR"):
        assert reactivation_limit(motif, date(2025, 3, 31), fin, REGLES) is None


def test_radiation_comes_at_the_thirteenth_month_or_after_the_respite() -> None:
    """[VIE-62]"""
    fin = date(2025, 6, 15)
    assert radiation_day(fin, None, REGLES) == date(2025, 7, 15)
    assert radiation_day(fin, date(2025, 12, 15), REGLES) == date(2025, 12, 16)
