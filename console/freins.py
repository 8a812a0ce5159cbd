"""How fast a password may be tried: counted in the base, so that all the processes agree.

Three counts. By account, for browsers never seen: a few tries, then longer and longer waits, a quarter of an
hour at most. By known browser, the same, apart: strangers who fail on an account do not keep out its holder,
who comes back with his. By address of the network, so that one machine cannot try every account. A wait is
never lengthened by what is tried during it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, select, text, update

from console.tables import FREIN_CONNEXION

OUBLI: Final = timedelta(hours=1)
"""Without a failure for so long, the count starts again."""


@dataclass(frozen=True, slots=True)
class Frein:
    """libres: failures that cost nothing. Then `pas`, doubled each time, `plafond` at most."""

    libres: int
    pas: timedelta = timedelta(seconds=30)
    plafond: timedelta = timedelta(minutes=15)

    def wait(self, echecs: int) -> timedelta:
        """How long to wait after that many failures in a row. Pure."""
        if echecs < self.libres:
            return timedelta()
        doublings: int = 1 << min(echecs - self.libres, 20)
        return min(self.pas * doublings, self.plafond)


COMPTE: Final = Frein(5)
APPAREIL: Final = Frein(10)
ADRESSE: Final = Frein(30)

_RESERVE: Final = text(
    "INSERT INTO frein_connexion (cle, echecs, dernier_le, attend_le) VALUES (:cle, 0, :instant, :instant)"
    " ON CONFLICT (cle) DO NOTHING"
)


def keys_of(courriel: str, adresse: str, appareil: bytes | None) -> dict[str, Frein]:
    """What counts an attempt on that account from there. appareil: the digest of a browser known to it."""
    keys = {f"adresse:{adresse}": ADRESSE}
    if appareil is None:
        # Unknown accounts are counted alike: a wait tells nobody which exist.
        keys[f"compte:{hashlib.sha256(courriel.encode()).hexdigest()}"] = COMPTE
    else:
        keys[f"appareil:{appareil.hex()}"] = APPAREIL
    return keys


def begin_attempt(conn: Connection, keys: Mapping[str, Frein], *, instant: datetime) -> timedelta | None:
    """Count one attempt as failed, before it is looked at: those made at the same time count each other. None
    when it may be; otherwise how long to wait, and nothing is counted.

    The rows stay locked until the end of the transaction, which must be committed.
    """
    for key in sorted(keys):
        conn.execute(_RESERVE, {"cle": key, "instant": instant})
    query = (
        select(FREIN_CONNEXION)
        .where(FREIN_CONNEXION.c.cle.in_(list(keys)))
        .order_by(FREIN_CONNEXION.c.cle)
        .with_for_update()
    )
    rows = conn.execute(query).all()
    wait: timedelta = max(row.attend_le - instant for row in rows)
    if wait > timedelta():
        return wait
    for row in rows:
        echecs = 1 if row.dernier_le <= instant - OUBLI else row.echecs + 1
        conn.execute(
            update(FREIN_CONNEXION)
            .where(FREIN_CONNEXION.c.cle == row.cle)
            .values(echecs=echecs, dernier_le=instant, attend_le=instant + keys[row.cle].wait(echecs))
        )
    return None


def forgive(conn: Connection, keys: Mapping[str, Frein], *, instant: datetime) -> None:
    """The attempt succeeded: its account starts afresh, and one failure less for the address.

    What is old goes.
    """
    for key, frein in keys.items():
        row = FREIN_CONNEXION.c.cle == key
        if frein is ADRESSE:
            # Not forgotten: whoever has an account of his own would clear it to try those of others.
            echecs = FREIN_CONNEXION.c.echecs - 1
            conn.execute(update(FREIN_CONNEXION).where(row).values(echecs=echecs, attend_le=instant))
        else:
            conn.execute(delete(FREIN_CONNEXION).where(row))
    conn.execute(delete(FREIN_CONNEXION).where(FREIN_CONNEXION.c.dernier_le < instant - 24 * OUBLI))
