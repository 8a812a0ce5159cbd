"""The alerts, what was told of them and the planned stops, in the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from mailflows.alertes.annonces import ADire, Dite, Motif, Sourdine
from mailflows.alertes.suivi import Alerte, Etat, Suite
from mailflows.alertes.tables import ALERTE, ALERTE_DITE, ALERTE_SOURDINE

GARDE: Final = timedelta(days=400)
"""How long a closed alert stays in the history."""
FIN_MAX: Final = timedelta(days=7)
"""How long the end of an alert may wait to be told: behind a silence, or a mail that waits its turn."""

_COLONNES: Final = tuple(name for name in Alerte.__dataclass_fields__ if name != "id")
_PURGE: Final = text("""
    WITH vieilles AS (DELETE FROM alerte WHERE etat = 'close' AND close_le < :avant RETURNING id)
    DELETE FROM alerte_dite d USING vieilles v WHERE d.alerte = v.id
""")


def list_en_cours(conn: Connection) -> tuple[Alerte, ...]:
    """Those that are open or not yet."""
    query = select(ALERTE).where(text("etat <> 'close'")).order_by(ALERTE.c.id)
    return tuple(alerte_of(row) for row in conn.execute(query))


def write_suite(conn: Connection, suite: Suite) -> tuple[Alerte, ...]:
    """Write what a turn makes of the alerts; they, with the identifiers of those that begin."""
    written = []
    for alerte in suite.alertes:
        values = {name: getattr(alerte, name) for name in _COLONNES}
        if alerte.id:
            conn.execute(update(ALERTE).where(ALERTE.c.id == alerte.id).values(values))
            written.append(alerte)
        else:
            row = conn.execute(insert(ALERTE).values(values).returning(ALERTE)).one()
            written.append(alerte_of(row))
    if suite.oubliees:
        conn.execute(delete(ALERTE).where(ALERTE.c.id.in_([each.id for each in suite.oubliees])))
    return tuple(written)


def list_to_end(conn: Connection, instant: datetime) -> tuple[Alerte, ...]:
    """Those closed lately, of which somebody was told nothing but that they were open."""
    query = (
        select(ALERTE)
        .where(
            ALERTE.c.etat == Etat.CLOSE.value,
            ALERTE.c.close_le > instant - FIN_MAX,
            ALERTE.c.id.in_(select(ALERTE_DITE.c.alerte).where(~ALERTE_DITE.c.close)),
        )
        .order_by(ALERTE.c.id)
    )
    return tuple(alerte_of(row) for row in conn.execute(query))


def read_dites(conn: Connection, alertes: Iterable[Alerte]) -> dict[tuple[int, str], Dite]:
    """What was last told of these alerts, by alert and address."""
    table = ALERTE_DITE.c
    query = select(ALERTE_DITE).where(table.alerte.in_([each.id for each in alertes]))
    return {
        (row.alerte, row.destinataire): Dite(row.close, row.niveau, row.dite_le)
        for row in conn.execute(query)
    }


def mark_dites(conn: Connection, destinataire: str, choses: Iterable[ADire], instant: datetime) -> None:
    """This address is told of these, in the transaction that keeps its mail."""
    for each in choses:
        said = {"close": each.motif is Motif.FIN, "niveau": each.alerte.niveau, "dite_le": instant}
        pose = upsert(ALERTE_DITE).values(alerte=each.alerte.id, destinataire=destinataire, **said)
        conn.execute(pose.on_conflict_do_update(index_elements=["alerte", "destinataire"], set_=said))


def list_ouvertes(conn: Connection, guichets: Collection[str] | None = None) -> tuple[Alerte, ...]:
    """The open alerts, the oldest first. guichets: only those about one of these; None: all of them."""
    query = select(ALERTE).where(ALERTE.c.etat == Etat.OUVERTE.value).order_by(ALERTE.c.ouverte_le)
    if guichets is not None:
        query = query.where(ALERTE.c.guichet.in_(guichets))
    return tuple(alerte_of(row) for row in conn.execute(query))


def list_closes(
    conn: Connection, guichets: Collection[str] | None = None, *, limite: int = 100
) -> tuple[Alerte, ...]:
    """The latest closed, the last first."""
    query = select(ALERTE).where(text("etat = 'close'")).order_by(ALERTE.c.close_le.desc()).limit(limite)
    if guichets is not None:
        query = query.where(ALERTE.c.guichet.in_(guichets))
    return tuple(alerte_of(row) for row in conn.execute(query))


def add_sourdine(
    conn: Connection,
    *,
    du: datetime,
    au: datetime,
    code: str = "",
    guichet: str = "",
    motif: str = "",
    par: str = "",
) -> int:
    """Plan a stop; its identifier."""
    values = {"du": du, "au": au, "code": code, "guichet": guichet, "motif": motif, "posee_par": par}
    return int(
        conn.execute(insert(ALERTE_SOURDINE).values(values).returning(ALERTE_SOURDINE.c.id)).scalar_one()
    )


def end_sourdine(conn: Connection, identifiant: int, *, instant: datetime) -> bool:
    """End a stop before its time, or give it up; False when there is none that still lasts."""
    table = ALERTE_SOURDINE.c
    lasting = (table.id == identifiant) & (table.au > instant)
    return conn.execute(update(ALERTE_SOURDINE).where(lasting).values(au=instant)).rowcount > 0


def list_sourdines(
    conn: Connection, instant: datetime, guichets: Collection[str] | None = None
) -> tuple[Sourdine, ...]:
    """Those that last or are to come. guichets: of these, and those of everybody; None: all of them."""
    table = ALERTE_SOURDINE.c
    query = select(ALERTE_SOURDINE).where(table.au > instant).order_by(table.du, table.id)
    if guichets is not None:
        query = query.where(or_(table.guichet == "", table.guichet.in_(guichets)))
    return tuple(Sourdine(**row._mapping) for row in conn.execute(query))


def count_ouvertes(conn: Connection) -> Mapping[str, int]:
    """How many are open, by code; codes without any are left out."""
    rows = conn.execute(
        text("SELECT code, count(*) AS nombre FROM alerte WHERE etat = 'ouverte' GROUP BY code")
    )
    return {row.code: row.nombre for row in rows}


def purge(conn: Connection, instant: datetime) -> None:
    """Forget what was closed long ago."""
    conn.execute(_PURGE, {"avant": instant - GARDE})


def alerte_of(row: Row[Any]) -> Alerte:
    """The alert of a row of ALERTE."""
    values = dict(row._mapping)
    return Alerte(**{**values, "etat": Etat(row.etat)})
