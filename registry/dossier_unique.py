"""What may be done with a dossier, decided and done in one transaction each ([PIE-1] to [PIE-12]).

A refusal is a value; nothing has changed then. Who may is decided by `registry.acces_pieces`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from registry import anomalies_pieces as catalogue
from registry import pieces_store as store
from registry.acces_pieces import (
    CONSTAT_MAX,
    Acces,
    Acteur,
    find_categorie,
    find_piece,
    format_jour,
    open_dossier,
)
from registry.annexes import Contenu
from registry.anomalies import Anomalie
from registry.controle_pieces import Nature
from registry.journal import Chaine, Ecriture
from registry.limites import LIMITES_PIECES
from registry.pieces import Action, Marque
from registry.pieces_store import ActionPiece, Piece

NATURE: Final = "PIE"
"""Nature of the journal entries about pièces."""

NOM_MAX: Final = 150
MOTIF_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class Depot:
    """A pièce to be added. categorie: its code. compte: on whose behalf, for a digitiser, or empty."""

    numero: str
    categorie: str
    nom: str
    contenu: Contenu
    compte: str = ""


def deposit(
    conn: Connection,
    acteur: Acteur,
    depot: Depot,
    nature: Nature,
    nombre_max: int = LIMITES_PIECES.nombre_max,
) -> Piece | Anomalie:
    """Add a pièce to a dossier: rights, category, no doublon; content, row, history, journal.

    nature: what the content was found to be. nombre_max: pièces of one dossier. The pièce is known by the
    identifier of its exchange.
    """
    acces = open_dossier(conn, acteur, depot.numero, Action.DEPOT)
    if isinstance(acces, Anomalie):
        return acces
    categorie = find_categorie(depot.categorie, acteur.echange.recu_le)
    if isinstance(categorie, Anomalie):
        return categorie
    store.lock_dossier(conn, depot.numero)
    deja = store.find_same(conn, depot.numero, depot.contenu.empreinte)
    if deja is not None:
        return catalogue.PIECE_EN_DOUBLE(str(deja.id), format_jour(deja.depose_le))
    presentes = store.count_pieces(conn, depot.numero)
    if presentes >= nombre_max:
        return catalogue.DOSSIER_PLEIN(str(presentes), str(nombre_max))
    piece = Piece(
        acteur.echange.id,
        depot.numero,
        categorie.code,
        _shown(depot.nom),
        nature,
        depot.contenu.taille,
        depot.contenu.empreinte,
        Marque.VALIDE,
        acteur.echange.emetteur.guichet.code,
        acteur.echange.recu_le,
    )
    store.write_blocs(conn, piece.id, depot.contenu)
    detail = f"{categorie.code} {depot.compte[:NOM_MAX]}".strip()
    store.record_actions(conn, [acces.trace(Action.DEPOT, piece.id, detail)])
    store.add_piece(conn, piece, sequence=_journal(conn, acces, Action.DEPOT, piece))
    return piece


def _shown(nom: str) -> str:
    """The name of a file without the folders that some browsers put before it."""
    return re.split(r"[\\/]", nom.strip())[-1][:NOM_MAX] or "piece"


def mark(
    conn: Connection, acteur: Acteur, numero: str, identifiant: str, *, marque: str, categorie: str, note: str
) -> Piece | Anomalie:
    """Mark a pièce, correct its category, or both. An empty code leaves the thing as it is."""
    acces = open_dossier(conn, acteur, numero, Action.MARQUE)
    if isinstance(acces, Anomalie):
        return acces
    store.lock_dossier(conn, numero)
    piece = find_piece(conn, acces, identifiant, Action.MARQUE)
    if isinstance(piece, Anomalie):
        return piece
    if (marque and marque not in tuple(Marque)) or not (marque or categorie) or len(note) > MOTIF_MAX:
        trouve = f"marque « {marque[:CONSTAT_MAX]} », {len(note)} caractères de commentaire"
        return catalogue.MARQUE_REFUSEE(trouve, f"{', '.join(Marque)} ; {MOTIF_MAX} caractères au plus")
    if categorie:
        choisie = find_categorie(categorie, acteur.echange.recu_le)
        if isinstance(choisie, Anomalie):
            return choisie
    nouvelle = Marque(marque) if marque else piece.marque
    store.mark_piece(conn, piece.id, marque=nouvelle, categorie=categorie or piece.categorie)
    detail = " ".join(filter(None, (marque, categorie, note)))
    store.record_actions(conn, [acces.trace(Action.MARQUE, piece.id, detail)])
    _journal(conn, acces, Action.MARQUE, piece)
    return piece


def remove(conn: Connection, acteur: Acteur, numero: str, identifiant: str, motif: str) -> Piece | Anomalie:
    """Take a pièce out of a dossier and erase its content."""
    acces = open_dossier(conn, acteur, numero, Action.SUPPRESSION)
    if isinstance(acces, Anomalie):
        return acces
    if not 0 < len(motif) <= MOTIF_MAX:
        return catalogue.MOTIF_ABSENT("", str(MOTIF_MAX))
    store.lock_dossier(conn, numero)
    piece = find_piece(conn, acces, identifiant, Action.SUPPRESSION)
    if isinstance(piece, Anomalie):
        return piece
    store.delete_piece(conn, piece.id, instant=acteur.echange.recu_le)
    store.record_actions(conn, [acces.trace(Action.SUPPRESSION, piece.id, motif)])
    _journal(conn, acces, Action.SUPPRESSION, piece)
    return piece


def list_readable(conn: Connection, acteur: Acteur, numero: str) -> tuple[Piece, ...] | Anomalie:
    """The pièces that he may see in the list; the reading is traced."""
    acces = open_dossier(conn, acteur, numero, Action.LISTE)
    if isinstance(acces, Anomalie):
        return acces
    store.record_actions(conn, [acces.trace(Action.LISTE)])
    return tuple(piece for piece in store.list_pieces(conn, numero) if acces.covers(Action.LISTE, piece))


def read_piece(conn: Connection, acteur: Acteur, numero: str, identifiant: str) -> Piece | Anomalie:
    """The pièce whose content he may read; the reading is traced before the content is."""
    acces = open_dossier(conn, acteur, numero, Action.CONSULTATION)
    if isinstance(acces, Anomalie):
        return acces
    piece = find_piece(conn, acces, identifiant, Action.CONSULTATION)
    if isinstance(piece, Piece):
        store.record_actions(conn, [acces.trace(Action.CONSULTATION, piece.id)])
    return piece


def read_history(conn: Connection, acteur: Acteur, numero: str) -> tuple[ActionPiece, ...] | Anomalie:
    """The history of a dossier, this reading included."""
    acces = open_dossier(conn, acteur, numero, Action.HISTORIQUE)
    if isinstance(acces, Anomalie):
        return acces
    store.record_actions(conn, [acces.trace(Action.HISTORIQUE)])
    return store.list_actions(conn, numero)


def _journal(conn: Connection, acces: Acces, action: Action, piece: Piece) -> int:
    """Seal the fact, last of all: the chain is held until the commit. The category would be nominative."""
    (entree,) = Chaine.lock(conn).append(
        [
            Ecriture.of(
                acces.acteur.echange,
                NATURE,
                piece.numero,
                document=piece.empreinte,
                detail=json.dumps({"action": action.value, "piece": str(piece.id)}, separators=(",", ":")),
            )
        ]
    )
    return entree.sequence
