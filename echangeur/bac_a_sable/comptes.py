"""The accounts of the console of a sandbox: ready, with one password and the secret of their codes."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

import pyotp
from msgspec import Struct
from sqlalchemy import Connection

from console.comptes import Compte, NouveauCompte, certify, create_compte, set_secrets
from console.profils import ProfilCompte
from console.secrets_compte import hash_password, new_totp
from echangeur.instance import Instance
from echangeur.scellement import open_coffre

AGENT: Final = "agent@bac.example"
EXPLOITANT: Final = "exploitant@bac.example"
COURRIELS: Final = (AGENT, EXPLOITANT)
_PAR: Final = "bac à sable"


class Acces(Struct, frozen=True, forbid_unknown_fields=True):
    """What opens the console, for both accounts; kept in the folder of the sandbox, for its owner only."""

    mot_de_passe: str
    secrets: dict[str, str]

    def code(self, courriel: str, instant: datetime) -> str:
        """The code of six digits that the console asks of that account at that instant."""
        return pyotp.TOTP(self.secrets[courriel]).at(instant)


def create_accounts(conn: Connection, instance: Instance, guichet: str, instant: datetime) -> Acces:
    """An agent of the guichet of the partner, and an operator who sees the flows."""
    acces = Acces(secrets.token_urlsafe(9), {courriel: new_totp() for courriel in COURRIELS})
    nouveaux = (
        NouveauCompte(AGENT, "Agent (bac à sable)", ProfilCompte.GUICHET, guichet),
        NouveauCompte(EXPLOITANT, "Exploitant (bac à sable)", ProfilCompte.EXPLOITANT, habilite=True),
    )
    coffre = open_coffre(instance, conn, instant=instant)
    for nouveau in nouveaux:
        compte = create_compte(conn, nouveau, par=_PAR, instant=instant)
        assert isinstance(compte, Compte), compte
        certify(conn, compte.id, par=_PAR, instant=instant)
        # The last step used: none.
        secret = acces.secrets[nouveau.courriel]
        set_secrets(conn, coffre, compte.id, hash_password(acces.mot_de_passe), secret, 0, instant=instant)
    return acces
