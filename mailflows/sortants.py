"""The messages of ours that wait, leave and are acknowledged, in the database.

An attempt is written before it is made: its row, and the instant of the next one, at the end of a lease. The
content is kept as what is to be signed: it is signed and encrypted at each attempt, for the certificate that
the guichet has then.
"""

from __future__ import annotations

import hashlib
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, select, text

from mailflows.entrants import CLASSE_VERROU, notify
from mailflows.etats import DU, Etat, Evenement, ReglesEnvoi, Situation, follow
from mailflows.tables import COURRIER_SORTANT, COURRIER_TENTATIVE

BAIL: Final = timedelta(minutes=2)
"""How long an attempt is one process's own: more than a sealing and a dialogue with the relay."""

INTERROMPUE: Final = "interrompue"
"""Issue of an attempt whose process died."""

_LEVEL: Final = 1


class NatureSortant(StrEnum):
    """What a message of ours is."""

    REPONSE = "reponse"
    REFUS = "refus"
    AVIS = "avis"
    """Answers nothing: the end of a certificate is told ([CER-54])."""
    MANIFESTE = "manifeste"
    """Answers nothing: the manifests of the last days ([DST-66])."""
    REPETITION = "repetition"
    """Tries the next keys ([CER-57]); made with them, and no other."""


@dataclass(frozen=True, slots=True)
class ASortir:
    """A message to be written. entite: what is to be signed. partie: from 1.

    entrant: the message that it answers; its own identifier when it answers none.
    """

    id: uuid.UUID
    guichet: str
    nature: NatureSortant
    entrant: uuid.UUID
    partie: int
    parties: int
    entite: bytes
    accuse_attendu: bool = False


@dataclass(frozen=True, slots=True)
class Sortant:
    """A message as kept."""

    id: uuid.UUID
    guichet: str
    nature: NatureSortant
    entrant: uuid.UUID
    partie: int
    parties: int
    empreinte: bytes
    situation: Situation
    tentatives: int
    cree_le: datetime
    termine_le: datetime | None
    detail: str


@dataclass(frozen=True, slots=True)
class Tentative:
    """One attempt. issue: empty while it is being made."""

    rang: int
    commencee_le: datetime
    terminee_le: datetime | None
    issue: str
    detail: str


@dataclass(frozen=True, slots=True)
class Depart:
    """A message taken to be sent. message_id: of the message that it answers."""

    sortant: Sortant
    entite: bytes
    message_id: str


_TAKE: Final = text("""
    WITH dus AS (
        SELECT id FROM courrier_sortant
        WHERE prochaine_tentative <= :instant AND etat = 'a_envoyer'
        ORDER BY prochaine_tentative LIMIT :nombre FOR UPDATE SKIP LOCKED
    ), pris AS (
        UPDATE courrier_sortant s SET tentatives = s.tentatives + 1, prochaine_tentative = :fin_du_bail
        FROM dus WHERE s.id = dus.id RETURNING s.*
    ), ecrites AS (
        INSERT INTO courrier_tentative (courrier, rang, commencee_le, porteur)
        SELECT id, tentatives, :instant, :porteur FROM pris
    )
    SELECT pris.*, c.octets, coalesce(e.message_id, '') AS message_id FROM pris
    JOIN courrier_contenu c ON c.courrier = pris.id
    LEFT JOIN courrier_entrant e ON e.id = pris.entrant
""")
_EXPIRED: Final = text("""
    SELECT * FROM courrier_sortant WHERE prochaine_tentative <= :instant AND etat = 'attend_accuse'
    ORDER BY prochaine_tentative LIMIT 100 FOR UPDATE SKIP LOCKED
""")
_WRITE: Final = text("""
    UPDATE courrier_sortant SET etat = :etat, prochaine_tentative = :prochaine, echecs = :echecs,
        departs = :departs, detail = :detail, termine_le = :termine_le
    WHERE id = :id
""")
_CLOSE: Final = text("""
    UPDATE courrier_tentative SET terminee_le = :instant, issue = :issue, detail = :detail
    WHERE courrier = :id AND rang = :rang
""")
_TAKE_BACK: Final = text("""
    WITH mortes AS (
        UPDATE courrier_tentative t SET terminee_le = :instant, issue = 'interrompue'
        WHERE t.terminee_le IS NULL AND NOT EXISTS (
            SELECT FROM pg_locks l
            WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND l.classid::bigint = :classe AND l.objid::bigint = t.porteur)
        RETURNING t.courrier, t.rang
    )
    UPDATE courrier_sortant s SET prochaine_tentative = :instant
    FROM mortes WHERE s.id = mortes.courrier AND s.tentatives = mortes.rang AND s.etat = 'a_envoyer'
""")


def write(conn: Connection, messages: Sequence[ASortir], *, instant: datetime) -> None:
    """Put messages in the outbox, in the transaction that makes them true."""
    for message in messages:
        conn.execute(
            text("""
                INSERT INTO courrier_sortant (id, guichet, nature, entrant, partie, parties, empreinte, etat,
                    accuse_attendu, prochaine_tentative, cree_le)
                VALUES (:id, :guichet, :nature, :entrant, :partie, :parties, :empreinte, 'a_envoyer',
                    :accuse_attendu, :instant, :instant)
            """),
            {
                "id": message.id,
                "guichet": message.guichet,
                "nature": message.nature.value,
                "entrant": message.entrant,
                "partie": message.partie,
                "parties": message.parties,
                "empreinte": hashlib.sha256(message.entite).digest(),
                "accuse_attendu": message.accuse_attendu,
                "instant": instant,
            },
        )
        conn.execute(
            text("INSERT INTO courrier_contenu (courrier, octets) VALUES (:id, :octets)"),
            {"id": message.id, "octets": zlib.compress(message.entite, _LEVEL)},
        )
    if messages:
        notify(conn)


