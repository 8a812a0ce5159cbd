"""The operations of the dossier unique, from the contract to the handlers and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from registry.acces_pieces import Acteur
from registry.controles import PARIS
from registry.dossier_unique import Depot
from registry.echanges import Echange, Fichier, Refus
from registry.pieces_store import Piece
from soap.envelope import FichierEmis, Parametres, Retour
from soap.operations import Servie


class TraitementPieces(Protocol):
    """The handlers (`registry.handlers_pieces`). Each may raise what the database raises."""

    async def deposer(self, acteur: Acteur, depot: Depot, empreinte: str = "") -> Piece | Refus: ...

    async def lister(self, acteur: Acteur, numero: str) -> Fichier | Refus: ...

    async def consulter(
        self, acteur: Acteur, numero: str, identifiant: str
    ) -> tuple[Piece, bytes] | Refus: ...

    async def marquer(
        self, acteur: Acteur, numero: str, identifiant: str, *, marque: str, categorie: str, note: str
    ) -> Piece | Refus: ...

    async def supprimer(self, acteur: Acteur, numero: str, identifiant: str, motif: str) -> Piece | Refus: ...

    async def historique(self, acteur: Acteur, numero: str) -> Fichier | Refus: ...


def operations_pieces(traitement: TraitementPieces) -> Mapping[str, Servie]:
    """The operations served, by name (`soap.operations.Operations`)."""

    async def deposer(echange: Echange, parametres: Parametres) -> Retour | Refus:
        textes = parametres.textes
        depot = Depot(
            _numero(parametres),
            textes.get("categorie", ""),
            textes["nomFichier"],
            echange.annexes.take(parametres.fichiers["fichierPiece"]),
            textes.get("pourLeCompteDe", "").strip(),
        )
        piece = await traitement.deposer(_acteur(echange, parametres), depot, textes.get("empreinte", ""))
        if isinstance(piece, Refus):
            return piece
        return Retour(
            {
                "idPiece": str(piece.id),
                "empreinte": piece.empreinte.hex(),
                "typeContenu": piece.type,
                "taille": str(piece.taille),
                "dateDepot": _instant(piece.depose_le),
            },
            {},
        )

    async def lister(echange: Echange, parametres: Parametres) -> Retour | Refus:
        fichier = await traitement.lister(_acteur(echange, parametres), _numero(parametres))
        return _document(fichier, "nomFichierListe", "listePieces")

    async def consulter(echange: Echange, parametres: Parametres) -> Retour | Refus:
        found = await traitement.consulter(
            _acteur(echange, parametres), _numero(parametres), parametres.textes["idPiece"].strip()
        )
        if isinstance(found, Refus):
            return found
        piece, jeton = found
        # The token leaves as the content would; the edge puts the content in its place while it writes.
        return Retour(
            {"nomFichier": piece.nom, "typeContenu": piece.type, "empreinte": piece.empreinte.hex()},
            {"fichierPiece": FichierEmis(jeton, piece.type, annonce=True)},
        )

    async def marquer(echange: Echange, parametres: Parametres) -> Retour | Refus:
        textes = parametres.textes
        return _done(
            await traitement.marquer(
                _acteur(echange, parametres),
                _numero(parametres),
                textes["idPiece"].strip(),
                marque=textes.get("marque", ""),
                categorie=textes.get("categorie", ""),
                note=textes.get("commentaire", "").strip(),
            ),
            echange,
        )

    async def supprimer(echange: Echange, parametres: Parametres) -> Retour | Refus:
        textes = parametres.textes
        return _done(
            await traitement.supprimer(
                _acteur(echange, parametres),
                _numero(parametres),
                textes["idPiece"].strip(),
                textes["motif"].strip(),
            ),
            echange,
        )

    async def historique(echange: Echange, parametres: Parametres) -> Retour | Refus:
        fichier = await traitement.historique(_acteur(echange, parametres), _numero(parametres))
        return _document(fichier, "nomFichierHistorique", "historiquePieces")

    return {
        "deposerPiece": deposer,
        "listerPieces": lister,
        "consulterPiece": consulter,
        "marquerPiece": marquer,
        "supprimerPiece": supprimer,
        "historiquePieces": historique,
    }


def _acteur(echange: Echange, parametres: Parametres) -> Acteur:
    textes = parametres.textes
    return Acteur(echange, textes["utilisateur"].strip(), textes.get("profil", "").strip())


def _numero(parametres: Parametres) -> str:
    # A partner may frame the number with blanks; no number holds one.
    return parametres.textes["numUnique"].strip()


def _instant(instant: datetime) -> str:
    return instant.astimezone(PARIS).isoformat(timespec="milliseconds")


def _document(fichier: Fichier | Refus, nom: str, champ: str) -> Retour | Refus:
    if isinstance(fichier, Refus):
        return fichier
    return Retour({nom: fichier.nom}, {champ: FichierEmis(fichier.contenu)})


def _done(piece: Piece | Refus, echange: Echange) -> Retour | Refus:
    if isinstance(piece, Refus):
        return piece
    return Retour({"idPiece": str(piece.id), "dateAction": _instant(echange.recu_le)}, {})
