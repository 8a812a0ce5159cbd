"""What has not arrived, as a page shows it: counts that stop at a bound, whatever waits ([DST-21], [DST-45]).

Guichet by guichet; `dispatching.ampleur` adds them. `dispatching.attente` and `dispatching.rebut` count all
of it, for the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from dispatching.transport import Cause
from registry.guichets import CanalDistribution

PLAFOND: Final = 1_000
"""A count above it says no more than that. Threat: a guichet that was silent for a year has a million."""


@dataclass(frozen=True, slots=True)
class Arriere:
    """What one guichet has not acknowledged. en_attente, en_echec: one more than the bound
    for more. attend_depuis_le, echoue_depuis_le: when the oldest was made. retrait_le: when it last came, or
    None."""

    guichet: str
    nom: str
    canal: CanalDistribution
    actif: bool
    en_attente: int
    en_echec: int
    attend_depuis_le: datetime | None
    echoue_depuis_le: datetime | None
    retrait_le: datetime | None

    @property
    def depuis_le(self) -> datetime:
        """When the oldest of them all was made."""
        return _first(self.attend_depuis_le, self.echoue_depuis_le)


@dataclass(frozen=True, slots=True)
class Rejet:
    """What failed for good for one guichet and one cause, of the first PLAFOND + 1 of the guichet."""

    guichet: str
    cause: Cause | None
    nombre: int
    premier_le: datetime
    dernier_le: datetime


# From one guichet that has something to the next, by the partial indexes: those that have nothing, most of
# them, cost nothing. Sequences follow time: the first one is the oldest.
_HAVE: Final = """{nom}(code) AS (
        (SELECT guichet FROM distribution WHERE etat = '{etat}' ORDER BY guichet LIMIT 1)
        UNION ALL SELECT (SELECT guichet FROM distribution WHERE etat = '{etat}' AND guichet > {nom}.code
            ORDER BY guichet LIMIT 1) FROM {nom} WHERE {nom}.code IS NOT NULL
    )"""
WAIT: Final = _HAVE.format(nom="attend", etat="en_attente")
FAIL: Final = _HAVE.format(nom="echoue", etat="echec")
WAITS_SINCE: Final = """(SELECT min(cree_le) FROM (
                (SELECT cree_le FROM distribution WHERE guichet = g.code AND etat = 'en_attente'
                    AND NOT differee ORDER BY sequence LIMIT 1)
                UNION ALL
                (SELECT cree_le FROM distribution WHERE guichet = g.code AND etat = 'en_attente'
                    AND differee ORDER BY sequence LIMIT 1)) AS premieres)"""
"""When the oldest that waits for guichet g was made."""
OF_THOSE: Final = {False: "", True: "WHERE code IN (SELECT unnest(CAST(:codes AS text[])))"}
"""The condition on those guichets, or on none, by whether some are asked for."""
_OLDEST: Final = {
    some: text(f"""
        WITH RECURSIVE {WAIT}, {FAIL}, siens AS (
            SELECT code FROM (SELECT code FROM attend UNION SELECT code FROM echoue) AS tous {wanted})
        SELECT g.code, g.nom, g.canal, g.ferme_le IS NULL AS actif, p.vu_le AS retrait_le,
            {WAITS_SINCE} AS attend_depuis_le,
            (SELECT cree_le FROM distribution WHERE guichet = g.code AND etat = 'echec'
                ORDER BY sequence LIMIT 1) AS echoue_depuis_le
        FROM siens JOIN guichet g ON g.code = siens.code LEFT JOIN passage p ON p.guichet = g.code
    """)  # noqa: S608 (constant conditions)
    for some, wanted in OF_THOSE.items()
}
_COUNTS: Final = {
    etat: text(f"""
        SELECT g.code, (SELECT count(*) FROM (
            SELECT FROM distribution WHERE guichet = g.code AND etat = '{etat}' LIMIT :plafond) AS d
        ) AS nombre
        FROM unnest(CAST(:codes AS text[])) AS g(code)
    """)  # noqa: S608 (constant states)
    for etat in ("en_attente", "echec")
}
_FAILED: Final = {
    some: text(f"""
        WITH RECURSIVE {FAIL}, siens AS (SELECT code FROM echoue {wanted})
        SELECT d.guichet, d.cause, count(*) AS nombre, min(d.termine_le) AS premier_le,
            max(d.termine_le) AS dernier_le
        FROM siens
        CROSS JOIN LATERAL (
            SELECT guichet, cause, termine_le FROM distribution
            WHERE guichet = siens.code AND etat = 'echec' ORDER BY guichet, sequence LIMIT :plafond) AS d
        GROUP BY 1, 2 ORDER BY 1, 2
    """)  # noqa: S608 (constant conditions)
    for some, wanted in OF_THOSE.items()
}


def list_arrieres(
    conn: Connection,
    codes: Sequence[str] | None = None,
    *,
    plafond: int | None = None,
    debut: int = 0,
    nombre: int | None = None,
) -> tuple[Arriere, ...]:
    """The guichets that have something left to acknowledge, those that have waited longest first.

    codes: those guichets, or all. plafond: another bound than PLAFOND. debut, nombre: those of a page alone
    are counted.
    """
    bound = (PLAFOND if plafond is None else plafond) + 1
    rows = conn.execute(_OLDEST[codes is not None], values_of(codes)).all()
    rows = sorted(rows, key=lambda row: (_first(row.attend_depuis_le, row.echoue_depuis_le), row.code))
    shown = rows[debut:] if nombre is None else rows[debut : debut + nombre]
    waiting = _count(conn, "en_attente", [row.code for row in shown if row.attend_depuis_le], bound)
    failed = _count(conn, "echec", [row.code for row in shown if row.echoue_depuis_le], bound)
    return tuple(
        Arriere(
            row.code,
            row.nom,
            CanalDistribution(row.canal),
            row.actif,
            waiting.get(row.code, 0),
            failed.get(row.code, 0),
            row.attend_depuis_le,
            row.echoue_depuis_le,
            row.retrait_le,
        )
        for row in shown
    )


def by_canal(arrieres: Iterable[Arriere]) -> list[tuple[CanalDistribution, list[Arriere]]]:
    """Those of each channel that has some, in the order of their names. Pure."""
    found: dict[CanalDistribution, list[Arriere]] = {}
    for each in arrieres:
        found.setdefault(each.canal, []).append(each)
    return sorted(found.items())


def _count(conn: Connection, etat: str, codes: Sequence[str], bound: int) -> dict[str, int]:
    if not codes:
        return {}
    rows = conn.execute(_COUNTS[etat], {"codes": list(codes), "plafond": bound})
    return {row.code: row.nombre for row in rows}


def _first(*instants: datetime | None) -> datetime:
    return min(each for each in instants if each is not None)


def list_rejets(conn: Connection, codes: Sequence[str] | None = None) -> tuple[Rejet, ...]:
    """What has failed for good, by guichet and cause, for those guichets or for all."""
    return tuple(
        Rejet(row.guichet, row.cause and Cause(row.cause), row.nombre, row.premier_le, row.dernier_le)
        for row in conn.execute(_FAILED[codes is not None], {**values_of(codes), "plafond": PLAFOND + 1})
    )


def values_of(codes: Sequence[str] | None) -> dict[str, object]:
    """What `OF_THOSE` asks for. Pure."""
    return {} if codes is None else {"codes": list(codes)}
