"""The acknowledgement that comes by itself: from a guichet that pulls, or by the receipt of a mail.

What one acknowledges is what one has read: the SHA-256 of the file proves it ([DST-25]). The file is written
again from the register to be compared, so nothing is kept for this but the register.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from dispatching import anomalies_distribution as catalogue
from dispatching.attempts import DELIVRER
from dispatching.deliveries import Etat
from dispatching.disjoncteurs import record_successes
from dispatching.fichier import LUS_ENSEMBLE, is_empreinte, write_contenu
from registry.anomalies import Anomalie
from registry.guichets import CanalDistribution


@dataclass(frozen=True, slots=True)
class Acquit:
    """What a guichet says that it has. empreinte: SHA-256 of the file, hexadecimal of either case."""

    sequence: int
    empreinte: str


@dataclass(frozen=True, slots=True)
class Acquittee:
    """It is acknowledged, since that instant: the same at each repetition."""

    sequence: int
    depuis_le: datetime


# In the order of the sequences, by everyone: no deadlock. The lock lasts until the end of the transaction.
_READ: Final = text("""
    SELECT d.id, d.sequence, d.etat, d.termine_le, d.nature, d.cree_le, d.interface, v.document
    FROM distribution d
    LEFT JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    WHERE d.guichet = :guichet AND d.sequence = ANY(:sequences)
    ORDER BY d.sequence FOR UPDATE OF d
""")
# What was put off behind them is due.
_ACKNOWLEDGE: Final = text(f"""
    WITH finies AS (
        UPDATE distribution SET etat = 'acquittee', termine_le = :instant, acquit = :echange, cause = NULL
        WHERE id = ANY(:ids) RETURNING numero, guichet, sequence
    )
    {DELIVRER}
""")  # noqa: S608 (constant expression)
_TELL: Final = text("SELECT pg_notify('distribution', '')")


def acknowledge(
    conn: Connection,
    guichet: str,
    acquits: Sequence[Acquit],
    *,
    instant: datetime,
    echange: uuid.UUID,
    canal: CanalDistribution = CanalDistribution.RETRAIT,
) -> list[Acquittee | Anomalie]:
    """Acknowledge distributions of a guichet; the answer to each, in order.

    In any order, as often as one likes; what was sent meanwhile by another channel, or has failed for good,
    is acknowledged all the same. echange: the exchange that brought the acknowledgements; canal: by what it
    came, which is thus known to work.
    """
    asked: dict[int, list[int]] = {}
    for rang, acquit in enumerate(acquits):
        asked.setdefault(acquit.sequence, []).append(rang)
    answers: list[Acquittee | Anomalie] = [
        catalogue.SEQUENCE_INCONNUE(str(acquit.sequence), guichet) for acquit in acquits
    ]
    done: set[uuid.UUID] = set()
    values = {"guichet": guichet, "sequences": sorted(asked)}
    options = {"stream_results": True, "yield_per": LUS_ENSEMBLE}
    for row in conn.execute(_READ, values, execution_options=options):
        for rang in asked[row.sequence]:
            refus = _compare(acquits[rang], row)
            known = row.etat == Etat.ACQUITTEE
            if refus is None and not known:
                done.add(row.id)
            answers[rang] = refus or Acquittee(row.sequence, row.termine_le if known else instant)
    if done:
        conn.execute(_ACKNOWLEDGE, {"instant": instant, "echange": echange, "ids": list(done)})
        record_successes(conn, {(guichet, canal)}, instant=instant)
        conn.execute(_TELL)
    return answers


def _compare(acquit: Acquit, row: Row[Any]) -> Anomalie | None:
    if row.etat == Etat.RETIREE:
        return catalogue.DISTRIBUTION_RETIREE(str(acquit.sequence))
    if row.document is None:
        # Acknowledged, then erased: there is nothing left to compare with, and nothing left to prove.
        return None
    given = acquit.empreinte.strip().lower()
    if not is_empreinte(given):
        return catalogue.EMPREINTE_MAL_FORMEE(str(acquit.sequence))
    contenu = write_contenu(row.document, row.nature, row.cree_le, row.interface)
    if given != hashlib.sha256(contenu).hexdigest():
        # Not what was expected: whoever has not the file would learn it here.
        return catalogue.EMPREINTE_AUTRE(str(acquit.sequence), given)
    return None
