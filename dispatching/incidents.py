"""What happened to the channels of the guichets, kept for whoever operates the hub ([DST-43])."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, text

from registry.guichets import CanalDistribution


class GenreIncident(StrEnum):
    """What happened. Stored; never renamed."""

    OUVERTURE = "ouverture"
    """The circuit breaker opened."""
    FERMETURE = "fermeture"
    """It closed: the channel works again."""
    LEVEE = "levee"
    """The operator lifted it."""
    BASCULE = "bascule"
    """The guichet is served by this channel, its fallback."""
    RETOUR = "retour"
    """The guichet is served by this channel again."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that happened to a channel of a guichet. detail: French, without nominative data."""

    guichet: str
    canal: CanalDistribution
    genre: GenreIncident
    le: datetime
    detail: str


_RECORD: Final = text("""
    INSERT INTO incident_remise (guichet, canal, genre, le, detail)
    VALUES (:guichet, :canal, :genre, :le, :detail)
""")
_LIST: Final = text("""
    SELECT guichet, canal, genre, le, detail FROM incident_remise
    WHERE CAST(:guichet AS text) IS NULL OR guichet = :guichet ORDER BY id DESC LIMIT :limite
""")


def record_incidents(conn: Connection, incidents: Sequence[Incident]) -> None:
    """Keep what happened, in the transaction that made it happen."""
    if incidents:
        conn.execute(
            _RECORD,
            [
                {
                    "guichet": each.guichet,
                    "canal": each.canal.value,
                    "genre": each.genre.value,
                    "le": each.le,
                    "detail": each.detail,
                }
                for each in incidents
            ],
        )


def list_incidents(
    conn: Connection, guichet: str | None = None, *, limite: int = 100
) -> tuple[Incident, ...]:
    """What happened, the latest first."""
    return tuple(
        Incident(row.guichet, CanalDistribution(row.canal), GenreIncident(row.genre), row.le, row.detail)
        for row in conn.execute(_LIST, {"guichet": guichet, "limite": limite})
    )
