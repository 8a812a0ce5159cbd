"""The exchanges as people look for them: of a guichet, of all, by period, operation, outcome or demande."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, select, text

from registry.exchanges_store import EchangeConnu, Statut, echange_of
from registry.fenetres import Colonnes, Visibles, between, read_keys, read_window
from registry.tables import ECHANGE, ECHANGE_RARE

_E: Final = ECHANGE.c
_R: Final = ECHANGE_RARE.c
# Outcomes of few exchanges, which are found apart.
_RARES: Final = (Statut.REFUSE, Statut.ECHEC)
_DE_LA_DEMANDE_MAX: Final = 500
"""Exchanges of one demande that are told."""


@dataclass(frozen=True, slots=True)
class Recherche:
    """What is looked for; empty and None ask for nothing. du, avant: when it came; `avant` excluded."""

    guichet: str = ""
    numero: str = ""
    operation: str = ""
    statut: Statut | None = None
    code: str = ""
    canal: str = ""
    du: datetime | None = None
    avant: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trouves:
    """One page, the latest first. suite: where the next one goes on, or empty at the end; a page may be short
    of what was asked for while there is more."""

    echanges: tuple[EchangeConnu, ...]
    suite: str = ""


@dataclass(frozen=True, slots=True)
class Fait:
    """What an exchange made of a demande: its entry in the journal, and how many guichets were to receive
    it."""

    sequence: int
    nature: str
    version: int
    destinataires: int


# What changed the demande, by its versions; what read it, by the traces.
_DE_LA_DEMANDE: Final = text("""
    SELECT j.echange FROM demande_version v JOIN journal j ON j.sequence = v.sequence_journal
    WHERE v.numero = :numero AND j.echange IS NOT NULL
    UNION
    SELECT t.echange FROM trace_lecture t
    WHERE t.numeros @> ARRAY[CAST(:numero AS text)] AND t.echange IS NOT NULL
""")
_FAITS: Final = text("""
    SELECT j.sequence, j.nature, j.version, coalesce(d.destinataires, 0) AS destinataires
    FROM demande_version v JOIN journal j ON j.sequence = v.sequence_journal
    LEFT JOIN decision d ON d.numero = v.numero AND d.version = v.version
    WHERE v.numero = :numero AND j.echange = :echange ORDER BY j.sequence
""")


def find_echanges(
    conn: Connection, recherche: Recherche, visibles: Visibles, *, suite: str = "", limite: int = 50
) -> Trouves:
    """Look for exchanges, among those that may be seen. suite: `Trouves.suite` of the page before; another
    text starts at the beginning."""
    if recherche.numero:
        return _of_demande(conn, recherche, visibles)
    rares = recherche.statut in _RARES
    source = _R if rares else _E
    keys: Select[Any] = select(source.id, source.guichet)
    if rares:
        keys = keys.where(_R.statut == recherche.statut)
    if recherche.guichet:
        keys = keys.where(source.guichet == recherche.guichet)
    keys = between(keys, source.id, recherche.du, recherche.avant, suite)
    if recherche.guichet or rares:
        lot = read_keys(
            conn,
            select(ECHANGE),
            _E.id,
            keys,
            lambda found, rows: (visibles(found.guichet), *_conditions(recherche, rows)),
            limite,
        )
    else:
        lot = read_window(
            conn,
            between(select(ECHANGE), _E.id, recherche.du, recherche.avant, suite),
            _E.id,
            lambda c: (visibles(c.guichet), *_conditions(recherche, c)),
            limite,
        )
    return Trouves(tuple(map(echange_of, lot.lignes)), lot.suite)


def list_faits(conn: Connection, echange: EchangeConnu) -> tuple[Fait, ...]:
    """What that exchange made of the demande that it names."""
    values = {"numero": echange.numero, "echange": echange.id}
    rows = conn.execute(_FAITS, values) if echange.numero else ()
    return tuple(Fait(row.sequence, row.nature, row.version, row.destinataires) for row in rows)


def _of_demande(conn: Connection, recherche: Recherche, visibles: Visibles) -> Trouves:
    ids: list[uuid.UUID] = list(conn.scalars(_DE_LA_DEMANDE, {"numero": recherche.numero}))
    query = select(ECHANGE).where(_E.id.in_(ids), visibles(_E.guichet), *_conditions(recherche, _E))
    if recherche.guichet:
        query = query.where(_E.guichet == recherche.guichet)
    query = between(query, _E.id, recherche.du, recherche.avant, "")
    rows = conn.execute(query.order_by(_E.id.desc()).limit(_DE_LA_DEMANDE_MAX))
    return Trouves(tuple(map(echange_of, rows)))


def _conditions(recherche: Recherche, columns: Colonnes) -> list[ColumnElement[bool]]:
    wanted: dict[str, Any] = {
        "operation": recherche.operation,
        "statut": recherche.statut and recherche.statut.value,
        "code": recherche.code,
        "canal": recherche.canal,
    }
    return [columns[name] == value for name, value in wanted.items() if value]
