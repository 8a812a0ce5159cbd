"""Who read what: one trace for each answer that bears nominative data (regles §12; clauses TRA).

The trace of an exchange is written with its outcome, in one statement (registry.exchanges_store); that of a
command of the operator, and that of a page of the console, here. It holds the numbers and nothing else of
the demandes, and outlives their data.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, Engine, insert, select, text

from registry.controles import PARIS
from registry.echanges import Canal
from registry.regles import Regles
from registry.tables_traces import TRACE_LECTURE
from registry.validite import add_months

EXPLOITANT: Final = "exploitant"
"""In place of a profile: whoever operates the hub, at the command line."""

_LOT: Final = 5_000


@dataclass(frozen=True, slots=True)
class Trace:
    """One reading. guichet, certificat: empty for the operator. echange: that of the answer, or the one whose
    message a command showed. numeros: empty when that message made no demande. objet: what was asked for,
    when it was more than these demandes: a guichet at a past instant."""

    lue_le: datetime
    guichet: str
    certificat: str
    profil: str
    utilisateur: str
    canal: Canal
    operation: str
    echange: uuid.UUID | None
    numeros: tuple[str, ...]
    objet: str = ""


def record_command(
    conn: Connection,
    commande: str,
    compte: str,
    numeros: Sequence[str],
    *,
    instant: datetime,
    echange: uuid.UUID | None = None,
    objet: str = "",
) -> None:
    """Keep that the operator, by that account of the machine, had a command show those demandes, or the
    message of that exchange. objet: as of `Trace`."""
    conn.execute(
        insert(TRACE_LECTURE),
        {
            "lue_le": instant,
            "guichet": "",
            "certificat": "",
            "profil": EXPLOITANT,
            "utilisateur": compte,
            "canal": Canal.TACHE.value,
            "operation": commande,
            "echange": echange,
            "numeros": list(numeros),
            "objet": objet,
        },
    )


def record_reading_of_agent(
    conn: Connection,
    operation: str,
    numeros: Sequence[str],
    *,
    guichet: str,
    profil: str,
    utilisateur: str,
    instant: datetime,
    echange: uuid.UUID | None = None,
    objet: str = "",
) -> None:
    """Keep that an agent of the console was shown those demandes, or the message of that exchange.

    guichet: his, or empty. profil: that of his account. utilisateur: the address of his account. objet: as of
    `Trace`.
    """
    conn.execute(
        insert(TRACE_LECTURE),
        {
            "lue_le": instant,
            "guichet": guichet,
            "certificat": "",
            "profil": profil,
            "utilisateur": utilisateur,
            "canal": Canal.CONSOLE.value,
            "operation": operation,
            "echange": echange,
            "numeros": list(numeros),
            "objet": objet,
        },
    )


def list_traces(
    conn: Connection, *, numero: str | None = None, guichet: str | None = None, limite: int = 50
) -> tuple[Trace, ...]:
    """The latest readings, newest first: of that demande, by that guichet."""
    query = select(TRACE_LECTURE).order_by(TRACE_LECTURE.c.id.desc()).limit(limite)
    if numero is not None:
        query = query.where(TRACE_LECTURE.c.numeros.contains([numero]))
    if guichet is not None:
        query = query.where(TRACE_LECTURE.c.guichet == guichet)
    return tuple(
        Trace(
            ligne.lue_le,
            ligne.guichet,
            ligne.certificat,
            ligne.profil,
            ligne.utilisateur,
            Canal(ligne.canal),
            ligne.operation,
            ligne.echange,
            tuple(ligne.numeros),
            ligne.objet,
        )
        for ligne in conn.execute(query)
    )


# A reading is due when the data of all the demandes that it showed have been erased for long enough.
_DUE: Final = text("""
    WITH lot AS MATERIALIZED (
        SELECT id, numeros FROM trace_lecture
        WHERE id > :apres AND lue_le < :limite ORDER BY id LIMIT :lot
    ), gardees AS (
        SELECT DISTINCT l.id FROM lot l CROSS JOIN unnest(l.numeros) AS n(numero)
        JOIN demande d ON d.numero = n.numero WHERE d.etat <> 'purgee' OR d.maj_le >= :limite
    )
    SELECT l.id, g.id IS NULL AS due FROM lot l LEFT JOIN gardees g ON g.id = l.id ORDER BY l.id
""")
_ERASE: Final = text("DELETE FROM trace_lecture WHERE id = ANY(CAST(:ids AS bigint[]))")


def erase_traces(
    engine: Engine,
    regles: Regles,
    instant: datetime,
    *,
    essai: bool = False,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Erase the traces that outlived the data by `regles.traces_mois`, a transaction a batch; how many.

    essai: how many would be.
    """
    jour = add_months(instant.astimezone(PARIS).date(), -regles.traces_mois)
    nombre, apres = 0, 0
    while True:
        with engine.begin() as conn:
            lot = conn.execute(_DUE, {"apres": apres, "limite": _midnight(jour), "lot": _LOT}).all()
            dues = [ligne.id for ligne in lot if ligne.due]
            if dues and not essai:
                conn.execute(_ERASE, {"ids": dues})
        if not lot:
            return nombre
        nombre, apres = nombre + len(dues), lot[-1].id
        if progress is not None:
            progress(len(lot))


def _midnight(jour: date) -> datetime:
    return datetime(jour.year, jour.month, jour.day, tzinfo=PARIS)
