"""The journal: append-only, each entry sealed by the empreinte of the one before. It is the truth.

Canonical form of an entry, whose SHA-256 is its empreinte: a JSON array without blanks, in ASCII (other
characters as ``\\uXXXX``), of exactly these thirteen values in this order::

    ["journal-1", sequence, precedent, instant, nature, numero, version, guichet, certificat, canal,
     echange, document, detail]

Empreintes in lower-case hexadecimal; the instant in UTC with six decimals (``2026-03-16T09:30:00.000000Z``);
the UUID in its usual form; what is absent is ``null``, except `detail`, which is then empty. Anyone can
verify the chain with these lines, a SHA-256 and a copy of the table.

What the chain proves: no entry was changed, inserted or removed unless all those after it were made again.
Whoever may write to the whole database could do that; against that threat, keep the empreinte of the head
outside (`verify` returns it).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select, text

from registry.echanges import Canal, Echange
from registry.lignes import encode_rows
from registry.tables import CHAINE

ORIGINE: Final = bytes(32)
"""The empreinte that the first entry follows."""

_NOM: Final = "registre"

# Ruptures beyond this are counted, not described: after one forged entry there may be millions.
_RUPTURES_MAX: Final = 100

_BATCH: Final = 2000


@dataclass(frozen=True, slots=True)
class Ecriture:
    """What is to be written in the journal.

    instant: the certified instant, aware; microseconds are kept.
    nature: code of ListeTypeFichier, or another upper-case word for what is not a demande.
    document: SHA-256 (32 bytes) of the emitted form of the document, or None.
    detail: further facts as JSON, never nominative: the journal outlives the erasure of the demande.
    """

    instant: datetime
    nature: str
    guichet: str
    certificat: str
    canal: Canal
    echange: uuid.UUID | None = None
    numero: str | None = None
    version: int | None = None
    document: bytes | None = None
    detail: str = ""

    @classmethod
    def of(
        cls,
        echange: Echange,
        nature: str,
        numero: str,
        *,
        version: int | None = None,
        document: bytes | None = None,
        detail: str = "",
    ) -> Ecriture:
        """What an exchange does to a demande: the entry has its author, its channel and its instant."""
        emetteur = echange.emetteur
        return cls(
            echange.recu_le,
            nature,
            emetteur.guichet.code,
            emetteur.empreinte,
            echange.canal,
            echange.id,
            numero,
            version,
            document,
            detail,
        )


@dataclass(frozen=True, slots=True)
class Entree:
    """An entry of the journal: an écriture in its place in the chain."""

    sequence: int
    precedent: bytes
    empreinte: bytes
    ecriture: Ecriture


def seal(sequence: int, precedent: bytes, ecriture: Ecriture) -> Entree:
    """The entry that follows the empreinte `precedent`. Pure ([ENR-40]).

    Raises ValueError for an instant without a zone.
    """
    forme = canonical(sequence, precedent, ecriture)
    return Entree(sequence, precedent, hashlib.sha256(forme.encode("ascii")).digest(), ecriture)


def canonical(sequence: int, precedent: bytes, ecriture: Ecriture) -> str:
    """The form whose SHA-256 is the empreinte of an entry: that of the docstring of this module. Pure.

    Raises ValueError for an instant without a zone.
    """
    if ecriture.instant.tzinfo is None:
        raise ValueError("un instant sans fuseau ne peut pas être certifié")
    instant = ecriture.instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return json.dumps(
        [
            "journal-1",
            sequence,
            precedent.hex(),
            instant,
            ecriture.nature,
            ecriture.numero,
            ecriture.version,
            ecriture.guichet,
            ecriture.certificat,
            ecriture.canal.value,
            None if ecriture.echange is None else str(ecriture.echange),
            None if ecriture.document is None else ecriture.document.hex(),
            ecriture.detail,
        ],
        separators=(",", ":"),
    )


class Chaine:
    """The head of the chain, locked until the end of the transaction.

    Holding it orders the registrations of all the processes: search of doublons, numbers, sequences and
    decisions happen one transaction after the other.
    """

    def __init__(self, conn: Connection, sequence: int, empreinte: bytes) -> None:
        """Use `lock`."""
        self._conn = conn
        self.sequence = sequence
        self.empreinte = empreinte

    @classmethod
    def lock(cls, conn: Connection) -> Chaine:
        """Take the head; waits for the transaction that holds it. The first statement of a registration."""
        query = select(CHAINE.c.sequence, CHAINE.c.empreinte).where(CHAINE.c.nom == _NOM).with_for_update()
        sequence, empreinte = conn.execute(query).one()
        return cls(conn, sequence, empreinte)

    def append(self, ecritures: Sequence[Ecriture]) -> tuple[Entree, ...]:
        """Write the entries, in this order, and move the head, in one statement."""
        entrees: list[Entree] = []
        for ecriture in ecritures:
            entree = seal(self.sequence + 1, self.empreinte, ecriture)
            self.sequence, self.empreinte = entree.sequence, entree.empreinte
            entrees.append(entree)
        if entrees:
            tete = {"tete_sequence": self.sequence, "tete_empreinte": self.empreinte}
            self._conn.execute(_APPEND, {**tete, "lot": encode_rows(map(_row, entrees))})
        return tuple(entrees)


# One statement whatever the number of entries.
_APPEND: Final = text("""
    WITH tete AS (
        UPDATE chaine SET sequence = :tete_sequence, empreinte = :tete_empreinte WHERE nom = 'registre'
    )
    INSERT INTO journal (sequence, precedent, empreinte, instant, nature, numero, version, guichet,
        certificat, canal, echange, document, detail)
    SELECT sequence, decode(precedent, 'base64'), decode(empreinte, 'base64'), instant, nature, numero,
        version, guichet, certificat, canal, echange, decode(document, 'base64'), detail
    FROM json_to_recordset(CAST(:lot AS json)) AS t(sequence bigint, precedent text, empreinte text,
        instant timestamptz, nature text, numero text, version int, guichet text, certificat text,
        canal text, echange uuid, document text, detail text)
