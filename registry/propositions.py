"""The next certificate of a guichet, proposed by one of its agents, decided by who manages it.

Proposing gives no right: the certificate opens nothing before it is accepted, and is judged again then.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects.postgresql import insert

from registry.certificats import CertificatEpingle, judge_pin, pin_certificat
from registry.constats import Constat
from registry.tables_certificats import PROPOSITION_CERTIFICAT
from registry.usages_certificats import UsageCertificat

_TABLE = PROPOSITION_CERTIFICAT.c


class Decision(StrEnum):
    """What became of a proposal. Stored; never renamed."""

    ACCEPTEE = "acceptee"
    REFUSEE = "refusee"


@dataclass(frozen=True, slots=True)
class Proposition:
    """A certificate that waits to be decided. usages: as asked, empty: all that its key allows."""

    id: uuid.UUID
    guichet: str
    empreinte: str
    sujet: str
    valide_du: datetime
    valide_au: datetime
    usages: frozenset[UsageCertificat]
    actif_du: datetime | None
    proposee_par: str
    proposee_le: datetime


def propose(
    conn: Connection,
    code: str,
    data: bytes,
    *,
    par: str,
    instant: datetime,
    usages: frozenset[UsageCertificat] = frozenset(),
    actif_du: datetime | None = None,
) -> Proposition | tuple[Constat, ...]:
    """Propose a certificate (PEM or DER) for a guichet, or say why it could not be accepted as it is.

    Proposed again before it is decided, the same certificate replaces what was asked of it.
    """
    epingle = judge_pin(conn, code, data, instant=instant, usages=usages, actif_du=actif_du)
    if not isinstance(epingle, CertificatEpingle):
        return epingle
    values = {
        "usages": sorted(usages) or None,
        "actif_du": actif_du,
        "proposee_par": par,
        "proposee_le": instant,
    }
    pose = insert(PROPOSITION_CERTIFICAT).values(
        id=uuid.uuid4(),
        guichet=code,
        empreinte=epingle.empreinte,
        sujet=epingle.sujet,
        valide_du=epingle.valide_du,
        valide_au=epingle.valide_au,
        pem=epingle.pem.decode("ascii"),
        **values,
    )
    kept = conn.execute(
        pose.on_conflict_do_update(
            index_elements=["guichet", "empreinte"],
            index_where=_TABLE.decidee_le.is_(None),
            set_=values,
        ).returning(PROPOSITION_CERTIFICAT)
    ).one()
    return _proposition(kept)


def list_propositions(conn: Connection, *codes: str) -> tuple[Proposition, ...]:
    """Those that wait, of these guichets or of all, oldest first."""
    query = select(PROPOSITION_CERTIFICAT).where(_TABLE.decidee_le.is_(None)).order_by(_TABLE.proposee_le)
    if codes:
        query = query.where(_TABLE.guichet.in_(codes))
    return tuple(_proposition(row) for row in conn.execute(query))


def accept(
    conn: Connection, identifiant: uuid.UUID, *, par: str, instant: datetime
) -> CertificatEpingle | tuple[Constat, ...]:
    """Register a certificate proposed, as it was asked, or say why it no longer can be; it then waits on."""
    row = _waiting(conn, identifiant)
    if row is None:
        return (_unknown(identifiant),)
    epingle = pin_certificat(
        conn,
        row.guichet,
        row.pem.encode("ascii"),
        instant=instant,
        usages=frozenset(UsageCertificat(each) for each in row.usages or ()),
        actif_du=row.actif_du,
    )
    if isinstance(epingle, CertificatEpingle):
        _decide(conn, identifiant, Decision.ACCEPTEE, par, instant)
    return epingle


def refuse(conn: Connection, identifiant: uuid.UUID, *, par: str, instant: datetime) -> tuple[Constat, ...]:
    """Set a certificate proposed aside. Empty answer when done."""
    if _waiting(conn, identifiant) is None:
        return (_unknown(identifiant),)
    _decide(conn, identifiant, Decision.REFUSEE, par, instant)
    return ()


def _waiting(conn: Connection, identifiant: uuid.UUID) -> Row[Any] | None:
    query = select(PROPOSITION_CERTIFICAT).where(_TABLE.id == identifiant, _TABLE.decidee_le.is_(None))
    return conn.execute(query.with_for_update()).first()


def _decide(
    conn: Connection, identifiant: uuid.UUID, decision: Decision, par: str, instant: datetime
) -> None:
    values = {"decidee_le": instant, "decidee_par": par, "decision": decision.value}
    conn.execute(update(PROPOSITION_CERTIFICAT).where(_TABLE.id == identifiant).values(values))


def _unknown(identifiant: uuid.UUID) -> Constat:
    return Constat("PROPOSITION-INCONNUE", "proposition", f"aucune proposition {identifiant} n'attend")


def _proposition(row: Row[Any]) -> Proposition:
    return Proposition(
        row.id,
        row.guichet,
        row.empreinte,
        row.sujet,
        row.valide_du,
        row.valide_au,
        frozenset(UsageCertificat(each) for each in row.usages or ()),
        row.actif_du,
        row.proposee_par,
        row.proposee_le,
    )
