"""The life of an alert, as a pure function ([ALE-3]).

    naissante --seen long enough--> ouverte --not seen long enough--> close
        \\--not seen--> forgotten         ^--seen again-- (still open)

What comes and goes within the confirmation is never told; what is open and wavers stays one alert.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from mailflows.alertes.faits import Cle
from mailflows.alertes.reglages import Alertes
from mailflows.alertes.regles import Trouvee


class Etat(StrEnum):
    """State of an alert. Stored; never renamed."""

    NAISSANTE = "naissante"
    OUVERTE = "ouverte"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Alerte:
    """An alert as kept. id: 0 until it is. vue_le: first seen; derniere_le: last seen."""

    id: int
    code: str
    objet: str
    guichet: str
    constat: str
    attendu: str
    page: str
    niveau: int
    au_partenaire: bool
    etat: Etat
    vue_le: datetime
    derniere_le: datetime
    ouverte_le: datetime | None = None
    close_le: datetime | None = None

    @property
    def cle(self) -> Cle:
        return self.code, self.objet


@dataclass(frozen=True, slots=True)
class Suite:
    """What a turn makes of the alerts: to be written as they are, and to be forgotten."""

    alertes: tuple[Alerte, ...]
    oubliees: tuple[Alerte, ...]


def follow(
    connues: Iterable[Alerte], trouvees: Mapping[Cle, Trouvee], instant: datetime, reglages: Alertes
) -> Suite:
    """What becomes of the alerts that are not closed, and those that begin. Pure."""
    kept: list[Alerte] = []
    forgotten: list[Alerte] = []
    seen = set()
    for alerte in connues:
        seen.add(alerte.cle)
        found = trouvees.get(alerte.cle)
        if found is not None:
            kept.append(_confirm(_again(alerte, found, instant), instant, reglages))
        elif alerte.etat is Etat.NAISSANTE:
            forgotten.append(alerte)
        elif instant - alerte.derniere_le >= timedelta(minutes=reglages.apaisement):
            kept.append(replace(alerte, etat=Etat.CLOSE, close_le=instant))
        else:
            kept.append(alerte)
    begun = [_begin(found, instant) for cle, found in trouvees.items() if cle not in seen]
    kept += [_confirm(each, instant, reglages) for each in begun]
    return Suite(tuple(kept), tuple(forgotten))


def _again(alerte: Alerte, found: Trouvee, instant: datetime) -> Alerte:
    return replace(
        alerte,
        constat=found.constat,
        attendu=found.attendu,
        page=found.page,
        niveau=found.niveau,
        au_partenaire=found.au_partenaire,
        derniere_le=instant,
    )


def _begin(found: Trouvee, instant: datetime) -> Alerte:
    return Alerte(
        0,
        found.genre.code,
        found.objet,
        found.guichet,
        found.constat,
        found.attendu,
        found.page,
        found.niveau,
        found.au_partenaire,
        Etat.NAISSANTE,
        instant,
        instant,
    )


def _confirm(alerte: Alerte, instant: datetime, reglages: Alertes) -> Alerte:
    lasted = instant - alerte.vue_le >= timedelta(minutes=reglages.confirmation)
    if alerte.etat is Etat.NAISSANTE and lasted:
        return replace(alerte, etat=Etat.OUVERTE, ouverte_le=instant)
    return alerte
