"""The trials of the reception endpoints of guichets, kept: what was tried, by whom, and what was found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from registry.tables_certificats import ESSAI_RECEPTION

ConstatEssai = tuple[str, bool, str]
"""Step, whether it passed, French detail."""


@dataclass(frozen=True, slots=True)
class EssaiReception:
    """One trial. adresse: the one that was tried; constats: up to the first that did not pass."""

    guichet: str
    adresse: str
    fait_le: datetime
    fait_par: str
    constats: tuple[ConstatEssai, ...]

    @property
    def reussi(self) -> bool:
        return bool(self.constats) and all(passed for _, passed, _ in self.constats)


def record_essai(conn: Connection, essai: EssaiReception) -> None:
    """Keep a trial."""
    row = {
        "guichet": essai.guichet,
        "adresse": essai.adresse,
        "fait_le": essai.fait_le,
        "fait_par": essai.fait_par,
        "reussi": essai.reussi,
        "constats": json.dumps(essai.constats, ensure_ascii=False),
    }
    conn.execute(insert(ESSAI_RECEPTION).values(row))


def last_essai(conn: Connection, guichet: str) -> EssaiReception | None:
    """The last trial of a guichet, whatever address it had."""
    found = list_essais(conn, guichet, limite=1)
    return found[0] if found else None


def list_essais(conn: Connection, guichet: str, *, limite: int = 10) -> Sequence[EssaiReception]:
    """The last trials of a guichet, newest first."""
    table = ESSAI_RECEPTION.c
    query = select(ESSAI_RECEPTION).where(table.guichet == guichet).order_by(table.id.desc()).limit(limite)
    return [
        EssaiReception(
            row.guichet,
            row.adresse,
            row.fait_le,
            row.fait_par,
            tuple(
                (str(etape), bool(passed), str(detail)) for etape, passed, detail in json.loads(row.constats)
            ),
        )
        for row in conn.execute(query)
    ]
