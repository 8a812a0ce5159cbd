"""The technical contact of a guichet: whom the alerts that concern it are told to, and after how long.

Apart from `guichet`: neither the reading right nor the channel depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from registry.constats import Constat
from registry.guichets_store import ADRESSE_COURRIER, get_guichet
from registry.tables_contacts import CONTACT_GUICHET

SILENCE_MAX: Final = 2_000
"""Hours of working time: most of a year."""


@dataclass(frozen=True, slots=True)
class Contact:
    """technique: mail address, or empty. silence: hours of working time that the guichet may be silent; 0: as
    long as it likes; None: as the configuration says."""

    technique: str = ""
    silence: int | None = None


def get_contact(conn: Connection, guichet: str) -> Contact:
    """The contact of a guichet; empty when it has none."""
    table = CONTACT_GUICHET.c
    row = conn.execute(select(table.technique, table.silence).where(table.guichet == guichet)).first()
    return Contact() if row is None else Contact(row.technique, row.silence)


def list_contacts(conn: Connection) -> Mapping[str, Contact]:
    """Those of all the guichets that have one, by code."""
    return {row.guichet: Contact(row.technique, row.silence) for row in conn.execute(select(CONTACT_GUICHET))}


def set_contact(conn: Connection, guichet: str, contact: Contact) -> tuple[Constat, ...]:
    """Change the contact of a guichet. Empty answer when done."""
    if get_guichet(conn, guichet) is None:
        return (Constat("GUICHET-INCONNU", "code", f"aucun guichet n'a le code {guichet}"),)
    found = []
    if contact.technique and not ADRESSE_COURRIER.fullmatch(contact.technique):
        texte = f"« {contact.technique} » n'est pas une adresse de courrier électronique"
        found.append(Constat("GUICHET-CONTACT", "technique", texte))
    if contact.silence is not None and not 0 <= contact.silence <= SILENCE_MAX:
        texte = f"{contact.silence} heures : attendu de 0 à {SILENCE_MAX}"
        found.append(Constat("GUICHET-SILENCE", "silence", texte))
    if found:
        return tuple(found)
    if contact == Contact():
        conn.execute(delete(CONTACT_GUICHET).where(CONTACT_GUICHET.c.guichet == guichet))
        return ()
    values = {"technique": contact.technique, "silence": contact.silence}
    pose = insert(CONTACT_GUICHET).values(guichet=guichet, **values)
    conn.execute(pose.on_conflict_do_update(index_elements=["guichet"], set_=values))
    return ()
