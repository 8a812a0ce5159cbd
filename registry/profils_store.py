"""The profiles given to certificates: a row for those that do not have the default one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from registry.generations import Generation, bump
from registry.profils import Profil
from registry.tables_pieces import PROFIL_CERTIFICAT


def read_profils(conn: Connection) -> Mapping[str, Profil]:
    """The profile that the gestionnaire gave, by empreinte of certificate."""
    query = select(PROFIL_CERTIFICAT.c.empreinte, PROFIL_CERTIFICAT.c.profil)
    return {ligne.empreinte: Profil(ligne.profil) for ligne in conn.execute(query)}


def set_profil(conn: Connection, empreinte: str, profil: Profil, *, instant: datetime) -> None:
    """Give a profile to a certificate, in place of the one it had; running servers follow within a second."""
    ligne = {"empreinte": empreinte, "profil": profil.value, "depuis_le": instant}
    pose = insert(PROFIL_CERTIFICAT).values(ligne)
    conn.execute(pose.on_conflict_do_update(index_elements=["empreinte"], set_=ligne))
    bump(conn, Generation.IDENTITES)
