"""The rights of the guichets, in memory for the decisions, and kept as each decision used them.

The table `guichet` says how things are; a decision must be explained as things were. Whenever a decision
finds that the guichets have changed, it writes those whose right differs, under the generation that it has
just read, in its own transaction: one row per guichet and change, nothing per decision.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from registry.guichets import Guichet, TypeGuichet

_LAST: Final = text("""
    SELECT DISTINCT ON (guichet) guichet AS code, nom, type, territoires, communes, actif, generation
    FROM perimetre WHERE generation <= :generation ORDER BY guichet, perimetre.generation DESC
""")
_LAST_OF: Final = text("""
    SELECT guichet AS code, nom, type, territoires, communes, actif, generation
    FROM perimetre WHERE guichet = :guichet AND generation <= :generation ORDER BY generation DESC LIMIT 1
""")
# One statement, hence one snapshot: the generation is exactly that of the guichets read with it.
_NOW: Final = text("""
    SELECT code, nom, type, territoires, communes, ferme_le IS NULL AS actif,
        (SELECT valeur FROM generation WHERE generation.nom = 'identites') AS generation
    FROM guichet
""")
_KEEP: Final = text("""
    INSERT INTO perimetre (guichet, generation, nom, type, territoires, communes, actif)
    VALUES (:code, :generation, :nom, :type, :territoires, :communes, :actif)
    ON CONFLICT (guichet, generation) DO UPDATE SET nom = excluded.nom, type = excluded.type,
        territoires = excluded.territoires, communes = excluded.communes, actif = excluded.actif
""")
_HISTORY: Final = text("""
    SELECT guichet AS code, nom, type, territoires, communes, actif, generation FROM perimetre
    WHERE CAST(:guichets AS text[]) IS NULL OR guichet = ANY(CAST(:guichets AS text[]))
    ORDER BY guichet, generation
""")
_RETENUE: Final = text("SELECT coalesce(max(generation), 0) FROM perimetre")
_EVERY: Final = 2**62


class Perimetres:
    """The guichets as the decisions use them. Not thread-safe, like the decision itself.

    generation: of the guichets in memory. retenue: generation of the last row of `perimetre` known here.
    """

    def __init__(self) -> None:
        self.guichets: dict[str, Guichet] = {}
        self.generation = 0
        self.retenue = 0

    def refresh(self, conn: Connection, generation: int, retenue: int) -> None:
        """Follow the database, in the deciding transaction, which holds the lock of the chain.

        generation: value of the generation 'identites'; retenue: greatest generation of `perimetre`, 0 when
        it is empty; both just read. When `retenue` is not the one known, another process has written, or what
        we wrote was rolled back: all is compared again.
        """
        if generation == self.generation and retenue == self.retenue:
            return
        kept = {row.code: _guichet(row) for row in conn.execute(_LAST, {"generation": _EVERY})}
        rows = conn.execute(_NOW).all()
        now = {row.code: _guichet(row) for row in rows}
        changed = [guichet for guichet in now.values() if kept.get(guichet.code) != guichet]
        if rows:
            generation = rows[0].generation
        if changed:
            conn.execute(_KEEP, [_row(guichet, generation) for guichet in changed])
            retenue = generation
        self.guichets, self.generation, self.retenue = now, generation, retenue


def last_perimetre(conn: Connection) -> int:
    """Generation of the last row of `perimetre`, 0 when it is empty."""
    return int(conn.execute(_RETENUE).scalar_one())


def perimetre_at(conn: Connection, guichet: str, generation: int) -> Guichet | None:
    """The guichet as decisions of this generation of perimeters used it; None when they did not know it.

    Only what a right depends on is filled: no SIREN, no address.
    """
    row = conn.execute(_LAST_OF, {"guichet": guichet, "generation": generation}).first()
    return None if row is None else _guichet(row)


@dataclass(frozen=True, slots=True)
class Perimetre:
    """A guichet as decisions used it from that generation on. Only what a right depends on is filled."""

    guichet: Guichet
    generation: int


def read_perimetres(conn: Connection, guichet: str | Collection[str] | None = None) -> tuple[Perimetre, ...]:
    """All that decisions used of one guichet, of these, or of all, by code and generation."""
    codes = [guichet] if isinstance(guichet, str) else guichet
    rows = conn.execute(_HISTORY, {"guichets": None if codes is None else sorted(codes)})
    return tuple(Perimetre(_guichet(row), row.generation) for row in rows)


def _guichet(row: Row[Any]) -> Guichet:
    return Guichet(
        code=row.code,
        nom=row.nom,
        type=TypeGuichet(row.type),
        siren="",
        territoires=frozenset(row.territoires),
        communes=frozenset(row.communes),
        actif=row.actif,
    )


def _row(guichet: Guichet, generation: int) -> dict[str, object]:
    return {
        "code": guichet.code,
        "generation": generation,
        "nom": guichet.nom,
        "type": guichet.type.value,
        "territoires": sorted(guichet.territoires),
        "communes": sorted(guichet.communes),
        "actif": guichet.actif,
    }
