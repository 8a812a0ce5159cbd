"""Accounts, one's own and those that one manages."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from tests.console.cas import Cas
from tests.console.monde import NOTRE, Monde


def nouveau(_monde: Monde, _code: str) -> Mapping[str, str]:
    return {
        "courriel": f"{uuid.uuid4().hex}@exemple.fr",
        "nom": "Essai",
        "profil": "guichet",
        "guichet": NOTRE,
    }


CAS = {
    "comptes.creer": Cas(champs=nouveau),
    "comptes.certifier": Cas(),
    "comptes.inviter": Cas(),
    "comptes.fermer": Cas(),
    "comptes.sessions": Cas(),
    "comptes.identite": Cas(),
    "comptes.certificats": Cas(statuts=frozenset({422})),
    "compte.sessions": Cas(),
    "compte.secret": Cas(statuts=frozenset({422})),
    "invitation.voir": Cas(parametres=lambda _monde, _code: {"jeton": "inconnu"}, statuts=frozenset({410})),
}
