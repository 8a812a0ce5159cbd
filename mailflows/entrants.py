"""The messages received, kept: raw bytes first, then what became of them.

The raw bytes are written before anything looks at them (conception, décision 8), and the sender is told that
we have the message only after that commit. An attempt to handle one is written before it is made; when the
process dies, the message is due again at once, because its advisory lock is free.
"""

from __future__ import annotations

import hashlib
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, select, text

from dispatching.deliveries import uuid7s
from dispatching.retry import next_delay
from mailflows.tables import COURRIER_BRUT, COURRIER_ENTRANT

CANAL_NOTIFICATION: Final = "courrier"
"""Channel of NOTIFY: told at the commit of a transaction that made mail due, in or out."""

CLASSE_VERROU: Final = 0x636F_7572
"""First key of the advisory locks by which the processes that handle mail prove that they live."""

BAIL: Final = timedelta(minutes=30)
"""How long a message is one process's own, should the death of that process not be seen: a batch of tens of
thousands of files takes some minutes."""

_LEVEL: Final = 1


class Source(StrEnum):
    """How a message reached us."""

    SMTP = "smtp"
    LMTP = "lmtp"
    IMAP = "imap"


class EtatEntrant(StrEnum):
    """What became of a message. Stored; never renamed."""

    RECU = "recu"
    """To be handled, or being handled."""
    TRAITE = "traite"
    """Handled; its answers are written."""
    QUARANTAINE = "quarantaine"
    """Refused, with its reason; a known partner was told."""


class Nature(StrEnum):
    """What a message turned out to be."""

    FICHIERS = "fichiers"
    ACCUSE = "accuse"
    AVIS = "avis"
    """A notice of a mail server (DSN): unsigned."""


@dataclass(frozen=True, slots=True)
class Depot:
    """A message as it comes. expediteur: of its envelope, unproven. cle_source: what names it where it was
    read, or None."""

    source: Source
    octets: bytes
    expediteur: str
    recu_le: datetime
    cle_source: str | None = None


@dataclass(frozen=True, slots=True)
class Entrant:
    """A message as kept."""

    id: uuid.UUID
    source: Source
    cle_source: str | None
    expediteur: str
    message_id: str
    recu_le: datetime
    taille: int
    empreinte: bytes
    etat: EtatEntrant
    nature: str
    guichet: str | None
    certificat: str | None
    contenu: bytes | None
    doublon_de: uuid.UUID | None
    fichiers: int
    code: str
    motif: str
    tentatives: int
    termine_le: datetime | None


@dataclass(slots=True)
class Pris:
    """A message taken to be handled. tentatives: attempts, this one included. taille: in octets."""

    id: uuid.UUID
    source: Source
    _octets: bytes = field(repr=False)
    expediteur: str
    recu_le: datetime
    tentatives: int
    taille: int

    def give(self) -> bytes:
        """The message as received; once, so that it is held no longer than by whoever reads it."""
        octets, self._octets = self._octets, b""
        return octets


