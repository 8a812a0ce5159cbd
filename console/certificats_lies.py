"""Client certificates that open an account: tied, presented, withdrawn.

A tied certificate is trusted by itself in the handshake of the console, whatever its authority, as those of
partners are by the services (docs/decisions/0060): what it opens is decided here, by its fingerprint, and its
dates are judged at our own clock.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from certs.lecture import Certificat, CertificatIllisible, read_certificat
from certs.verification import Motif, Usage, Verdict, verify
from console.tables import COMPTE_CERTIFICAT
from registry.certificats import refusal_of
from registry.constats import Constat

_C: Final = COMPTE_CERTIFICAT.c


@dataclass(frozen=True, slots=True)
class CertificatLie:
    """A certificate that opens an account."""

    empreinte: str
    sujet: str
    valide_au: datetime


def link_certificat(
    conn: Connection, compte: uuid.UUID, data: bytes, *, instant: datetime
) -> tuple[Constat, ...]:
    """Let a certificate (PEM or DER; the leaf of a chain) open an account ([CSL-34]); what is wrong with it,
    or nothing when done. One that no handshake would let through is refused here, where somebody reads why.
    """
    lu = read_certificat(data)
    if isinstance(lu, CertificatIllisible):
        return (refusal_of(lu),)
    verdict = judge(lu, max(instant, lu.valide_du))
    if not verdict.accepte:
        return (refusal_of(verdict),)
    row = {
        "empreinte": lu.empreinte,
        "compte": compte,
        "sujet": lu.sujet,
        "valide_au": lu.valide_au,
        "pem": lu.pem.decode("ascii"),
        "lie_le": instant,
    }
    pose = insert(COMPTE_CERTIFICAT).values(row).on_conflict_do_nothing()
    if conn.execute(pose.returning(_C.empreinte)).first() is None:
        return (Constat("CERTIFICAT-PRIS", "certificat", "il ouvre déjà un compte"),)
    return ()


def judge(lu: Certificat, instant: datetime) -> Verdict:
    """May that certificate be presented in a handshake at that instant? Pure."""
    verdict = verify(lu, Usage.CLIENT, at=instant)
    if verdict.accepte and not lu.authentifie:
        # That of a card that signs documents, beside the one that authenticates: OpenSSL refuses it.
        return Verdict(
            Motif.USAGE,
            "Le certificat ne sert pas à s'authentifier.",
            "keyUsage sans digitalSignature ni keyAgreement",
            "digitalSignature",
        )
    return verdict


def unlink_certificat(conn: Connection, compte: uuid.UUID, empreinte: str) -> None:
    """Let a certificate open that account no more."""
    conn.execute(COMPTE_CERTIFICAT.delete().where(_C.compte == compte, _C.empreinte == empreinte))


def find_compte_of(conn: Connection, empreinte: str, *, instant: datetime) -> uuid.UUID | None:
    """The account that a certificate opens at that instant."""
    row = conn.execute(select(_C.compte, _C.pem).where(_C.empreinte == empreinte)).first()
    lu = None if row is None else read_certificat(row.pem.encode("ascii"))
    if row is None or not isinstance(lu, Certificat) or not judge(lu, instant).accepte:
        return None
    found: uuid.UUID = row.compte
    return found


def list_certificats_lies(conn: Connection, compte: uuid.UUID) -> tuple[CertificatLie, ...]:
    """Those of an account."""
    query = select(COMPTE_CERTIFICAT).where(_C.compte == compte)
    return tuple(CertificatLie(row.empreinte, row.sujet, row.valide_au) for row in conn.execute(query))


def list_epingles(conn: Connection) -> tuple[bytes, ...]:
    """All of them, in PEM, for certs.tls.trust."""
    return tuple(pem.encode("ascii") for pem in conn.scalars(select(_C.pem)))
