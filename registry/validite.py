"""Dates of the life of a demande: validity, expiry, notices, windows (regles §2). Pure."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from registry.regles import Regles

SANS_RENOUVELLEMENT = "RADREN"
SANS_REPONSE = "RADCON"


def add_months(jour: date, mois: int) -> date:
    """The same day so many months later (earlier when negative); the last of the month when it has no such
    day: 31 August plus six months is 28 February, or 29.

    >>> add_months(date(2026, 8, 31), 6), add_months(date(2026, 3, 31), -1)
    (datetime.date(2027, 2, 28), datetime.date(2026, 2, 28))
    """
    rang = jour.year * 12 + jour.month - 1 + mois
    annee, reste = divmod(rang, 12)
    return date(annee, reste + 1, min(jour.day, calendar.monthrange(annee, reste + 1)[1]))


def echeance(date_depot: date, date_renouvellement: date | None, regles: Regles) -> date:
    """First day on which the demande is no longer valid ([VIE-20])."""
    if date_renouvellement is None:
        return add_months(date_depot, regles.validite_mois)
    if regles.echeance == "renouvellement":
        return add_months(date_renouvellement, regles.validite_mois)
    # The anniversary of the deposit that follows the renewal by more than half a period: who renews two
    # months early does not lose a year, who renews late does not win one.
    cible = add_months(date_renouvellement, regles.validite_mois)
    ecart = (cible.year - date_depot.year) * 12 + cible.month - date_depot.month
    proche = add_months(date_depot, round(ecart / regles.validite_mois) * regles.validite_mois)
    return max(proche, date_renouvellement + timedelta(days=1))


def reactivation_limit(motif: str, date_radiation: date, fin_validite: date, regles: Regles) -> date | None:
    """Last day on which a radiation of that motive may be undone; None when it may not (regles §2.4)."""
    if motif == SANS_RENOUVELLEMENT:
        return add_months(fin_validite, regles.reactivation_non_renouvellement_mois)
    if motif == SANS_REPONSE:
        return add_months(date_radiation, regles.reactivation_sans_reponse_mois)
    return None


def radiation_day(fin_validite: date, sursis: date | None, regles: Regles) -> date:
    """First day on which the daily job radiates a demande that was not renewed ([VIE-42])."""
    jour = add_months(fin_validite, regles.tolerance_mois)
    return jour if sursis is None else max(jour, sursis + timedelta(days=1))
