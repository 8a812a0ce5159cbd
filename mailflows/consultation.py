"""The mails, received and sent, as people look for them: the latest first, in bounded readings."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Boolean, ColumnElement, Connection, literal_column, select, text

from mailflows.entrants import Entrant, EtatEntrant, entrant_of
from mailflows.etats import Etat
from mailflows.sortants import Sortant, sortant_of
from mailflows.tables import COURRIER_ENTRANT, COURRIER_SORTANT
from registry.fenetres import Visibles, between, read_window

_E: Final = COURRIER_ENTRANT.c
_S: Final = COURRIER_SORTANT.c
_QUARANTAINE: Final[ColumnElement[bool]] = literal_column("etat = 'quarantaine'", Boolean)
"""As its index is declared."""


@dataclass(frozen=True, slots=True)
class Entrants:
    """One page of mails received. suite: where the next one goes on, or empty."""

    courriers: tuple[Entrant, ...]
    suite: str = ""


@dataclass(frozen=True, slots=True)
class Sortants:
    """One page of mails sent, or to be sent."""

    courriers: tuple[Sortant, ...]
    suite: str = ""


@dataclass(frozen=True, slots=True)
class FichierRecu:
    """One file of a mail received, and what became of it."""

    rang: int
    nom: str
    operation: str
    echange: uuid.UUID
    verdict: str
    code: str
    numero: str


_FICHIERS: Final = text("""
    SELECT rang, nom, operation, echange, verdict, code, numero FROM courrier_fichier
    WHERE courrier = :id ORDER BY rang LIMIT :limite
""")
_PORTEUR: Final = text("SELECT courrier FROM courrier_fichier WHERE echange = :echange LIMIT 1")
_AVIS: Final = text("SELECT action, statut FROM courrier_avis WHERE objet = :id ORDER BY recu_le LIMIT 100")


def find_entrants(
    conn: Connection,
    visibles: Visibles,
    *,
    etat: EtatEntrant | None = None,
    du: datetime | None = None,
    avant: datetime | None = None,
    suite: str = "",
    limite: int = 50,
) -> Entrants:
    """Mails received, of the guichets that may be seen; those of nobody known are seen by whoever sees
    everything."""
    query = select(COURRIER_ENTRANT)
    if etat is EtatEntrant.QUARANTAINE:
        query = query.where(_QUARANTAINE)
    query = between(query, _E.id, du, avant, suite)
    lot = read_window(
        conn,
        query,
        _E.id,
        lambda c: (visibles(c.guichet), *((c.etat == etat.value,) if etat else ())),
        limite,
    )
    return Entrants(tuple(map(entrant_of, lot.lignes)), lot.suite)


def find_sortants(
    conn: Connection,
    visibles: Visibles,
    *,
    etat: Etat | None = None,
    du: datetime | None = None,
    avant: datetime | None = None,
    suite: str = "",
    limite: int = 50,
) -> Sortants:
    """Mails of ours, to the guichets that may be seen."""
    query = between(select(COURRIER_SORTANT), _S.id, du, avant, suite)
    lot = read_window(
        conn,
        query,
        _S.id,
        lambda c: (visibles(c.guichet), *((c.etat == etat.value,) if etat else ())),
        limite,
    )
    return Sortants(tuple(map(sortant_of, lot.lignes)), lot.suite)


def list_fichiers(conn: Connection, courrier: uuid.UUID, limite: int = 500) -> tuple[FichierRecu, ...]:
    """The files of a mail received, in its order."""
    rows = conn.execute(_FICHIERS, {"id": courrier, "limite": limite})
    return tuple(FichierRecu(**row._mapping) for row in rows)


def find_courrier_of(conn: Connection, echange: uuid.UUID) -> uuid.UUID | None:
    """The mail that brought that exchange, or None when it came otherwise."""
    found: uuid.UUID | None = conn.scalar(_PORTEUR, {"echange": echange})
    return found


def list_avis(conn: Connection, courrier: uuid.UUID) -> tuple[str, ...]:
    """What mail servers said of a mail of ours; nothing proves it."""
    return tuple(f"{row.action} {row.statut}" for row in conn.execute(_AVIS, {"id": courrier}))
