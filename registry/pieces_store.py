"""The pièces, kept: facts in rows, content in blocks, and a line of history for whatever is done with them.

Content goes in and out by blocks of `registry.annexes.BLOC` bytes: no more is ever held.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Row, delete, func, insert, select, text, update

from registry.annexes import Contenu
from registry.pieces import Action, Marque
from registry.profils import Profil
from registry.tables import ECHANGE_BRUT
from registry.tables_pieces import PIECE, PIECE_ACTION, PIECE_BLOC


@dataclass(frozen=True, slots=True)
class Piece:
    """A pièce of a dossier; `supprimee_le` is None while it is there."""

    id: uuid.UUID
    numero: str
    categorie: str
    nom: str
    type: str
    taille: int
    empreinte: bytes
    marque: Marque
    guichet: str
    depose_le: datetime
    supprimee_le: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActionPiece:
    """One line of the history: who did what, when, with which pièce or with the whole dossier (None)
    ([PIE-16])."""

    numero: str
    piece: uuid.UUID | None
    action: Action
    instant: datetime
    guichet: str
    certificat: str
    utilisateur: str
    profil: Profil
    echange: uuid.UUID
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Dossier:
    """What a decision on a dossier needs to know of its demande."""

    numero: str
    territoire: str
    communes: tuple[str, ...]
    etat: str
    detenteur: bool


_DOSSIER: Final = text("""
    SELECT d.numero, d.territoire, d.communes, d.etat,
        EXISTS (SELECT FROM detention h WHERE h.numero = d.numero AND h.guichet = :guichet) AS detenteur
    FROM demande d WHERE d.numero = :numero
""")

_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:numero, 7))")


def lock_dossier(conn: Connection, numero: str) -> None:
    """Order the changes of one dossier until the end of the transaction.

    Taken before the content is written and before the chain of the journal, never after: the chain, which
    orders all the demandes, is then held for a moment only.
    """
    conn.execute(_LOCK, {"numero": numero})


def find_dossier(conn: Connection, numero: str, guichet: str) -> Dossier | None:
    """The demande of that number, as `guichet` stands to it."""
    ligne = conn.execute(_DOSSIER, {"numero": numero, "guichet": guichet}).first()
    if ligne is None:
        return None
    return Dossier(ligne.numero, ligne.territoire, tuple(ligne.communes), ligne.etat, ligne.detenteur)


def list_pieces(conn: Connection, numero: str) -> tuple[Piece, ...]:
    """The dossier of a demande, in the order of deposit, without what was deleted."""
    query = select(PIECE).where(PIECE.c.numero == numero, PIECE.c.supprimee_le.is_(None)).order_by(PIECE.c.id)
    return tuple(_piece(ligne) for ligne in conn.execute(query))


def count_pieces(conn: Connection, numero: str) -> int:
    """How many pièces there are in the dossier."""
    query = select(func.count()).where(PIECE.c.numero == numero, PIECE.c.supprimee_le.is_(None))
    return int(conn.execute(query).scalar_one())


def find_piece(conn: Connection, numero: str, identifiant: uuid.UUID) -> Piece | None:
    """The pièce of that dossier, deleted or not."""
    query = select(PIECE).where(PIECE.c.id == identifiant, PIECE.c.numero == numero)
    ligne = conn.execute(query).first()
    return None if ligne is None else _piece(ligne)


def find_same(conn: Connection, numero: str, empreinte: bytes) -> Piece | None:
    """The pièce of that dossier with that content."""
    query = select(PIECE).where(
        PIECE.c.numero == numero, PIECE.c.empreinte == empreinte, PIECE.c.supprimee_le.is_(None)
    )
    ligne = conn.execute(query).first()
    return None if ligne is None else _piece(ligne)


def write_blocs(conn: Connection, identifiant: uuid.UUID, contenu: Contenu) -> None:
    """Write a content, a block at a time."""
    for rang, octets in enumerate(contenu.blocs()):
        conn.execute(insert(PIECE_BLOC), {"piece": identifiant, "rang": rang, "octets": octets})


def read_bloc(conn: Connection, identifiant: uuid.UUID, rang: int) -> bytes:
    """One block of a content. Raises LookupError when the pièce was erased meanwhile."""
    query = select(PIECE_BLOC.c.octets).where(PIECE_BLOC.c.piece == identifiant, PIECE_BLOC.c.rang == rang)
    octets = conn.execute(query).scalar_one_or_none()
    if octets is None:
        raise LookupError(f"bloc {rang} de la pièce {identifiant}")
    return bytes(octets)


def add_piece(conn: Connection, piece: Piece, *, sequence: int) -> None:
    """Write the row of a pièce; its blocks are written apart, in the same transaction."""
    conn.execute(
        insert(PIECE),
        {
            "id": piece.id,
            "numero": piece.numero,
            "categorie": piece.categorie,
            "nom": piece.nom,
            "type": piece.type,
            "taille": piece.taille,
            "empreinte": piece.empreinte,
            "marque": piece.marque.value,
            "guichet": piece.guichet,
            "depose_le": piece.depose_le,
            "sequence_journal": sequence,
        },
    )


def mark_piece(conn: Connection, identifiant: uuid.UUID, *, marque: Marque, categorie: str) -> None:
    """Change the mark and the category of a pièce."""
    conn.execute(
        update(PIECE).where(PIECE.c.id == identifiant).values(marque=marque.value, categorie=categorie)
    )


def delete_piece(conn: Connection, identifiant: uuid.UUID, *, instant: datetime) -> None:
    """Take a pièce out of its dossier: the content is erased, the facts and the history stay ([PIE-15])."""
    conn.execute(delete(PIECE_BLOC).where(PIECE_BLOC.c.piece == identifiant))
    # A pièce bears the identifier of its exchange, whose message held it when it came inline.
    conn.execute(delete(ECHANGE_BRUT).where(ECHANGE_BRUT.c.echange == identifiant))
    conn.execute(update(PIECE).where(PIECE.c.id == identifiant).values(supprimee_le=instant))


def record_actions(conn: Connection, actions: Sequence[ActionPiece]) -> None:
    """Add to the history ([PIE-16])."""
    conn.execute(
        insert(PIECE_ACTION),
        [
            {
                "numero": action.numero,
                "piece": action.piece,
                "action": action.action.value,
                "instant": action.instant,
                "guichet": action.guichet,
                "certificat": action.certificat,
                "utilisateur": action.utilisateur,
                "profil": action.profil.value,
                "echange": action.echange,
                "detail": action.detail,
            }
            for action in actions
        ],
    )


def list_actions(conn: Connection, numero: str) -> tuple[ActionPiece, ...]:
    """The history of a dossier, oldest first."""
    query = select(PIECE_ACTION).where(PIECE_ACTION.c.numero == numero).order_by(PIECE_ACTION.c.id)
    return tuple(
        ActionPiece(
            ligne.numero,
            ligne.piece,
            Action(ligne.action),
            ligne.instant,
            ligne.guichet,
            ligne.certificat,
            ligne.utilisateur,
            Profil(ligne.profil),
            ligne.echange,
            ligne.detail,
        )
        for ligne in conn.execute(query)
    )


def _piece(ligne: Row[tuple[object, ...]]) -> Piece:
    return Piece(
        ligne.id,
        ligne.numero,
        ligne.categorie,
        ligne.nom,
        ligne.type,
        ligne.taille,
        bytes(ligne.empreinte),
        Marque(ligne.marque),
        ligne.guichet,
        ligne.depose_le,
        ligne.supprimee_le,
    )
