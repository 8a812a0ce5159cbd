"""The proof of the certified date of a demande: its entries of the journal, verified again as they are read.

What is given lets anyone verify by himself: the canonical form of each entry, its empreinte, its neighbours.
Nothing in it is nominative ([ENR-40]).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from registry.journal import Entree, canonical, entree_of


@dataclass(frozen=True, slots=True)
class Attestee:
    """One entry, and what was verified of it now.

    forme: what its empreinte is the SHA-256 of. scellee: it still is. suit, suivie: the entry before is the
    one that it follows, and the entry after follows it; suivie is None for the last one. document: the kept
    document has the empreinte that the entry attests; None when it is erased, or when there was none.
    """

    entree: Entree
    forme: str
    scellee: bool
    suit: bool
    suivie: bool | None
    document: bool | None

    @property
    def intacte(self) -> bool:
        """Nothing that was verified fails."""
        return self.scellee and self.suit and self.suivie is not False and self.document is not False


@dataclass(frozen=True, slots=True)
class Preuve:
    """The proof of one demande. tete, sequence: the head of the chain when it was read."""

    numero: str
    recue_le: datetime
    entrees: tuple[Attestee, ...]
    sequence: int
    tete: bytes

    @property
    def intacte(self) -> bool:
        return bool(self.entrees) and all(each.intacte for each in self.entrees)


# The entries of its versions; once these are erased, that of the last one, which the demande names.
_ENTRIES: Final = text("""
    WITH siennes AS (
        SELECT sequence_journal AS sequence FROM demande_version WHERE numero = :numero
        UNION SELECT sequence_journal FROM demande WHERE numero = :numero
        UNION SELECT (NULLIF(j.detail, '')::json ->> 'depot')::bigint
            FROM demande_version v JOIN journal j ON j.sequence = v.sequence_journal
            WHERE v.numero = :numero AND v.version = 1
    )
    SELECT j.*, v.document AS contenu, avant.empreinte AS avant, apres.precedent AS apres
    FROM siennes s JOIN journal j ON j.sequence = s.sequence
    LEFT JOIN demande_version v ON v.numero = :numero AND v.sequence_journal = j.sequence
    LEFT JOIN journal avant ON avant.sequence = j.sequence - 1
    LEFT JOIN journal apres ON apres.sequence = j.sequence + 1
    ORDER BY j.sequence
""")
_DEMANDE: Final = text("SELECT recue_le FROM demande WHERE numero = :numero")
_TETE: Final = text("SELECT sequence, empreinte FROM chaine WHERE nom = 'registre'")


def prove(conn: Connection, numero: str) -> Preuve | None:
    """The proof of that demande, or None when there is no such number."""
    demande = conn.execute(_DEMANDE, {"numero": numero}).first()
    if demande is None:
        return None
    tete = conn.execute(_TETE).one()
    entries = tuple(_verified(row) for row in conn.execute(_ENTRIES, {"numero": numero}))
    return Preuve(numero, demande.recue_le, entries, tete.sequence, bytes(tete.empreinte))


def write_preuve(preuve: Preuve) -> str:
    """What can be verified without us: of each entry, its canonical form, then its empreinte, a line each."""
    return "".join(f"{line}\n" for line in _lines(preuve))


def _lines(preuve: Preuve) -> Iterator[str]:
    for each in preuve.entrees:
        yield each.forme
        yield each.entree.empreinte.hex()


def _verified(row: Row[Any]) -> Attestee:
    entree = entree_of(row)
    forme = canonical(entree.sequence, entree.precedent, entree.ecriture)
    document = None
    if row.contenu is not None:
        document = hashlib.sha256(row.contenu).digest() == entree.ecriture.document
    first = entree.sequence == 1
    return Attestee(
        entree,
        forme,
        hashlib.sha256(forme.encode("ascii")).digest() == entree.empreinte,
        first or (row.avant is not None and bytes(row.avant) == entree.precedent),
        None if row.apres is None else bytes(row.apres) == entree.empreinte,
        document,
    )
