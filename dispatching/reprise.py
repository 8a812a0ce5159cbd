"""Going on after a restoration, for one guichet: the numbers that it has, and that the registry gave and no
longer knows, are passed over ([EXP-25]).

The registry says that they are withdrawn, as it says of what was erased: the sequence has no gap, and what is
new never bears the number of what the guichet already has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from dispatching.deliveries import Etat
from dispatching.recipients import Raison
from registry.reprise import NATURE

_LOCK: Final = text("""
    INSERT INTO compteur_distribution (guichet, dernier) VALUES (:guichet, 0)
    ON CONFLICT (guichet) DO UPDATE SET dernier = compteur_distribution.dernier RETURNING dernier
""")
_PASS_OVER: Final = text("""
    INSERT INTO distribution (id, guichet, sequence, numero, version, nature, raison, cree_le, etat,
        prochaine_tentative, termine_le)
    SELECT gen_random_uuid(), :guichet, sequence, '', 0, :nature, :raison, :instant, :etat, :instant, :instant
    FROM generate_series(CAST(:premiere AS bigint), CAST(:derniere AS bigint)) AS sequence
""")
_MOVE_ON: Final = text("UPDATE compteur_distribution SET dernier = :derniere WHERE guichet = :guichet")
_DOUBLED: Final = text("""
    SELECT count(*) FROM distribution d WHERE d.guichet = :guichet AND d.sequence <= :derniere
    AND d.etat <> 'retiree'
    AND d.cree_le > (SELECT max(instant) FROM journal WHERE nature = :nature)
""")


@dataclass(frozen=True, slots=True)
class Passage:
    """Numbers passed over, from apres + 1 to derniere; none when the registry was there already.

    doublees: numbers up to derniere that were given again since the restoration, before this.
    """

    apres: int
    derniere: int
    doublees: int


def pass_over(conn: Connection, guichet: str, derniere: int, *, instant: datetime) -> Passage:
    """Never give to that guichet a number up to `derniere`, the last one that it has. The caller commits.

    instant: aware. Calling it again, or with a number that the registry gave itself, changes nothing.
    """
    apres: int = conn.execute(_LOCK, {"guichet": guichet}).scalar_one()
    values = {"guichet": guichet, "premiere": apres + 1, "derniere": derniere, "instant": instant}
    doublees: int = conn.execute(_DOUBLED, {**values, "nature": NATURE}).scalar_one()
    if derniere > apres:
        conn.execute(_PASS_OVER, {**values, "nature": NATURE, "raison": Raison.REPRISE, "etat": Etat.RETIREE})
        conn.execute(_MOVE_ON, values)
    return Passage(apres, max(apres, derniere), doublees)
