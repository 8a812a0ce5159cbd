"""The cut-off of the asynchronous channel: announced at a date, for a partner or for all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, text

from registry.constats import Constat
from registry.controles import PARIS
from registry.guichets_store import get_guichet
from registry.moments import say_moment

TOUS: Final = ""
"""Stands for all the guichets."""

TOUJOURS: Final = datetime.min.replace(tzinfo=UTC)
"""When what the configuration announces was announced."""


@dataclass(frozen=True, slots=True)
class Fermeture:
    """A cut-off. guichet: a code, or `TOUS`."""

    guichet: str
    ferme_le: datetime
    annoncee_le: datetime


_SET: Final = text("""
    INSERT INTO fermeture_courrier (guichet, ferme_le, annoncee_le) VALUES (:guichet, :ferme_le, :annoncee_le)
    ON CONFLICT (guichet) DO UPDATE
        SET ferme_le = excluded.ferme_le, annoncee_le = excluded.annoncee_le
""")


def close(
    conn: Connection, guichet: str, ferme_le: datetime, *, annoncee_le: datetime
) -> tuple[Constat, ...]:
    """Announce that the channel closes (aware instants); replaces the one before. Empty when done."""
    if guichet != TOUS and get_guichet(conn, guichet) is None:
        return (Constat("GUICHET-INCONNU", "guichet", f"le guichet {guichet} n'existe pas"),)
    if annoncee_le > ferme_le:
        return (Constat("FERMETURE-DATE", "le", "la fermeture est annoncée avant de prendre effet"),)
    conn.execute(_SET, {"guichet": guichet, "ferme_le": ferme_le, "annoncee_le": annoncee_le})
    return ()


def reopen(conn: Connection, guichet: str) -> tuple[Constat, ...]:
    """Take an announcement back. Empty when done."""
    if not conn.execute(
        text("DELETE FROM fermeture_courrier WHERE guichet = :guichet"), {"guichet": guichet}
    ).rowcount:
        return (Constat("FERMETURE-ABSENTE", "guichet", "aucune fermeture n'est annoncée"),)
    return ()


def list_fermetures(conn: Connection) -> tuple[Fermeture, ...]:
    """All the announcements; that for all comes first."""
    lignes = conn.execute(
        text("SELECT guichet, ferme_le, annoncee_le FROM fermeture_courrier ORDER BY guichet")
    )
    return tuple(Fermeture(*ligne) for ligne in lignes)


def configured(le: str) -> Fermeture | None:
    """The cut-off for all that the configuration announces; None when it announces none. Pure.

    le: a day or an instant in ISO 8601, of Paris; or empty. Raises ValueError when there is no such day.
    """
    if not le:
        return None
    return Fermeture(TOUS, datetime.fromisoformat(le).replace(tzinfo=PARIS), TOUJOURS)


def find(conn: Connection, guichet: str, configuree: Fermeture | None) -> Fermeture | None:
    """The earliest cut-off that concerns a guichet, of those announced by a command and by the configuration
    ([COU-60])."""
    fixe = () if configuree is None else (configuree,)
    return fermeture_of((*list_fermetures(conn), *fixe), guichet)


def fermeture_of(fermetures: tuple[Fermeture, ...], guichet: str) -> Fermeture | None:
    """The earliest cut-off that concerns a guichet. Pure."""
    concerned = [each for each in fermetures if each.guichet in (TOUS, guichet)]
    return min(concerned, key=lambda each: each.ferme_le, default=None)


def is_closed(fermeture: Fermeture | None, instant: datetime) -> bool:
    """True from the instant of the cut-off on. Pure."""
    return fermeture is not None and instant >= fermeture.ferme_le


def warning_of(fermeture: Fermeture | None, instant: datetime) -> tuple[str, ...]:
    """What the accusés say between the announcement and the cut-off. Pure."""
    if fermeture is None or not fermeture.annoncee_le <= instant < fermeture.ferme_le:
        return ()
    jours = (fermeture.ferme_le - instant).days
    delai = f"dans {jours} jours" if jours > 1 else "dans moins de deux jours"
    return (
        f"Le canal asynchrone ferme le {say_moment(fermeture.ferme_le)}, {delai} : passez aux services SOAP.",
    )
