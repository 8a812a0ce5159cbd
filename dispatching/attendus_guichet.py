"""Time travel for a guichet whole, a page at a time ([DST-85]).

A guichet concerns a small part of the decisions of the hub. Each page walks through those of a stretch of
time, keeps those that may concern it without reading a document, and judges a bounded number of them as
`dispatching.attendus` does.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from sqlalchemy import Connection, text

from dispatching.attendus import COLONNES, Attendu, compare, read_histoire
from registry.moments import say_second
from schemas.lecture import parse_instant

JUGEES: Final = 50
"""Decisions judged for one page, at most: each has its document read and the filters of then tried."""
LUES: Final = 2_000
"""Decisions walked through at once."""
_PAS: Final = timedelta(days=1)
_FENETRES: Final = 3
"""Stretches of time walked through for one page that finds little, at most."""
_DERNIER: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Curseur:
    """After a decision, in the order of their instants: where a page begins."""

    instant: datetime
    evenement: int = _DERNIER

    def __str__(self) -> str:
        return f"{self.instant.astimezone(UTC).isoformat()}_{self.evenement}"

    @classmethod
    def read(cls, texte: str) -> Self | None:
        """The cursor that a text writes, or None."""
        instant, _, evenement = texte.partition("_")
        found = parse_instant(instant)
        whole = evenement.isascii() and evenement.isdigit() and len(evenement) < 20
        if found is None or found.tzinfo is None or not whole or int(evenement) > _DERNIER:
            return None
        return cls(found, int(evenement))


@dataclass(frozen=True, slots=True)
class PageAttendus:
    """suite: where the next page begins; None at the end. A page may be empty while there is more."""

    attendus: tuple[Attendu, ...]
    suite: Curseur | None


# Rights never go beyond the territories that a guichet has had, but for what it holds, and leaves.
_FENETRE: Final = text("""
    SELECT f.numero, f.version, f.decidee_le, f.evenement,
        f.territoire = ANY(CAST(:territoires AS text[]))
            OR EXISTS (SELECT FROM distribution x WHERE x.numero = f.numero AND x.guichet = :guichet)
            OR EXISTS (SELECT FROM detention h WHERE h.numero = f.numero AND h.guichet = :guichet) AS concerne
    FROM (
        SELECT numero, version, decidee_le, evenement, territoire FROM decision
        WHERE decidee_le >= :du AND decidee_le <= :jusqua AND (decidee_le, evenement) > (:du, :apres)
            AND (CAST(:dans AS text[]) IS NULL OR territoire = ANY(CAST(:dans AS text[])))
        ORDER BY decidee_le, evenement LIMIT :lues
    ) AS f ORDER BY f.decidee_le, f.evenement
""")
_CHOISIES: Final = text(f"""
    SELECT {COLONNES}
    FROM unnest(CAST(:numeros AS text[]), CAST(:versions AS int[])) AS voulue(numero, version)
    JOIN decision d ON d.numero = voulue.numero AND d.version = voulue.version
    LEFT JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    ORDER BY d.decidee_le, d.evenement
""")  # noqa: S608 (constant columns)


def read_attendus(
    conn: Connection,
    guichet: str,
    *,
    du: Curseur,
    au: datetime,
    dans: Collection[str] | None = None,
    limite: int = JUGEES,
) -> PageAttendus:
    """What that guichet was to receive by `au` of the events decided after `du`, and what became of it.

    dans: only demandes of these territories, when whoever asks sees no other. limite: decisions judged.
    """
    histoire = read_histoire(conn, (guichet,))
    territoires = {code for each in histoire.perimetres for code in each.guichet.territoires}
    chosen: list[tuple[str, int]] = []
    cursor: Curseur | None = du
    for _ in range(_FENETRES):
        assert cursor is not None
        values = {
            "guichet": guichet,
            "territoires": sorted(territoires),
            "du": cursor.instant,
            "apres": cursor.evenement,
            "jusqua": (jusqua := min(au, cursor.instant + _PAS)),
            "dans": None if dans is None else sorted(dans),
            "lues": LUES,
        }
        rows = conn.execute(_FENETRE, values).all()
        kept = [row for row in rows if row.concerne][: limite - len(chosen)]
        chosen += [(row.numero, row.version) for row in kept]
        if len(chosen) == limite:
            cursor = Curseur(kept[-1].decidee_le, kept[-1].evenement)
        elif len(rows) == LUES:
            cursor = Curseur(rows[-1].decidee_le, rows[-1].evenement)
        else:
            cursor = None if jusqua == au else Curseur(jusqua)
        if cursor is None or len(chosen) == limite:
            break
    lot = conn.execute(
        _CHOISIES, {"numeros": [n for n, _ in chosen], "versions": [v for _, v in chosen]}
    ).all()
    return PageAttendus(tuple(compare(conn, lot, histoire, au=au)), cursor)


def tell_asked(guichet: str, *, debut: datetime, au: datetime) -> str:
    """What such a reading is of, for its trace ([TRA-7]). Pure."""
    return f"guichet {guichet} au {say_second(au)}, décisions prises depuis le {say_second(debut)}"
