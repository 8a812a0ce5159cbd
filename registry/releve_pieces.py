"""The documents that the dossier unique answers with: list and history (schemas/xsd/dossier-unique.xsd).

Same dress as the other documents of the hub: prefix `ns1`, UTF-8, no XML declaration (interface/wire §4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from registry.acces_pieces import is_sensible
from registry.controles import PARIS
from registry.pieces import categories
from registry.pieces_store import ActionPiece, Piece

_RACINE: Final = 'xmlns:ns1="http://nuu.application.i2/" versionInterface="01.00"'


def write_liste(numero: str, pieces: Sequence[Piece]) -> bytes:
    """The list of pièces, in the order of deposit."""
    return _document("listePieces", numero, (_piece(piece) for piece in pieces))


def write_historique(numero: str, actions: Sequence[ActionPiece]) -> bytes:
    """The history of a dossier, oldest first."""
    return _document("historiquePieces", numero, (_action(action) for action in actions))


def _document(racine: str, numero: str, elements: Iterable[str]) -> bytes:
    return (
        f"<ns1:{racine} {_RACINE}>{_text('numUnique', numero)}{''.join(elements)}</ns1:{racine}>"
    ).encode()


def _piece(piece: Piece) -> str:
    categorie = categories().get(piece.categorie)
    return (
        "<ns1:piece>"
        + _text("idPiece", str(piece.id))
        + f"<ns1:categorie code={quoteattr(piece.categorie)}/>"
        + _text("libelle", categorie.libelle if categorie else "")
        + _text("sensible", "true" if is_sensible(piece) else "false")
        + f"<ns1:marque code={quoteattr(piece.marque)}/>"
        + _text("nomFichier", piece.nom)
        + _text("typeContenu", piece.type)
        + _text("taille", str(piece.taille))
        + _text("empreinte", piece.empreinte.hex())
        + _text("guichet", piece.guichet)
        + _text("dateDepot", _instant(piece.depose_le))
        + "</ns1:piece>"
    )


def _action(action: ActionPiece) -> str:
    return (
        "<ns1:action>"
        + _text("nature", action.action)
        + ("" if action.piece is None else _text("idPiece", str(action.piece)))
        + _text("dateAction", _instant(action.instant))
        + _text("guichet", action.guichet)
        + _text("utilisateur", action.utilisateur)
        + _text("profil", action.profil)
        + _text("detail", action.detail)
        + "</ns1:action>"
    )


def _instant(instant: datetime) -> str:
    return instant.astimezone(PARIS).isoformat(timespec="milliseconds")


def _text(nom: str, valeur: str) -> str:
    return f"<ns1:{nom}>{escape(valeur)}</ns1:{nom}>"
