"""Who may do what with a dossier, and with which pièce of it ([PIE-5] to [PIE-9]).

A decision is a value: an access with what it covers, or the anomaly that says why not.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from registry import anomalies_pieces as catalogue
from registry import pieces_store as store
from registry.actes import ACTE_DE_PIECE
from registry.anomalies import Anomalie
from registry.anomalies_demande import DEMANDE_HORS_PORTEE
from registry.controles import PARIS
from registry.cycle import LIBELLES
from registry.droits import check_profil, may_read
from registry.echanges import Echange
from registry.exchanges_store import Lues
from registry.lifecycle import Etat
from registry.pieces import (
    DROITS,
    Action,
    Categorie,
    Portee,
    allows,
    categories,
    narrows,
)
from registry.pieces_store import ActionPiece, Dossier, Piece
from registry.profils import Profil

UTILISATEUR_MAX: Final = 100
CONSTAT_MAX: Final = 40
_SUITES: Final = frozenset({Action.DEPOT, Action.MARQUE, Action.SUPPRESSION})
"""Actions that change the dossier: on an active demande only."""


@dataclass(frozen=True, slots=True)
class Acteur:
    """Who acts: the exchange tells the guichet; the message, the agent and his profile if he has less."""

    echange: Echange
    utilisateur: str
    profil: str = ""

    def reads(self, numero: str) -> Lues:
        """What is traced when he has read something of that dossier."""
        profil = Profil(self.profil) if self.profil else self.echange.emetteur.profil
        return Lues((numero,), profil, self.utilisateur)


@dataclass(frozen=True, slots=True)
class Acces:
    """An accepted access to a dossier. propre: what a pièce of this guichet is compared with."""

    acteur: Acteur
    dossier: Dossier
    profil: Profil

    def covers(self, action: Action, piece: Piece) -> bool:
        """May he do that with this pièce?"""
        return allows(
            DROITS[self.profil][action],
            sensible=is_sensible(piece),
            propre=piece.guichet == self.acteur.echange.emetteur.guichet.code,
        )

    def trace(self, action: Action, piece: uuid.UUID | None = None, detail: str = "") -> ActionPiece:
        """The line of history of that action."""
        echange = self.acteur.echange
        return ActionPiece(
            self.dossier.numero,
            piece,
            action,
            echange.recu_le,
            echange.emetteur.guichet.code,
            echange.emetteur.empreinte,
            self.acteur.utilisateur,
            self.profil,
            echange.id,
            detail,
        )


def is_sensible(piece: Piece) -> bool:
    """A category that the data no longer know is held to be sensitive."""
    categorie = categories().get(piece.categorie)
    return categorie is None or categorie.sensible


def open_dossier(conn: Connection, acteur: Acteur, numero: str, action: Action) -> Acces | Anomalie:
    """The right to do `action` in that dossier, whatever the pièce.

    A demande that does not exist and one that may not be read are refused alike (registry.reading).
    """
    if not 0 < len(acteur.utilisateur) <= UTILISATEUR_MAX:
        return catalogue.UTILISATEUR_ABSENT("", str(UTILISATEUR_MAX))
    emetteur = acteur.echange.emetteur
    profil = _profil(acteur)
    if isinstance(profil, Anomalie):
        return profil
    dossier = store.find_dossier(conn, numero, emetteur.guichet.code)
    if dossier is None or not (
        may_read(emetteur.guichet, dossier.territoire, dossier.communes, detenteur=dossier.detenteur).accorde
    ):
        return DEMANDE_HORS_PORTEE(f"« {numero[:CONSTAT_MAX]} »", emetteur.guichet.code)
    insuffisant = check_profil(profil, ACTE_DE_PIECE[action])
    if insuffisant is not None:
        return insuffisant
    if action in _SUITES and dossier.etat != Etat.ACTIVE:
        return catalogue.DEMANDE_FERMEE(LIBELLES[Etat(dossier.etat)])
    return Acces(acteur, dossier, profil)


def _profil(acteur: Acteur) -> Profil | Anomalie:
    compte = acteur.echange.emetteur.profil
    if not acteur.profil:
        return compte
    if acteur.profil not in tuple(Profil) or not narrows(Profil(acteur.profil), compte):
        return catalogue.PROFIL_REFUSE(acteur.profil[:CONSTAT_MAX], compte, "profil")
    return Profil(acteur.profil)


def _insufficient(profil: Profil, action: Action) -> Anomalie:
    suffisants = [autre for autre in Profil if DROITS[autre][action] is not Portee.AUCUNE]
    return catalogue.PIECE_HORS_PROFIL(profil, ", ".join(suffisants))


def find_categorie(code: str, instant: datetime) -> Categorie | Anomalie:
    """The category of that code, if pièces are received under it that day in France."""
    categorie = categories().get(code)
    if categorie is None or not categorie.is_open(instant.astimezone(PARIS).date()):
        return catalogue.CATEGORIE_REFUSEE(f"« {code[:CONSTAT_MAX]} »", "", "categorie")
    return categorie


def find_piece(conn: Connection, acces: Acces, identifiant: str, action: Action) -> Piece | Anomalie:
    """The pièce on which he may do `action`."""
    try:
        piece = store.find_piece(conn, acces.dossier.numero, uuid.UUID(identifiant))
    except ValueError:
        piece = None
    if piece is None:
        return catalogue.PIECE_INCONNUE(f"« {identifiant[:CONSTAT_MAX]} »")
    if not acces.covers(action, piece):
        return _insufficient(acces.profil, action)
    if piece.supprimee_le is not None:
        return catalogue.PIECE_SUPPRIMEE(str(piece.id), format_jour(piece.supprimee_le))
    return piece


def format_jour(instant: datetime) -> str:
    return f"{instant.astimezone(PARIS):%d/%m/%Y}"