""")


def _row(entree: Entree) -> dict[str, object]:
    ecriture = entree.ecriture
    return {
        "sequence": entree.sequence,
        "precedent": entree.precedent,
        "empreinte": entree.empreinte,
        "instant": ecriture.instant,
        "nature": ecriture.nature,
        "numero": ecriture.numero,
        "version": ecriture.version,
        "guichet": ecriture.guichet,
        "certificat": ecriture.certificat,
        "canal": ecriture.canal,
        "echange": ecriture.echange,
        "document": ecriture.document,
        "detail": ecriture.detail,
    }


@dataclass(frozen=True, slots=True)
class Rupture:
    """A place where the journal does not hold. `constat`: French sentence."""

    sequence: int
    constat: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found.

    entrees: entries read. documents: those whose document is still kept, and was hashed again.
    tete: the empreinte of the head, to be kept outside.
    ruptures: the first hundred; nombre_ruptures counts them all.
    """

    entrees: int
    documents: int
    tete: bytes
    ruptures: tuple[Rupture, ...]
    nombre_ruptures: int

    @property
    def intacte(self) -> bool:
        return self.nombre_ruptures == 0


def verify(conn: Connection, progress: Callable[[int, int], None] | None = None) -> Verification:
    """Read the whole journal and the documents that it names, and check each seal.

    progress: called with (entries read, entries in all) after each batch. Registrations may go on meanwhile:
    what is verified is the journal as its head was at the start. Memory is bounded by a batch.
    """
    tete = conn.execute(select(CHAINE.c.sequence, CHAINE.c.empreinte).where(CHAINE.c.nom == _NOM)).one()
    controle = _Controle()
    while True:
        lignes = conn.execute(_READ, {"apres": controle.sequence, "tete": tete.sequence, "lot": _BATCH}).all()
        if not lignes:
            break
        for ligne in lignes:
            controle.check(entree_of(ligne), ligne.contenu)
        if progress is not None:
            progress(controle.entrees, tete.sequence)
    if (controle.sequence, controle.empreinte) != (tete.sequence, tete.empreinte):
        controle.note(
            tete.sequence,
            f"la tête de la chaîne annonce l'entrée {tete.sequence}, la dernière lue est {controle.sequence}"
            if controle.sequence != tete.sequence
            else "l'empreinte de la tête n'est pas celle de la dernière entrée",
        )
    return Verification(
        controle.entrees, controle.documents, tete.empreinte, tuple(controle.ruptures), controle.nombre
    )


