"""Sessions, kept by the server: the browser holds a token of chance, the base its SHA-256.

A session ends by itself after some time unused, after a longer time whatever happens, and at once when its
holder signs out, when its account is closed or no longer
certified, or its guichet closed. Signing in always makes a new token: one that a
browser already had, given by whoever, never becomes that of an account.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, insert, select, update

from console.agent import Agent
from console.profils import D_UN_GUICHET, ProfilCompte
from console.reglages import Console
from console.tables import COMPTE, SESSION_CONSOLE
from registry.guichets_store import get_guichet

_OCTETS: Final = 32
_PAS: Final = timedelta(minutes=1)
"""Step by which the last use of a session moves forward: reading pages writes at most once a minute."""
NAVIGATEUR_MAX: Final = 200


class Moyen(StrEnum):
    """How the holder of a session was recognised. Stored; never renamed."""

    CERTIFICAT = "certificat"
    MOT_DE_PASSE = "mot_de_passe"
    OIDC = "oidc"
    COMMANDE = "commande"
    """By whoever operates the hub, at the command line."""


MOYENS: Final = {
    Moyen.CERTIFICAT: "certificat",
    Moyen.MOT_DE_PASSE: "mot de passe",
    Moyen.OIDC: "ProConnect",
    Moyen.COMMANDE: "commande",
}


@dataclass(frozen=True, slots=True)
class Session:
    """An open session and its holder. perimee: its last use is to be written again (`touch`)."""

    empreinte: bytes
    agent: Agent
    perimee: bool


@dataclass(frozen=True, slots=True)
class SessionOuverte:
    """What is told of a session to its holder and to whoever manages his account."""

    empreinte: bytes
    ouverte_le: datetime
    vue_le: datetime
    moyen: Moyen
    adresse: str
    navigateur: str


def open_session(
    conn: Connection,
    compte: uuid.UUID,
    moyen: Moyen,
    reglages: Console,
    *,
    instant: datetime,
    adresse: str,
    navigateur: str = "",
) -> str:
    """Open a session; its token, to be given to the browser and kept nowhere else."""
    token = secrets.token_urlsafe(_OCTETS)
    row = {
        "empreinte": digest(token),
        "compte": compte,
        "ouverte_le": instant,
        "vue_le": instant,
        "expire_le": instant + timedelta(hours=reglages.duree_session),
        "moyen": moyen.value,
        "adresse": adresse,
        "navigateur": navigateur[:NAVIGATEUR_MAX],
    }
    conn.execute(insert(SESSION_CONSOLE).values(row))
    return token


def find_session(conn: Connection, token: str, reglages: Console, *, instant: datetime) -> Session | None:
    """The session of that token, while it lives."""
    if not token:
        return None
    query = (
        select(SESSION_CONSOLE, COMPTE)
        .join(COMPTE, COMPTE.c.id == SESSION_CONSOLE.c.compte)
        .where(
            SESSION_CONSOLE.c.empreinte == digest(token),
            SESSION_CONSOLE.c.fermee_le.is_(None),
            SESSION_CONSOLE.c.expire_le > instant,
            SESSION_CONSOLE.c.vue_le > instant - timedelta(minutes=reglages.inactivite),
            COMPTE.c.ferme_le.is_(None),
            COMPTE.c.certifie_le > instant - timedelta(days=reglages.certification),
        )
    )
    row = conn.execute(query).mappings().first()
    if row is None:
        return None
    profil = ProfilCompte(row[COMPTE.c.profil])
    guichet = get_guichet(conn, row[COMPTE.c.guichet]) if profil in D_UN_GUICHET else None
    if profil in D_UN_GUICHET and (guichet is None or not guichet.actif):
        return None
    agent = Agent(
        row[COMPTE.c.id],
        row[COMPTE.c.courriel],
        row[COMPTE.c.nom],
        profil,
        guichet,
        frozenset(row[COMPTE.c.territoires]),
        row[COMPTE.c.habilite],
    )
    return Session(row[SESSION_CONSOLE.c.empreinte], agent, row[SESSION_CONSOLE.c.vue_le] <= instant - _PAS)


def touch(conn: Connection, session: Session, *, instant: datetime) -> None:
    """Write that the session is in use."""
    conn.execute(
        update(SESSION_CONSOLE).where(SESSION_CONSOLE.c.empreinte == session.empreinte).values(vue_le=instant)
    )


def close_session(conn: Connection, empreinte: bytes, *, instant: datetime) -> None:
    """Close one session, if it is open."""
    _close(conn, [empreinte], instant)


def close_sessions(
    conn: Connection, compte: uuid.UUID, *, instant: datetime, sauf: bytes | None = None
) -> int:
    """Close all the sessions of an account, but one; how many."""
    kept = [each.empreinte for each in list_sessions(conn, compte, instant=instant) if each.empreinte != sauf]
    _close(conn, kept, instant)
    return len(kept)


def list_sessions(conn: Connection, compte: uuid.UUID, *, instant: datetime) -> tuple[SessionOuverte, ...]:
    """Those neither closed nor expired, the latest used first."""
    query = (
        select(SESSION_CONSOLE)
        .where(
            SESSION_CONSOLE.c.compte == compte,
            SESSION_CONSOLE.c.fermee_le.is_(None),
            SESSION_CONSOLE.c.expire_le > instant,
        )
        .order_by(SESSION_CONSOLE.c.vue_le.desc())
    )
    return tuple(
        SessionOuverte(
            row.empreinte, row.ouverte_le, row.vue_le, Moyen(row.moyen), row.adresse, row.navigateur
        )
        for row in conn.execute(query)
    )


def _close(conn: Connection, empreintes: Iterable[bytes], instant: datetime) -> None:
    conn.execute(
        update(SESSION_CONSOLE)
        .where(SESSION_CONSOLE.c.empreinte.in_(list(empreintes)), SESSION_CONSOLE.c.fermee_le.is_(None))
        .values(fermee_le=instant, jeton_oidc=None)
    )


def digest(token: str) -> bytes:
    """What the base keeps of a token."""
    return hashlib.sha256(token.encode()).digest()
