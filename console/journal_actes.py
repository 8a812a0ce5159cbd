"""What an agent did and read, written before the answer leaves."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from console.agent import Agent
from console.perimetre import Perimetre
from console.tables import ACTE_CONSOLE, COMPTE
from registry.traces import record_reading_of_agent


def record_acte(
    conn: Connection,
    agent: Agent,
    acte: str,
    objet: str,
    echange: uuid.UUID,
    refus: str,
    *,
    instant: datetime,
) -> None:
    """One act: what (console.table.Page.trace), on what the address named, and the code that refused it."""
    row = {
        "fait_le": instant,
        "compte": agent.compte,
        "acte": acte,
        "objet": objet,
        "echange": echange,
        "refus": refus,
    }
    conn.execute(insert(ACTE_CONSOLE).values(row))


def record_reading(
    conn: Connection,
    agent: Agent,
    operation: str,
    numeros: Sequence[str],
    *,
    instant: datetime,
    message: uuid.UUID | None = None,
    objet: str = "",
) -> None:
    """The trace of a page that shows those demandes ([TRA-1]): the same journal as every other reading.

    message: the exchange whose message was given, when one was. objet: what was asked for, when it was more
    than these demandes ([TRA-7]).
    """
    record_reading_of_agent(
        conn,
        operation,
        sorted(set(numeros)),
        guichet=agent.code_guichet,
        profil=agent.profil.value,
        utilisateur=agent.courriel,
        instant=instant,
        echange=message,
        objet=objet,
    )


@dataclass(frozen=True, slots=True)
class Acte:
    """One act. courriel: of the account. objet: what the address named. refus: empty when it was done."""

    id: int
    fait_le: datetime
    courriel: str
    acte: str
    objet: str
    echange: uuid.UUID
    refus: str


def list_actes(
    conn: Connection,
    *,
    compte: uuid.UUID | None = None,
    perimetre: Perimetre | None = None,
    avant: int | None = None,
    limite: int = 50,
) -> tuple[Acte, ...]:
    """The latest acts, newest first: of that account, or of the accounts of that perimeter."""
    query = (
        select(ACTE_CONSOLE, COMPTE.c.courriel)
        .join(COMPTE, COMPTE.c.id == ACTE_CONSOLE.c.compte)
        .order_by(ACTE_CONSOLE.c.id.desc())
        .limit(limite)
    )
    if compte is not None:
        query = query.where(ACTE_CONSOLE.c.compte == compte)
    if perimetre is not None and not perimetre.tout:
        query = query.where(perimetre.of_codes(COMPTE.c.guichet))
    if avant is not None:
        query = query.where(ACTE_CONSOLE.c.id < avant)
    return tuple(
        Acte(row.id, row.fait_le, row.courriel, row.acte, row.objet, row.echange, row.refus)
        for row in conn.execute(query)
    )
