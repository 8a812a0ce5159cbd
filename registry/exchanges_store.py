"""The exchanges, kept: each message as it came, and what became of it.

Order of an inbound message (design, decision 8): the raw bytes are recorded before anything is understood.

Durability. Receptions and outcomes are written with ``synchronous_commit = off``: their commit does not wait
for the disk. The WAL is sequential, so the durable commit of the registration, which comes after, flushes
them with itself: whatever was acknowledged has its raw bytes on disk. A power cut may lose the last 0.6 s
(three times ``wal_writer_delay``) of messages that were never answered, or the mere mark of an outcome, which
the journal still tells by the identifier of the exchange.
"""

from __future__ import annotations

import hashlib
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, Row, select, text

from registry.echanges import Canal, Echange
from registry.lignes import encode_rows
from registry.profils import Profil
from registry.tables import ECHANGE, ECHANGE_BRUT


class Statut(StrEnum):
    """What became of an exchange."""

    RECU = "recu"
    """Received; being handled, or interrupted when it stays so."""
    ACCEPTE = "accepte"
    REJEU = "rejeu"
    """Seen before: got the first answer."""
    REFUSE = "refuse"
    """Answered with anomalies: it is the partner's turn."""
    ECHEC = "echec"
    """We failed: it is our turn."""


@dataclass(frozen=True, slots=True)
class Lues:
    """The demandes whose registered data an answer bears: their numbers, and to whom it was given."""

    numeros: tuple[str, ...]
    profil: Profil
    utilisateur: str = ""


@dataclass(frozen=True, slots=True)
class Issue:
    """The outcome of an exchange.

    code: that of the first anomalie, or empty. numero: that of the demande concerned, or empty.
    lues: what is to be traced ([TRA-1]), when nominative data leave with the answer.
    """

    echange: uuid.UUID
    statut: Statut
    termine_le: datetime
    code: str = ""
    numero: str = ""
    lues: Lues | None = None


@dataclass(frozen=True, slots=True)
class EchangeConnu:
    """An exchange as kept. empreinte: SHA-256 of the raw bytes; taille: their number."""

    id: uuid.UUID
    guichet: str
    certificat: str
    canal: Canal
    operation: str
    recu_le: datetime
    taille: int
    empreinte: bytes
    statut: Statut
    code: str
    numero: str
    termine_le: datetime | None


# Deflating here costs less than the pglz of the server and compresses better (docs/decisions/0017). Level 6
# would gain 9 % of the size for half as much time again.
_LEVEL: Final = 1

_RELAX: Final = text("SET LOCAL synchronous_commit = off")

# One round trip for both tables and the durability of their commit.
_RECORD: Final = text("""
    WITH sans_attente AS MATERIALIZED (
        SELECT set_config('synchronous_commit', 'off', true)
    ), recu AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST(:lot AS json)) AS r (id uuid, guichet text, certificat text,
            canal text, operation text, recu_le timestamptz, taille int, empreinte text, octets text)
        CROSS JOIN sans_attente
    ), brut AS (
        INSERT INTO echange_brut (echange, octets) SELECT id, decode(octets, 'base64') FROM recu
    )
    INSERT INTO echange (id, guichet, certificat, canal, operation, recu_le, taille, empreinte, statut)
    SELECT id, guichet, certificat, canal, operation, recu_le, taille, decode(empreinte, 'base64'), 'recu'
    FROM recu
""")

# One round trip for the outcomes and for the traces of what was read.
_CONCLUDE: Final = text("""
    WITH i AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST(:lot AS json)) AS i (id uuid, statut text, code text,
            numero text, termine_le timestamptz, lues text[], profil text, utilisateur text)
    ), e AS (
        UPDATE echange e SET statut = i.statut, code = NULLIF(i.code, ''), numero = NULLIF(i.numero, ''),
            termine_le = i.termine_le
        FROM i WHERE e.id = i.id
        RETURNING e.id, e.guichet, e.certificat, e.canal, e.operation
    )
    INSERT INTO trace_lecture
        (lue_le, guichet, certificat, profil, utilisateur, canal, operation, echange, numeros)
    SELECT i.termine_le, e.guichet, e.certificat, i.profil, i.utilisateur, e.canal, e.operation, e.id, i.lues
    FROM e JOIN i ON i.id = e.id WHERE i.lues IS NOT NULL
""")