_TAKE: Final = text("""
    UPDATE courrier_entrant e
    SET tentatives = tentatives + 1, prochaine_tentative = :fin_du_bail, porteur = :porteur
    FROM (
        SELECT id, row_number() OVER ordre AS rang, sum(taille) OVER ordre AS cumul FROM (
            SELECT id, taille, prochaine_tentative FROM courrier_entrant
            WHERE etat = 'recu' AND prochaine_tentative <= :instant
            ORDER BY prochaine_tentative, id LIMIT :nombre FOR UPDATE SKIP LOCKED
        ) AS dus
        WINDOW ordre AS (ORDER BY prochaine_tentative, id)
    ) AS du, courrier_brut b
    WHERE e.id = du.id AND b.courrier = e.id AND (du.cumul <= :octets OR (du.rang = 1 AND :seul))
    RETURNING e.id, e.source, b.octets, e.expediteur, e.recu_le, e.tentatives, e.taille
""")
# Whose lock is free is dead: what it held is due at once, and the attempt stays counted, lest a message that
# kills the process do so for ever.
_TAKE_BACK: Final = text("""
    UPDATE courrier_entrant e SET prochaine_tentative = :instant, porteur = NULL
    WHERE e.etat = 'recu' AND e.porteur IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_locks l
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND l.classid::bigint = :classe AND l.objid::bigint = e.porteur)
""")
_POSTPONE: Final = text("""
    UPDATE courrier_entrant SET prochaine_tentative = :prochaine, porteur = NULL, motif = :motif
    WHERE id = :id AND etat = 'recu'
""")
_IDENTIFY: Final = text("""
    UPDATE courrier_entrant e SET guichet = :guichet, certificat = :certificat, contenu = :contenu,
        doublon_de = (
            SELECT a.id FROM courrier_entrant a
            WHERE a.contenu = :contenu AND a.guichet = :guichet AND a.etat = 'traite' AND a.id < :id
            ORDER BY a.id LIMIT 1)
    WHERE e.id = :id
    RETURNING doublon_de
""")
_CONCLUDE: Final = text("""
    UPDATE courrier_entrant SET etat = :etat, nature = :nature, code = :code, motif = :motif,
        fichiers = :fichiers, termine_le = :instant, porteur = NULL, message_id = :message_id,
        guichet = COALESCE(guichet, :guichet), certificat = COALESCE(certificat, :certificat)
    WHERE id = :id AND etat = 'recu'
""")
_REPLAY: Final = text("""
    UPDATE courrier_entrant SET etat = 'recu', prochaine_tentative = :instant, tentatives = 0, code = '',
        motif = '', termine_le = NULL, porteur = NULL, guichet = NULL, certificat = NULL, contenu = NULL,
        doublon_de = NULL, nature = ''
    WHERE etat = 'quarantaine' AND id = ANY(:ids)
        AND EXISTS (SELECT FROM courrier_brut WHERE courrier = id)
    RETURNING id
""")


def record(conn: Connection, depot: Depot) -> uuid.UUID | None:
    """Keep a message as it came; its identifier, or None when its source had given it before."""
    identifiant = uuid7s(depot.recu_le, 1)[0]
    pose = text("""
        INSERT INTO courrier_entrant (id, source, cle_source, expediteur, recu_le, taille, empreinte,
            prochaine_tentative)
        VALUES (:id, :source, :cle, :expediteur, :recu_le, :taille, :empreinte, :recu_le)
        ON CONFLICT (cle_source) DO NOTHING RETURNING id
    """)
    valeurs = {
        "id": identifiant,
        "source": depot.source.value,
        "cle": depot.cle_source,
        "expediteur": depot.expediteur[:320],
        "recu_le": depot.recu_le,
        "taille": len(depot.octets),
        "empreinte": hashlib.sha256(depot.octets).digest(),
    }
    if conn.execute(pose, valeurs).first() is None:
        return None
    brut = zlib.compress(depot.octets, _LEVEL)
    conn.execute(COURRIER_BRUT.insert().values(courrier=identifiant, octets=brut))
    notify(conn)
    return identifiant


def notify(conn: Connection) -> None:
    """Wake those who handle mail, at the commit."""
    conn.execute(text("SELECT pg_notify('courrier', '')"))


def take(
    conn: Connection, *, instant: datetime, porteur: int, nombre: int, octets: int, seul: bool
) -> list[Pris]:
    """Take messages that are due; to be handled once the transaction is committed, not before.

    octets: that they may hold together. seul: to take the first one whatever it holds; else, one that is too
    large waits, and keeps those behind it waiting, lest it wait for ever.
    """
    valeurs = {
        "instant": instant,
        "fin_du_bail": instant + BAIL,
        "porteur": porteur,
        "nombre": nombre,
        "octets": octets,
        "seul": seul,
    }
    return [
        Pris(
            ligne.id,
            Source(ligne.source),
            zlib.decompress(ligne.octets),
            ligne.expediteur,
            ligne.recu_le,
            ligne.tentatives,
            ligne.taille,
        )
        for ligne in conn.execute(_TAKE, valeurs)
    ]


def take_back(conn: Connection, *, instant: datetime) -> int:
    """Make due at once what dead processes held; how many."""
    return conn.execute(_TAKE_BACK, {"instant": instant, "classe": CLASSE_VERROU}).rowcount


def postpone(conn: Connection, pris: Pris, motif: str, *, instant: datetime) -> bool:
    """Try a message again later, after a failure of ours; False when it was tried enough."""
    delai = next_delay(pris.tentatives)
    if delai is None:
        return False
    conn.execute(_POSTPONE, {"id": pris.id, "prochaine": instant + delai, "motif": motif[:500]})
    return True


