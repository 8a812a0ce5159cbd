"""What of the base is sealed (console.coffre), and sealed again: at the start, and when a key changes.

[CSL-39] A copy of the base alone gives no second factor: neither the secret of a telephone, of an account or
of an invitation, nor the codes that replace it, whose digests could otherwise be searched for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, case, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from console.coffre import Coffre
from console.tables import CLE_SCELLEMENT, CODE_SECOURS, COMPTE, INVITATION, SESSION_CONSOLE


@dataclass(frozen=True, slots=True)
class Scelle:
    """A column that is sealed. proprietaire: the column of whom or what its secret belongs to."""

    table: Table
    colonne: str
    proprietaire: str

    def contexte(self, proprietaire: object) -> str:
        """What the secret of that owner is sealed for: it opens nowhere else."""
        owner = proprietaire.hex() if isinstance(proprietaire, bytes) else proprietaire
        return f"{self.table.name}.{self.colonne}:{owner}"

    @property
    def cle(self) -> ColumnElement[str]:
        """The identifier of the key that sealed it; empty in clear, without dot; null for no secret."""
        column = self.table.c[self.colonne]
        return case((column.contains("."), func.split_part(column, ".", 1)), (column.is_not(None), ""))


TOTP: Final = Scelle(COMPTE, "totp", "id")
TOTP_INVITATION: Final = Scelle(INVITATION, "totp", "compte")
CODE: Final = Scelle(CODE_SECOURS, "empreinte", "compte")
JETON: Final = Scelle(SESSION_CONSOLE, "jeton_oidc", "empreinte")
SCELLES: Final = (TOTP, TOTP_INVITATION, CODE, JETON)


def seal_rows(conn: Connection, coffre: Coffre) -> int:
    """Seal with the current key what is in clear, from before, and what an older key sealed; how many.

    Raises what `Coffre.open` raises, and nothing is changed.
    """
    names = ", ".join(each.table.name for each in SCELLES)
    # Whoever is writing ends first, and what he sealed with the key that was is seen.
    conn.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))
    courante, done = coffre.courante, 0
    for each in SCELLES:
        column, owner, cle = each.table.c[each.colonne], each.table.c[each.proprietaire], each.cle
        query = select(column, owner, cle).where(column != "", cle != courante)
        for value, of, nom in conn.execute(query).all():
            contexte = each.contexte(of)
            clair = coffre.open(value, contexte) if nom else value
            pose = update(each.table).where(column == value, owner == of)
            conn.execute(pose.values({column: coffre.seal(clair, contexte)}))
            done += 1
    return done


def count_by_key(conn: Connection) -> Mapping[str, int]:
    """How many secrets each key seals; under the empty name, those in clear."""
    found: Counter[str] = Counter()
    for each in SCELLES:
        column = each.table.c[each.colonne]
        query = select(each.cle.label("scelle_par"), func.count()).where(column != "").group_by("scelle_par")
        for nom, nombre in conn.execute(query):
            found[nom] += nombre
    return found


def declare(conn: Connection, coffre: Coffre, *, instant: datetime) -> None:
    """Keep which keys seal here: a process that lacks one is told so before it seals with another."""
    rows = [{"id": nom, "declaree_le": instant} for nom in coffre.cles]
    conn.execute(insert(CLE_SCELLEMENT).values(rows).on_conflict_do_nothing())


def forget(conn: Connection, noms: tuple[str, ...]) -> None:
    """These keys seal nothing here any more."""
    conn.execute(delete(CLE_SCELLEMENT).where(CLE_SCELLEMENT.c.id.in_(noms)))


def erase_lost(conn: Connection, cles: Collection[str]) -> int:
    """Erase what keys other than those sealed, which nobody can open any more; how many secrets. Those whose
    they were are to be invited again."""
    done = 0
    for each in SCELLES:
        column = each.table.c[each.colonne]
        # An account stays without its secret; an invitation or a code is nothing without it.
        emptied = update(each.table).values({column: None})
        pose = emptied if column.nullable else delete(each.table)
        done += conn.execute(pose.where(each.cle.not_in(["", *cles]))).rowcount
    conn.execute(delete(CLE_SCELLEMENT).where(CLE_SCELLEMENT.c.id.not_in(list(cles))))
    return done


def list_declared(conn: Connection) -> frozenset[str]:
    """The keys that seal here."""
    return frozenset(conn.scalars(select(CLE_SCELLEMENT.c.id)))
