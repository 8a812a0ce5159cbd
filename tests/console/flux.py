"""What the tests of the flows put in the small world: mails of a guichet, pièces of a demande."""

from __future__ import annotations

import uuid

from sqlalchemy import text

from mailflows import entrants, sortants
from mailflows.entrants import Depot as Courrier
from mailflows.entrants import EtatEntrant, Nature, Source
from mailflows.etats import Evenement, ReglesEnvoi
from registry.acces_pieces import Acteur
from registry.annexes import Contenu
from registry.controle_pieces import Nature as Genre
from registry.dossier_unique import Depot, deposit
from registry.echanges import Canal, Echange, Emetteur
from registry.guichets_store import get_guichet
from registry.pieces_store import Piece
from tests.console.monde import Monde

MOTIF = "signature : le certificat n'est pas celui du guichet"
COURRIER = b"From: a@exemple.fr\r\n\r\nx"
PDF = b"%PDF-1.4 <script>alert(1)</script>"


def add_quarantaine(monde: Monde, guichet: str | None, octets: bytes = COURRIER) -> uuid.UUID:
    """A mail of that guichet, or of nobody known, put in quarantine for its signature."""
    with monde.scene.engine.begin() as conn:
        depot = Courrier(Source.SMTP, octets, "robot@exemple.fr", monde.scene.now)
        key = entrants.record(conn, depot)
        assert key is not None
        conn.execute(
            text(
                "UPDATE courrier_entrant SET etat = :etat, nature = :nature, code = 'COU004', motif = :motif,"
                " guichet = :guichet, termine_le = recu_le WHERE id = :id"
            ),
            {
                "etat": EtatEntrant.QUARANTAINE.value,
                "nature": Nature.FICHIERS.value,
                "motif": MOTIF,
                "guichet": guichet,
                "id": key,
            },
        )
    return key


def add_reponse(monde: Monde, guichet: str) -> uuid.UUID:
    """A mail of ours to that guichet, that failed."""
    entrant = add_quarantaine(monde, guichet)
    with monde.scene.engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO courrier_sortant (id, guichet, nature, entrant, partie, parties, empreinte,"
                " etat, accuse_attendu, cree_le, detail) VALUES (:id, :g, 'reponse', :entrant, 1, 1, '\\x00',"
                " 'attend_accuse', true, :i, 'relais injoignable')"
            ),
            {"id": (key := uuid.uuid4()), "g": guichet, "entrant": entrant, "i": monde.scene.now},
        )
        regles, instant = ReglesEnvoi(), monde.scene.now
        sortants.apply(conn, key, Evenement.REFUS, "550 boîte fermée", instant=instant, regles=regles)
    return key


def add_piece(monde: Monde, code: str, categorie: str = "IDE01", octets: bytes = PDF) -> Piece:
    """A pièce of the demande of that guichet."""
    scene = monde.scene
    with scene.engine.begin() as conn:
        guichet = get_guichet(conn, code)
        assert guichet is not None
        echange = Echange(uuid.uuid4(), Emetteur(guichet, ""), Canal.SOAP, "deposerPiece", scene.now, b"")
        numero = monde.demandes[code]
        depot = Depot(numero, categorie, "titre <b>.pdf", Contenu.of(octets))
        piece = deposit(conn, Acteur(echange, "agent"), depot, Genre.PDF)
    assert isinstance(piece, Piece), piece
    return piece
