"""The mails of alerts in the database: kept before they are sent, each attempt written before it is made."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from dispatching.deliveries import uuid7s
from mailflows.alertes.tables import ALERTE_COURRIER
from mailflows.expediteur import NonParti, Parti

ABANDON: Final = timedelta(days=3)
"""A mail that could not leave for so long says what is no more."""
GARDE: Final = timedelta(days=90)
_PREMIER: Final = timedelta(minutes=1)
_DERNIER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CourrierAlerte:
    """A mail. tentatives: those before. envoye_le: None until it has left; prochaine_le: None once it has, or
    was given up."""

    id: uuid.UUID
    destinataire: str
    sujet: str
    texte: str
    cree_le: datetime
    prochaine_le: datetime | None
    tentatives: int
    envoye_le: datetime | None
    detail: str


def keep(conn: Connection, destinataire: str, sujet: str, texte: str, instant: datetime) -> None:
    """Keep a mail to be sent once this is committed, not before."""
    (identifiant,) = uuid7s(instant, 1)
    values = {"id": identifiant, "destinataire": destinataire, "sujet": sujet, "texte": texte}
    conn.execute(insert(ALERTE_COURRIER).values(**values, cree_le=instant, prochaine_le=instant))


def take(conn: Connection, instant: datetime) -> CourrierAlerte | None:
    """The first that is due, its attempt written; None when there is none."""
    table = ALERTE_COURRIER.c
    row = conn.execute(
        select(ALERTE_COURRIER)
        .where(table.prochaine_le <= instant)
        .order_by(table.prochaine_le, table.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    suite = {"tentatives": row.tentatives + 1, "prochaine_le": instant + wait_after(row.tentatives + 1)}
    conn.execute(update(ALERTE_COURRIER).where(table.id == row.id).values(suite))
    return CourrierAlerte(**row._mapping)


def finish(conn: Connection, courrier: CourrierAlerte, issue: Parti | NonParti, instant: datetime) -> None:
    """Write how its attempt ended. The relay that refuses for ever, or for too long, is believed."""
    values: dict[str, object] = {"envoye_le": instant, "prochaine_le": None, "detail": "remis au relais"}
    if isinstance(issue, NonParti):
        values = {"detail": issue.detail[:500]}
        if issue.definitif or instant - courrier.cree_le > ABANDON:
            values["prochaine_le"] = None
    conn.execute(update(ALERTE_COURRIER).where(ALERTE_COURRIER.c.id == courrier.id).values(values))


def wait_after(tentatives: int) -> timedelta:
    """How long the next attempt waits after that one: a minute, then twice as long, an hour at most."""
    return min(_PREMIER * (1 << min(tentatives - 1, 10)), _DERNIER)


def last_written(conn: Connection, destinataires: Sequence[str]) -> Mapping[str, datetime]:
    """When each of these addresses was last written to."""
    table = ALERTE_COURRIER.c
    query = (
        select(table.destinataire, func.max(table.cree_le).label("le"))
        .where(table.destinataire.in_(destinataires))
        .group_by(table.destinataire)
    )
    return {row.destinataire: row.le for row in conn.execute(query)}


def list_courriers(conn: Connection, *, limite: int = 20) -> tuple[CourrierAlerte, ...]:
    """The latest, newest first."""
    query = select(ALERTE_COURRIER).order_by(ALERTE_COURRIER.c.id.desc()).limit(limite)
    return tuple(CourrierAlerte(**row._mapping) for row in conn.execute(query))


def purge(conn: Connection, instant: datetime) -> None:
    """Forget those of long ago."""
    conn.execute(delete(ALERTE_COURRIER).where(ALERTE_COURRIER.c.cree_le < instant - GARDE))