def identify(
    conn: Connection, identifiant: uuid.UUID, *, guichet: str, certificat: str, contenu: bytes
) -> uuid.UUID | None:
    """Write who signed what; the earlier message with the same content that was handled, if any."""
    ligne = conn.execute(
        _IDENTIFY,
        {"id": identifiant, "guichet": guichet, "certificat": certificat, "contenu": contenu},
    ).one()
    doublon: uuid.UUID | None = ligne.doublon_de
    return doublon


def conclude(
    conn: Connection,
    identifiant: uuid.UUID,
    etat: EtatEntrant,
    *,
    instant: datetime,
    nature: Nature | None = None,
    code: str = "",
    motif: str = "",
    fichiers: int = 0,
    guichet: str | None = None,
    certificat: str | None = None,
    message_id: str = "",
) -> bool:
    """Write what became of a message; False when another process already has."""
    return bool(
        conn.execute(
            _CONCLUDE,
            {
                "id": identifiant,
                "etat": etat.value,
                "nature": nature.value if nature else "",
                "code": code,
                "motif": motif[:500],
                "fichiers": fichiers,
                "instant": instant,
                "guichet": guichet,
                "certificat": certificat,
                "message_id": message_id,
            },
        ).rowcount
    )


def replay(conn: Connection, ids: Sequence[uuid.UUID], *, instant: datetime) -> list[uuid.UUID]:
    """Handle again messages that are in quarantine and were not purged; those that were taken."""
    rejoues = list(conn.scalars(_REPLAY, {"ids": list(ids), "instant": instant}))
    if rejoues:
        # What had been answered is answered anew, under the same identity of content.
        conn.execute(
            text("""
                WITH anciennes AS (
                    DELETE FROM courrier_sortant WHERE entrant = ANY(:ids) RETURNING id
                ), contenus AS (
                    DELETE FROM courrier_contenu WHERE courrier IN (SELECT id FROM anciennes)
                )
                DELETE FROM courrier_tentative WHERE courrier IN (SELECT id FROM anciennes)
            """),
            {"ids": rejoues},
        )
        notify(conn)
    return rejoues


def read_brut(conn: Connection, identifiant: uuid.UUID) -> bytes | None:
    """The message as received, or None when it is unknown or was purged. Nominative once opened."""
    octets = conn.execute(
        select(COURRIER_BRUT.c.octets).where(COURRIER_BRUT.c.courrier == identifiant)
    ).scalar_one_or_none()
    return None if octets is None else zlib.decompress(octets)


def get_entrant(conn: Connection, identifiant: uuid.UUID) -> Entrant | None:
    """The message of that identifier."""
    ligne = conn.execute(select(COURRIER_ENTRANT).where(COURRIER_ENTRANT.c.id == identifiant)).first()
    return None if ligne is None else entrant_of(ligne)


def list_entrants(
    conn: Connection,
    *,
    limite: int = 50,
    guichet: str | None = None,
    etat: EtatEntrant | None = None,
) -> tuple[Entrant, ...]:
    """The latest messages, newest first."""
    query = select(COURRIER_ENTRANT).order_by(COURRIER_ENTRANT.c.id.desc()).limit(limite)
    if guichet is not None:
        query = query.where(COURRIER_ENTRANT.c.guichet == guichet)
    if etat is not None:
        query = query.where(COURRIER_ENTRANT.c.etat == etat.value)
    return tuple(entrant_of(ligne) for ligne in conn.execute(query))


def entrant_of(ligne: Row[Any]) -> Entrant:
    """The message of a row of COURRIER_ENTRANT."""
    return Entrant(
        id=ligne.id,
        source=Source(ligne.source),
        cle_source=ligne.cle_source,
        expediteur=ligne.expediteur,
        message_id=ligne.message_id,
        recu_le=ligne.recu_le,
        taille=ligne.taille,
        empreinte=ligne.empreinte,
        etat=EtatEntrant(ligne.etat),
        nature=ligne.nature,
        guichet=ligne.guichet,
        certificat=ligne.certificat,
        contenu=ligne.contenu,
        doublon_de=ligne.doublon_de,
        fichiers=ligne.fichiers,
        code=ligne.code,
        motif=ligne.motif,
        tentatives=ligne.tentatives,
        termine_le=ligne.termine_le,
    )
