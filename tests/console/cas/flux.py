"""Exchanges, mails, demandes and their pièces."""

from collections.abc import Mapping

from registry.pieces_store import list_pieces
from tests.console.cas import Cas
from tests.console.flux import add_piece, add_quarantaine
from tests.console.monde import Monde


def _courrier(monde: Monde, code: str) -> Mapping[str, str]:
    return {"courrier": str(add_quarantaine(monde, code))}


def _piece(monde: Monde, code: str) -> Mapping[str, str]:
    with monde.scene.engine.connect() as conn:
        found = list_pieces(conn, monde.demandes[code])
    return {"piece": str((found[0] if found else add_piece(monde, code)).id)}


# A mail is no Objet: one of somebody else's is refused by the page itself (tests/console/test_echanges.py).
SIEN_OU_RIEN = frozenset({200, 303, 404})

CAS = {
    "echanges.exporter": Cas(telechargement=True),
    "echanges.message": Cas(telechargement=True),
    "courriers.voir": Cas(_courrier, statuts=SIEN_OU_RIEN),
    "courriers.message": Cas(_courrier, statuts=SIEN_OU_RIEN, telechargement=True),
    "courriers.rejouer": Cas(_courrier),
    "demandes.rechercher": Cas(champs=lambda _monde, _code: {"commune": "59350"}),
    "demandes.attestation": Cas(telechargement=True),
    "demandes.preuve.fichier": Cas(telechargement=True),
    "demandes.piece": Cas(_piece, telechargement=True),
}
