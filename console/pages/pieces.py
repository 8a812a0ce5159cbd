"""The pièces of a demande: the list, and the content for the profiles that may read it ([PIE-6])."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy import Connection

from console.acteur import acteur_of, profil_of
from console.libelles import MARQUES
from console.profils import DU_REGISTRE
from console.table import CONSULTANTS, GESTIONNAIRES, GUICHETS, Objet, Page
from console.vue import Refus, Rendu, Reponse, Telechargement, Vue
from registry.acces_pieces import is_sensible
from registry.annexes import BLOC
from registry.anomalies import Anomalie
from registry.dossier_unique import list_readable, read_piece
from registry.pieces import DROITS, Action, Portee, allows, categories
from registry.pieces_store import Piece, read_bloc

LECTEURS: Final = {**GUICHETS, **CONSULTANTS, **GESTIONNAIRES}
"""Those who see the list."""
CONSULTENT: Final = {
    profil: portee
    for profil, portee in LECTEURS.items()
    if DROITS[DU_REGISTRE[profil]][Action.CONSULTATION] is not Portee.AUCUNE
}
"""Those who read the content of some of them at least."""


async def show_list(vue: Vue) -> Reponse:
    """The pièces that this profile may see. The history of the dossier keeps that he did ([PIE-16])."""
    numero = vue.parametres["numero"]
    found = await asyncio.to_thread(_list, vue, numero)
    if isinstance(found, Anomalie):
        return Refus(found, 403)
    vue.note_read(numero)
    profil = profil_of(vue.agent)
    assert profil is not None
    reach = DROITS[profil][Action.CONSULTATION]
    rows = [
        (
            piece,
            _category(piece),
            MARQUES[piece.marque],
            is_sensible(piece),
            allows(reach, sensible=is_sensible(piece), propre=False),
        )
        for piece in found
    ]
    return Rendu("pieces.html", {"numero": numero, "pieces": rows})


async def give(vue: Vue) -> Reponse:
    """The content of one, to be kept: the browser shows nothing of it."""
    numero = vue.parametres["numero"]
    found = await asyncio.to_thread(_read, vue, numero, vue.parametres["piece"])
    if isinstance(found, Anomalie):
        return Refus(found, 403)
    piece, octets = found
    vue.note_read(numero)
    return Telechargement(piece.nom, "application/octet-stream", octets)


def _list(vue: Vue, numero: str) -> tuple[Piece, ...] | Anomalie:
    with vue.services.engine.begin() as conn:
        return list_readable(conn, acteur_of(vue, "listerPieces"), numero)


def _read(vue: Vue, numero: str, piece: str) -> tuple[Piece, bytes] | Anomalie:
    with vue.services.engine.begin() as conn:
        found = read_piece(conn, acteur_of(vue, "consulterPiece"), numero, piece)
        return found if isinstance(found, Anomalie) else (found, _content(conn, found))


def _content(conn: Connection, piece: Piece) -> bytes:
    count = -(-piece.taille // BLOC)
    return b"".join(read_bloc(conn, piece.id, rang) for rang in range(count))


def _category(piece: Piece) -> str:
    found = categories().get(piece.categorie)
    return piece.categorie if found is None else found.libelle


PAGES: Final = (
    Page(
        "demandes.pieces",
        "/demandes/{numero}/pieces",
        "Les pièces d'une demande",
        show_list,
        LECTEURS,
        objet=Objet.DEMANDE,
        nominative=True,
        trace="demandes.pieces",
    ),
    Page(
        "demandes.piece",
        "/demandes/{numero}/pieces/{piece}",
        "Une pièce",
        give,
        CONSULTENT,
        objet=Objet.DEMANDE,
        nominative=True,
        trace="demandes.piece",
    ),
)
