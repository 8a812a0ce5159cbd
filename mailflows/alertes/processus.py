"""The processes of the hub, each telling itself in the database: the others know it by that alone."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, delete, select, text

from mailflows.alertes.faits import ProcessusVu
from mailflows.alertes.regles_hub import MUET
from mailflows.alertes.tables import PROCESSUS
from registry.surveillance_certificats import Surveille

_OUBLI: Final = timedelta(days=30)
"""A process that died without a word, and that no other has replaced, is told of for so long."""


@dataclass(frozen=True, slots=True)
class Signe:
    """What a process says of itself. codes: of what keeps it from being ready."""

    id: uuid.UUID
    machine: str
    pid: int
    roles: tuple[str, ...]
    codes: tuple[str, ...]
    disque_libre: float | None = None
    certificats: Sequence[Surveille] = ()


_TELL: Final = text("""
    INSERT INTO processus (id, machine, pid, roles, pret, codes, depuis_le, vu_le, disque_libre, certificats)
    VALUES (:id, :machine, :pid, :roles, :pret, :codes, :instant, :instant, :disque_libre,
        CAST(:certificats AS jsonb))
    ON CONFLICT (id) DO UPDATE SET pret = excluded.pret, codes = excluded.codes,
        vu_le = excluded.vu_le, disque_libre = excluded.disque_libre, certificats = excluded.certificats,
        depuis_le = CASE WHEN processus.pret = excluded.pret THEN processus.depuis_le
            ELSE excluded.vu_le END
""")
# Dead, and each of its roles is had by a process that told itself after it.
_FORGET: Final = text("""
    DELETE FROM processus p
    WHERE p.vu_le < :muet AND (p.vu_le < :oubli
        OR p.roles <@ ARRAY(SELECT unnest(q.roles) FROM processus q WHERE q.vu_le > p.vu_le))
""")


def tell_processus(conn: Connection, signe: Signe, *, instant: datetime) -> None:
    """Say that this process lives, and how it is."""
    conn.execute(
        _TELL,
        {
            "id": signe.id,
            "machine": signe.machine,
            "pid": signe.pid,
            "roles": list(signe.roles),
            "pret": not signe.codes,
            "codes": list(signe.codes),
            "instant": instant,
            "disque_libre": signe.disque_libre,
            "certificats": msgspec.json.encode(list(signe.certificats)).decode(),
        },
    )


def withdraw_processus(conn: Connection, identifiant: uuid.UUID) -> None:
    """It stops in good order: nobody is to look for it."""
    conn.execute(delete(PROCESSUS).where(PROCESSUS.c.id == identifiant))


def forget_processus(conn: Connection, instant: datetime) -> None:
    """Forget the dead that others have replaced."""
    conn.execute(_FORGET, {"muet": instant - MUET, "oubli": instant - _OUBLI})


def list_processus(conn: Connection) -> tuple[ProcessusVu, ...]:
    """Those that told themselves, the dead that nobody replaced included."""
    table = PROCESSUS.c
    return tuple(_seen(row) for row in conn.execute(select(PROCESSUS).order_by(table.machine, table.pid)))


def list_certificats_du_hub(conn: Connection) -> tuple[Surveille, ...]:
    """The certificates of the hub that its processes read, each once."""
    found: dict[str, Surveille] = {}
    for certificats in conn.scalars(select(PROCESSUS.c.certificats).order_by(PROCESSUS.c.vu_le)):
        found |= {each.empreinte: each for each in msgspec.convert(certificats, list[Surveille])}
    return tuple(found.values())


def _seen(row: Row[Any]) -> ProcessusVu:
    return ProcessusVu(
        row.machine,
        row.pid,
        tuple(row.roles),
        row.pret,
        tuple(row.codes),
        row.depuis_le,
        row.vu_le,
        row.disque_libre,
    )
