"""The flows of the last hours, as the steering page shows them: exchanges, what waits, what failed, why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, func, literal, select, text

from console.graphiques import Point
from console.perimetre import Perimetre
from dispatching.tables import DISTRIBUTION
from registry.controles import PARIS
from registry.exchanges_store import Statut
from registry.fenetres import first_id
from registry.tables import ECHANGE, GUICHET

SERIES: Final = ("acceptés", "refusés", "en échec")
PERIODES: Final = {"24": 24, "48": 48, "168": 168}
"""Hours that may be asked for, by their text."""
_CAUSES: Final = 12


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
    """Why something was refused or failed, and how many times."""

    texte: str
    nombre: int
    guichets: int


@dataclass(frozen=True, slots=True)
class File:
    """What waits on a channel. plus_ancienne_le: when the oldest was made."""

    canal: str
    guichets: int
    en_attente: int
    plus_ancienne_le: datetime | None


def read_hours(conn: Connection, perimetre: Perimetre, maintenant: datetime, heures: int) -> list[Heure]:
    """Each of the last `heures` hours, the present one included, the oldest first; empty ones too."""
    fin = maintenant.astimezone(PARIS).replace(minute=0, second=0, microsecond=0)
    debut = fin - timedelta(hours=heures - 1)
    heure = func.date_trunc("hour", ECHANGE.c.recu_le)
    duree = func.extract("epoch", ECHANGE.c.termine_le - ECHANGE.c.recu_le)
    traites = ECHANGE.c.statut.in_((Statut.ACCEPTE.value, Statut.REJEU.value))

    query = (
        select(
            heure.label("heure"),
            func.count().filter(traites).label("acceptes"),
            func.count().filter(ECHANGE.c.statut == Statut.REFUSE.value).label("refuses"),
            func.count().filter(ECHANGE.c.statut == Statut.ECHEC.value).label("echecs"),
            func.percentile_cont(0.5).within_group(duree).label("p50"),
            func.percentile_cont(0.95).within_group(duree).label("p95"),
        )
        .where(ECHANGE.c.id >= literal(first_id(debut)), perimetre.of_codes(ECHANGE.c.guichet))
        .group_by(heure)
    )
    found = {row.heure: row for row in conn.execute(query)}
    lignes = []
    for rang in range(heures):
        instant = debut.astimezone(maintenant.tzinfo) + timedelta(hours=rang)
        row = found.get(instant)
        local = instant.astimezone(PARIS)
        lignes.append(
            Heure(local)
            if row is None
            else Heure(local, row.acceptes, row.refuses, row.echecs, row.p50, row.p95)
        )
    return lignes


def points_of(heures: Sequence[Heure]) -> list[Point]:
    """What the plot of the hours shows, in the order of SERIES."""
    return [Point(heure.etiquette, (heure.acceptes, heure.refuses, heure.echecs)) for heure in heures]


def read_refusals(conn: Connection, perimetre: Perimetre, depuis: datetime) -> list[Cause]:
    """The codes of what was refused or failed since then, the most frequent first."""
    code = func.coalesce(ECHANGE.c.code, "")
    nombre = func.count().label("nombre")
    query = (
        select(code.label("code"), nombre, func.count(ECHANGE.c.guichet.distinct()).label("guichets"))
        .where(
            ECHANGE.c.id >= literal(first_id(depuis)),
            ECHANGE.c.statut.in_((Statut.REFUSE.value, Statut.ECHEC.value)),
            perimetre.of_codes(ECHANGE.c.guichet),
        )
        .group_by(code)
        .order_by(nombre.desc(), code)
        .limit(_CAUSES)
    )
    return [Cause(row.code, row.nombre, row.guichets) for row in conn.execute(query)]


def read_queues(conn: Connection, perimetre: Perimetre) -> list[File]:
    """What waits, by channel of its guichet."""
    reste = (
        select(
            DISTRIBUTION.c.guichet,
            func.count().label("nombre"),
            func.min(DISTRIBUTION.c.cree_le).label("depuis"),
        )
        .where(text("distribution.etat = 'en_attente'"), perimetre.of_codes(DISTRIBUTION.c.guichet))
        .group_by(DISTRIBUTION.c.guichet)
        .subquery()
    )
    query = (
        select(
            GUICHET.c.canal,
            func.count().label("guichets"),
            func.sum(reste.c.nombre).label("en_attente"),
            func.min(reste.c.depuis).label("depuis"),
        )
        .join(GUICHET, GUICHET.c.code == reste.c.guichet)
        .group_by(GUICHET.c.canal)
        .order_by(GUICHET.c.canal)
    )
    return [File(row.canal, row.guichets, int(row.en_attente), row.depuis) for row in conn.execute(query)]


def read_failures(conn: Connection, perimetre: Perimetre) -> list[Cause]:
    """The distributions that have failed for good, by cause."""
    cause = func.coalesce(DISTRIBUTION.c.cause, "")
    nombre = func.count().label("nombre")
    query = (
        select(cause.label("cause"), nombre, func.count(DISTRIBUTION.c.guichet.distinct()).label("guichets"))
        .where(text("distribution.etat = 'echec'"), perimetre.of_codes(DISTRIBUTION.c.guichet))
        .group_by(cause)
        .order_by(nombre.desc(), cause)
    )
    return [Cause(row.cause, row.nombre, row.guichets) for row in conn.execute(query)]
