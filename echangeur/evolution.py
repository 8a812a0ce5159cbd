"""The documents that a hub has recorded, given again to schemas that are being studied.

Received: the files of the messages that are still kept, SOAP and mail. Sent: the distributions, whose bytes
are always the same. The answers to calls are not kept, hence not here. One message in so many may be taken:
always the same ones, so that two studies compare.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from dispatching.fichier import write_contenu
from registry.anomalies import Anomalie
from registry.echanges import Canal
from registry.fenetres import first_id
from schemas.evolution.rejeu import Rejeu, Sens
from soap.relecture import read_documents

_PAGE: Final = 100
"""Messages read at once: one may have some 8 MB."""

_RANGE: Final = """
    {cle} > :apres AND {cle} < :avant AND (:un_sur = 1 OR abs(hashtext({cle}::text)::bigint) % :un_sur = 0)
"""
_RECUS: Final = f"""
    FROM echange e JOIN echange_brut b ON b.echange = e.id
    WHERE e.canal IN ('{Canal.SOAP}', '{Canal.COURRIER}') AND {_RANGE.format(cle="e.id")}
"""
_EMIS: Final = f"""
    FROM distribution d JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    WHERE {_RANGE.format(cle="d.id")}
"""
_COUNT: Final = text(f"SELECT (SELECT count(*) {_RECUS}) + (SELECT count(*) {_EMIS})")
_READ: Final = {
    Sens.RECU: text(f"SELECT e.id, e.guichet, e.canal, b.octets {_RECUS} ORDER BY e.id LIMIT {_PAGE}"),
    Sens.EMIS: text(
        f"SELECT d.id, d.guichet, d.nature, d.cree_le, d.interface, v.document {_EMIS}"
        f" ORDER BY d.id LIMIT {_PAGE}"
    ),
}
_FIN: Final = uuid.UUID(int=(1 << 128) - 1)


@dataclass(frozen=True, slots=True)
class Periode:
    """What is replayed. du, avant: instants, `avant` excluded; None: no bound. un_sur: one message in so
    many, from 1."""

    du: datetime | None = None
    avant: datetime | None = None
    un_sur: int = 1

    def values(self) -> dict[str, object]:
        """The bounds, for a query by identifiers of version 7."""
        return {
            "apres": first_id(self.du) if self.du else uuid.UUID(int=0),
            "avant": first_id(self.avant) if self.avant else _FIN,
            "un_sur": self.un_sur,
        }


def count_recorded(conn: Connection, periode: Periode) -> int:
    """How many messages `replay` will read."""
    return int(conn.execute(_COUNT, periode.values()).scalar_one())


def replay(conn: Connection, rejeu: Rejeu, periode: Periode, advance: Callable[[], None]) -> None:
    """Give every recorded document of a period to `rejeu`. advance: called after each message."""
    for sens in Sens:
        for row in _rows(conn, sens, periode):
            documents = _received(row) if sens is Sens.RECU else (_sent(row),)
            if isinstance(documents, Anomalie):
                rejeu.illisibles += 1
            else:
                for document in documents:
                    rejeu.add(row.guichet, sens, document)
            advance()


def _rows(conn: Connection, sens: Sens, periode: Periode) -> Iterator[Row[Any]]:
    values = periode.values()
    while rows := conn.execute(_READ[sens], values).all():
        yield from rows
        values["apres"] = rows[-1].id


def _received(row: Row[Any]) -> tuple[bytes, ...] | Anomalie:
    octets = zlib.decompress(row.octets)
    return read_documents(octets) if row.canal == Canal.SOAP else (octets,)


def _sent(row: Row[Any]) -> bytes:
    return write_contenu(row.document, row.nature, row.cree_le, row.interface)
