"""What had become of a distribution at a past instant: told from what never changes afterwards."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from dispatching.deliveries import Etat
from dispatching.recipients import Raison
from registry.moments import say_second


class Stade(StrEnum):
    """How far a distribution was."""

    ACQUITTEE = "acquittee"
    RETIREE = "retiree"
    EN_ATTENTE = "en_attente"
    """Not acknowledged: waiting, being sent, or failed."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One distribution at an instant.

    termine_le: when it was acknowledged or withdrawn, None before. essais: attempts begun by then; issue: how
    the last one ended, empty when there was none or when it lasted. lue_le: when the guichet first read it.
    """

    guichet: str
    sequence: int
    raison: Raison
    cree_le: datetime
    stade: Stade
    termine_le: datetime | None
    essais: int
    issue: str
    lue_le: datetime | None

    @property
    def texte(self) -> str:
        """Where it stood, in French."""
        if self.stade is not Stade.EN_ATTENTE:
            assert self.termine_le is not None
            fait = "acquittée" if self.stade is Stade.ACQUITTEE else "retirée"
            return f"{fait} le {say_second(self.termine_le)}"
        faits = []
        if self.essais:
            faits.append(f"{self.essais} essai(s), le dernier : {self.issue or 'en cours'}")
        if self.lue_le is not None:
            faits.append(f"lue par le guichet le {say_second(self.lue_le)} et non acquittée")
        return f"pas encore acquittée : {' ; '.join(faits) or 'ni envoyée, ni lue par le guichet'}"


# An attempt that had not ended by then lasted.
_READ: Final = text("""
    SELECT d.guichet, d.numero, d.version, d.sequence, d.raison, d.cree_le, d.etat, d.termine_le,
        essai.rang AS essais, essai.issue, lecture.lue_le
    FROM unnest(CAST(:numeros AS text[]), CAST(:versions AS int[])) AS voulu(numero, version)
    JOIN distribution d ON d.numero = voulu.numero AND d.version = voulu.version
    LEFT JOIN LATERAL (
        SELECT rang, CASE WHEN terminee_le <= :au THEN issue END AS issue FROM tentative
        WHERE distribution = d.id AND commencee_le <= :au ORDER BY rang DESC LIMIT 1) AS essai ON true
    LEFT JOIN LATERAL (
        SELECT min(lu_le) AS lue_le FROM retrait
        WHERE distribution = d.id AND lu_le <= :au) AS lecture ON true
    WHERE d.cree_le <= :au
        AND (CAST(:guichets AS text[]) IS NULL OR d.guichet = ANY(CAST(:guichets AS text[])))
    ORDER BY d.guichet, d.sequence
""")


def read_sorts(
    conn: Connection,
    versions: Sequence[tuple[str, int]],
    *,
    au: datetime,
    guichets: Collection[str] | None = None,
) -> dict[tuple[str, int], list[Sort]]:
    """The distributions of these versions of demandes that were made by `au`, as they then stood; to these
    guichets, or to all."""
    values = {
        "numeros": [numero for numero, _ in versions],
        "versions": [version for _, version in versions],
        "au": au,
        "guichets": None if guichets is None else list(guichets),
    }
    found: dict[tuple[str, int], list[Sort]] = {}
    for row in conn.execute(_READ, values):
        found.setdefault((row.numero, row.version), []).append(_sort(row, au))
    return found


def _sort(row: Row[Any], au: datetime) -> Sort:
    ended = row.etat in (Etat.ACQUITTEE, Etat.RETIREE) and row.termine_le <= au
    return Sort(
        guichet=row.guichet,
        sequence=row.sequence,
        raison=Raison(row.raison),
        cree_le=row.cree_le,
        stade=Stade(row.etat) if ended else Stade.EN_ATTENTE,
        termine_le=row.termine_le if ended else None,
        essais=row.essais or 0,
        issue=row.issue or "",
        lue_le=row.lue_le,
    )