def take(conn: Connection, *, instant: datetime, porteur: int, nombre: int) -> list[Depart]:
    """Take messages that are due, and write their attempts; to be sent once this is committed, not before."""
    valeurs = {"instant": instant, "fin_du_bail": instant + BAIL, "porteur": porteur, "nombre": nombre}
    return [
        Depart(sortant_of(ligne), zlib.decompress(ligne.octets), ligne.message_id)
        for ligne in conn.execute(_TAKE, valeurs)
    ]


def take_back(conn: Connection, *, instant: datetime) -> int:
    """Make due at once what dead processes were sending; how many."""
    return conn.execute(_TAKE_BACK, {"instant": instant, "classe": CLASSE_VERROU}).rowcount


def finish(
    conn: Connection,
    sortant: Sortant,
    evenement: Evenement,
    detail: str,
    *,
    instant: datetime,
    regles: ReglesEnvoi,
) -> Situation | None:
    """Record the end of the attempt `sortant.tentatives`; None when the message is gone."""
    conn.execute(
        _CLOSE,
        {
            "id": sortant.id,
            "rang": sortant.tentatives,
            "instant": instant,
            "issue": evenement.value,
            "detail": detail[:500],
        },
    )
    return apply(conn, sortant.id, evenement, detail, instant=instant, regles=regles)


def apply(
    conn: Connection,
    identifiant: uuid.UUID,
    evenement: Evenement,
    detail: str = "",
    *,
    instant: datetime,
    regles: ReglesEnvoi,
    guichet: str | None = None,
) -> Situation | None:
    """Let something happen to a message; its situation, or None when (this guichet) has no such message."""
    query = select(COURRIER_SORTANT).where(COURRIER_SORTANT.c.id == identifiant).with_for_update()
    if guichet is not None:
        query = query.where(COURRIER_SORTANT.c.guichet == guichet)
    ligne = conn.execute(query).first()
    if ligne is None:
        return None
    sortant = sortant_of(ligne)
    suite = follow(sortant.situation, evenement, instant, regles)
    if suite != sortant.situation:
        _write(conn, sortant, suite, detail, instant)
    return suite


def remind(conn: Connection, *, instant: datetime, regles: ReglesEnvoi) -> int:
    """Let the wait for the accusés that did not come end; how many."""
    lignes = conn.execute(_EXPIRED, {"instant": instant}).all()
    for ligne in lignes:
        sortant = sortant_of(ligne)
        suite = follow(sortant.situation, Evenement.ECHEANCE, instant, regles)
        detail = "aucun accusé" if suite.etat is Etat.ECHEC else "accusé en retard : rappel"
        _write(conn, sortant, suite, detail, instant)
    return len(lignes)


def get_sortant(conn: Connection, identifiant: uuid.UUID) -> Sortant | None:
    """The message of that identifier."""
    ligne = conn.execute(select(COURRIER_SORTANT).where(COURRIER_SORTANT.c.id == identifiant)).first()
    return None if ligne is None else sortant_of(ligne)


def list_sortants(
    conn: Connection,
    *,
    limite: int = 50,
    guichet: str | None = None,
    etat: Etat | None = None,
    entrant: uuid.UUID | None = None,
) -> tuple[Sortant, ...]:
    """The latest messages, newest first."""
    query = select(COURRIER_SORTANT).order_by(COURRIER_SORTANT.c.id.desc()).limit(limite)
    if guichet is not None:
        query = query.where(COURRIER_SORTANT.c.guichet == guichet)
    if etat is not None:
        query = query.where(COURRIER_SORTANT.c.etat == etat.value)
    if entrant is not None:
        query = query.where(COURRIER_SORTANT.c.entrant == entrant)
    return tuple(sortant_of(ligne) for ligne in conn.execute(query))


def list_tentatives(conn: Connection, identifiant: uuid.UUID) -> tuple[Tentative, ...]:
    """The attempts of a message, in order."""
    table = COURRIER_TENTATIVE.c
    lignes = conn.execute(
        select(table.rang, table.commencee_le, table.terminee_le, table.issue, table.detail)
        .where(table.courrier == identifiant)
        .order_by(table.rang)
    )
    return tuple(Tentative(r, debut, fin, issue or "", detail) for r, debut, fin, issue, detail in lignes)


def _write(conn: Connection, sortant: Sortant, suite: Situation, detail: str, instant: datetime) -> None:
    conn.execute(
        _WRITE,
        {
            "id": sortant.id,
            "etat": suite.etat.value,
            "prochaine": suite.prochaine,
            "echecs": suite.echecs,
            "departs": suite.departs,
            "detail": detail[:500],
            "termine_le": None if suite.etat in DU else instant,
        },
    )
    if suite.etat is Etat.A_ENVOYER:
        notify(conn)


def sortant_of(ligne: Row[Any]) -> Sortant:
    """The message of a row of COURRIER_SORTANT."""
    return Sortant(
        id=ligne.id,
        guichet=ligne.guichet,
        nature=NatureSortant(ligne.nature),
        entrant=ligne.entrant,
        partie=ligne.partie,
        parties=ligne.parties,
        empreinte=ligne.empreinte,
        situation=Situation(
            Etat(ligne.etat), ligne.accuse_attendu, ligne.prochaine_tentative, ligne.echecs, ligne.departs
        ),
        tentatives=ligne.tentatives,
        cree_le=ligne.cree_le,
        termine_le=ligne.termine_le,
        detail=ligne.detail,
    )