@dataclass(frozen=True, slots=True)
class Avancee:
    """Where a verification done bit by bit stands. sequence, empreinte: of the last entry verified.
    finie: the head was reached. rupture: the first found by this step."""

    sequence: int
    empreinte: bytes
    finie: bool
    rupture: Rupture | None


def verify_next(conn: Connection, sequence: int, empreinte: bytes, lot: int) -> Avancee:
    """Verify at most `lot` entries after the one of that number and empreinte (0, ORIGINE: from the first).

    The head is read with the entries: registrations may go on meanwhile.
    """
    tete = conn.execute(select(CHAINE.c.sequence, CHAINE.c.empreinte).where(CHAINE.c.nom == _NOM)).one()
    controle = _Controle(sequence, empreinte)
    lignes = conn.execute(_READ, {"apres": sequence, "tete": tete.sequence, "lot": lot}).all()
    for ligne in lignes:
        controle.check(entree_of(ligne), ligne.contenu)
    finie = len(lignes) < lot
    if finie and (controle.sequence, controle.empreinte) != (tete.sequence, tete.empreinte):
        controle.note(tete.sequence, "la tête de la chaîne n'est pas la dernière entrée")
    rupture = controle.ruptures[0] if controle.ruptures else None
    return Avancee(controle.sequence, controle.empreinte, finie, rupture)


_READ: Final = text("""
    SELECT j.sequence, j.precedent, j.empreinte, j.instant, j.nature, j.numero, j.version, j.guichet,
        j.certificat, j.canal, j.echange, j.document, j.detail, v.document AS contenu
    FROM journal j
    LEFT JOIN demande_version v ON (v.numero, v.version) = (j.numero, j.version)
    WHERE j.sequence > :apres AND j.sequence <= :tete
    ORDER BY j.sequence
    LIMIT :lot
""")


class _Controle:
    """Where a verification stands: the last entry read, and what was found so far."""

    def __init__(self, sequence: int = 0, empreinte: bytes = ORIGINE) -> None:
        self.sequence = sequence
        self.empreinte = empreinte
        self.entrees = 0
        self.documents = 0
        self.nombre = 0
        self.ruptures: list[Rupture] = []

    def note(self, sequence: int, constat: str) -> None:
        self.nombre += 1
        if self.nombre <= _RUPTURES_MAX:
            self.ruptures.append(Rupture(sequence, constat))

    def check(self, entree: Entree, contenu: bytes | None) -> None:
        """Compare with the entry before, then go on from the stored empreinte so as to find all ruptures."""
        if entree.sequence != self.sequence + 1:
            self.note(entree.sequence, f"entrée attendue {self.sequence + 1}, trouvée {entree.sequence}")
        if entree.precedent != self.empreinte:
            self.note(entree.sequence, "l'entrée ne suit pas l'empreinte de la précédente")
        if seal(entree.sequence, entree.precedent, entree.ecriture).empreinte != entree.empreinte:
            self.note(entree.sequence, "le contenu de l'entrée n'est plus celui qui a été scellé")
        if contenu is not None:
            self.documents += 1
            if hashlib.sha256(contenu).digest() != entree.ecriture.document:
                self.note(entree.sequence, "le document conservé n'est pas celui que l'entrée atteste")
        self.sequence, self.empreinte = entree.sequence, entree.empreinte
        self.entrees += 1


def entree_of(ligne: Row[Any]) -> Entree:
    """The entry of a row of the journal."""
    return Entree(
        ligne.sequence,
        ligne.precedent,
        ligne.empreinte,
        Ecriture(
            instant=ligne.instant,
            nature=ligne.nature,
            guichet=ligne.guichet,
            certificat=ligne.certificat,
            canal=Canal(ligne.canal),
            echange=ligne.echange,
            numero=ligne.numero,
            version=ligne.version,
            document=ligne.document,
            detail=ligne.detail,
        ),
    )
