"""What an agent did and read, written before the answer leaves."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert

from console.agent import Agent
from console.tables import ACTE_CONSOLE
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
    conn: Connection, agent: Agent, operation: str, numeros: Sequence[str], *, instant: datetime
) -> None:
    """The trace of a page that shows those demandes ([TRA-1]): the same journal as every other reading."""
    record_reading_of_agent(
        conn,
        operation,
        sorted(set(numeros)),
        guichet=agent.code_guichet,
        profil=agent.profil.value,
        utilisateur=agent.courriel,
        instant=instant,
    )
