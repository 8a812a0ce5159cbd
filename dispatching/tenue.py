"""Who held a demande at a past moment, told from what never changes: the decisions, the distributions, the
journal, the merges.

The table `detention` says who holds now. A guichet holds in its own right what it sent, what it deposited on
the portal, and what a demande that it held was merged into; it holds otherwise what it received, until a
notice of leaving ends it. The decision reads the table; explanations and time travel read this, and tests
hold them equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

from sqlalchemy import Row


@dataclass(frozen=True, slots=True)
class Tenue:
    """Who held a demande: in their own right, because they received it, and of these those let go of."""

    propres: frozenset[str] = frozenset()
    recus: frozenset[str] = frozenset()
    relachees: frozenset[str] = frozenset()

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """From the columns `propres` and `recus` of a statement made with this module."""
        propres = frozenset(row.propres)
        return cls(propres, frozenset(row.recus) - propres)

    @property
    def detenteurs(self) -> frozenset[str]:
        return self.propres | self.recus


def _columns(recues: str, envoyees: str, fusionnees: str) -> str:
    """The columns of a row `d` of the decisions. recues, envoyees, fusionnees: which distributions, decisions
    and merges come before."""
    # A notice of leaving ends what the sendings before it made.
    return f"""
        ARRAY(
            SELECT guichet FROM (
                SELECT DISTINCT ON (guichet) guichet, nature FROM distribution
                WHERE numero = d.numero AND {recues} ORDER BY guichet, sequence DESC) AS recue
            WHERE nature <> 'SOR') AS recus,
        ARRAY(
            SELECT auteur FROM decision WHERE numero = d.numero AND ({envoyees})
            UNION SELECT h.guichet FROM detention h
                WHERE h.numero = d.numero AND h.motif = 'fusion' AND {fusionnees}
            UNION SELECT p.guichet FROM demande_version une
                JOIN journal j ON j.sequence = une.sequence_journal
                JOIN journal p ON p.sequence = (NULLIF(j.detail, '')::json ->> 'depot')::bigint
                WHERE une.numero = d.numero AND une.version = 1) AS propres
    """  # noqa: S608 (constant conditions)


# Those that sent an event registered with this one hold the demande already. The merge is placed by the
# radiation that it made: two instants of two machines may be in the wrong order.
AVANT: Final = _columns(
    "version < d.version",
    "version < d.version OR decidee_le = d.decidee_le",
    """d.evenement > (
        SELECT min(r.evenement) FROM fusion f JOIN decision r ON r.numero = f.absorbee
        WHERE f.conservee = h.numero AND f.fusionnee_le = h.depuis_le AND r.decidee_le >= f.fusionnee_le)""",
)
"""Columns `recus` and `propres`: who held the demande before the event of the decision `d`. The first event
of a demande finds no holder, whatever they say."""

AU: Final = _columns("cree_le <= :au", "decidee_le <= :au", "h.depuis_le <= :au")
"""The same at the instant `:au`: whoever has sent or received the last event by then holds the demande."""
