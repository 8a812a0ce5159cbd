"""The traces of readings (registry.traces), as far as an account may know of them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, select

from console.perimetre import Perimetre
from registry.tables_traces import TRACE_LECTURE

FENETRE: Final = 200_000
"""Readings: a list that is not that of one demande goes no further back; no index tells those of guichets."""
MONTRES: Final = 10
"""Numbers of a reading that its line shows; a search gives the readings of any other."""


@dataclass(frozen=True, slots=True)
class LectureTracee:
    """One reading. guichet: empty for whoever belongs to none. numeros: of the demandes that were shown, the
    first ones; nombre: how many there were. objet: what was asked for, or empty."""

    id: int
    lue_le: datetime
    guichet: str
    profil: str
    utilisateur: str
    canal: str
    operation: str
    echange: uuid.UUID | None
    numeros: tuple[str, ...]
    nombre: int
    objet: str


def list_lectures(
    conn: Connection, perimetre: Perimetre, *, numero: str = "", avant: int | None = None, limite: int = 50
) -> tuple[LectureTracee, ...]:
    """The latest readings by the guichets of the perimeter, newest first: of that demande, or of any."""
    trace = TRACE_LECTURE.c
    query = (
        select(
            *(each for each in trace if each is not trace.numeros),
            trace.numeros[1:MONTRES].label("montres"),
            func.cardinality(trace.numeros).label("nombre"),
        )
        .where(perimetre.of_codes(TRACE_LECTURE.c.guichet))
        .order_by(TRACE_LECTURE.c.id.desc())
        .limit(limite)
    )
    if avant is not None:
        query = query.where(TRACE_LECTURE.c.id < avant)
    if numero:
        query = query.where(TRACE_LECTURE.c.numeros.contains([numero]))
    else:
        last = select(func.coalesce(func.max(TRACE_LECTURE.c.id), 0)).scalar_subquery()
        query = query.where(TRACE_LECTURE.c.id > last - FENETRE)
    return tuple(
        LectureTracee(
            row.id,
            row.lue_le,
            row.guichet,
            row.profil,
            row.utilisateur,
            row.canal,
            row.operation,
            row.echange,
            tuple(row.montres),
            row.nombre,
            row.objet,
        )
        for row in conn.execute(query)
    )