def record_receptions(conn: Connection, echanges: Sequence[Echange]) -> None:
    """Write messages as received, before they are understood. The transaction should hold nothing else."""
    if not echanges:
        return
    conn.execute(_RECORD, {"lot": encode_rows(map(_reception, echanges))})


def _reception(echange: Echange) -> dict[str, object]:
    return {
        "id": echange.id,
        "guichet": echange.emetteur.guichet.code,
        "certificat": echange.emetteur.empreinte,
        "canal": echange.canal,
        "operation": echange.operation,
        "recu_le": echange.recu_le,
        "taille": len(echange.octets),
        "empreinte": hashlib.sha256(echange.octets).digest(),
        "octets": zlib.compress(echange.octets, _LEVEL),
    }


def record_outcomes(conn: Connection, issues: Sequence[Issue]) -> None:
    """Write what became of exchanges, and the trace of what they read; of those never received, nothing is
    kept.

    Leaves the durability of the transaction as it is: in a transaction of its own, call `relax` first; in
    that of a registration, the outcome commits with it.
    """
    if not issues:
        return
    lot = encode_rows(
        {
            "id": issue.echange,
            "statut": issue.statut,
            "code": issue.code,
            "numero": issue.numero,
            "termine_le": issue.termine_le,
            **_trace(issue.lues),
        }
        for issue in issues
    )
    conn.execute(_CONCLUDE, {"lot": lot})


def _trace(lues: Lues | None) -> dict[str, object]:
    if lues is None or not lues.numeros:
        return {}
    return {"lues": lues.numeros, "profil": lues.profil, "utilisateur": lues.utilisateur}


def relax(conn: Connection) -> None:
    """Let the commit of this transaction not wait for the disk: for receptions and outcomes, nothing else."""
    conn.execute(_RELAX)


def get_echange(conn: Connection, identifiant: uuid.UUID) -> EchangeConnu | None:
    """The exchange of that correlation identifier."""
    ligne = conn.execute(select(ECHANGE).where(ECHANGE.c.id == identifiant)).first()
    return None if ligne is None else echange_of(ligne)


def read_octets(conn: Connection, identifiant: uuid.UUID) -> bytes | None:
    """The raw bytes of an exchange, or None when it is unknown or they were purged. Nominative."""
    octets = conn.execute(
        select(ECHANGE_BRUT.c.octets).where(ECHANGE_BRUT.c.echange == identifiant)
    ).scalar_one_or_none()
    # We deflated it ourselves, after the edge had bounded its size: inflating needs no bound of its own.
    return None if octets is None else zlib.decompress(octets)


def list_echanges(
    conn: Connection,
    *,
    limite: int = 50,
    avant: uuid.UUID | None = None,
    guichet: str | None = None,
    statut: Statut | None = None,
) -> tuple[EchangeConnu, ...]:
    """The latest exchanges, newest first. avant: identifier of the last one of the page before."""
    query = select(ECHANGE).order_by(ECHANGE.c.id.desc()).limit(limite)
    if avant is not None:
        query = query.where(ECHANGE.c.id < avant)
    if guichet is not None:
        query = query.where(ECHANGE.c.guichet == guichet)
    if statut is not None:
        query = query.where(ECHANGE.c.statut == statut.value)
    return tuple(echange_of(ligne) for ligne in conn.execute(query))


def echange_of(ligne: Row[*tuple[object, ...]]) -> EchangeConnu:
    """The exchange of a row of ECHANGE."""
    return EchangeConnu(
        id=ligne.id,
        guichet=ligne.guichet,
        certificat=ligne.certificat,
        canal=Canal(ligne.canal),
        operation=ligne.operation,
        recu_le=ligne.recu_le,
        taille=ligne.taille,
        empreinte=ligne.empreinte,
        statut=Statut(ligne.statut),
        code=ligne.code or "",
        numero=ligne.numero or "",
        termine_le=ligne.termine_le,
    )
