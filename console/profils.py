"""The profile of an account of the console, and of whose data it makes a page speak (regles §1)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from registry.profils import Profil


class ProfilCompte(StrEnum):
    """What an account is for. Stored; never renamed. Those of registry.profils have the same name there."""

    GUICHET = "guichet"
    """Agent of a guichet enregistreur."""
    CONSULTANT_SIMPLE = "consultant_simple"
    CONSULTANT_DEMANDE = "consultant_demande"
    CONSULTANT_SENSIBLE = "consultant_sensible"
    GESTIONNAIRE = "gestionnaire"
    """Gestionnaire territorial, of one or several territories."""
    EXPLOITANT = "exploitant"
    """Operates the hub; sees nominative data only when entitled to (`Agent.habilite`)."""
    AUDITEUR = "auditeur"
    """Checks the proofs: journal, manifests, traces of the readings; no demande."""


LIBELLES: Final = {
    ProfilCompte.GUICHET: "agent de guichet",
    ProfilCompte.CONSULTANT_SIMPLE: "consultant simple",
    ProfilCompte.CONSULTANT_DEMANDE: "consultant demande",
    ProfilCompte.CONSULTANT_SENSIBLE: "consultant sensible",
    ProfilCompte.GESTIONNAIRE: "gestionnaire territorial",
    ProfilCompte.EXPLOITANT: "exploitant",
    ProfilCompte.AUDITEUR: "auditeur",
}

DU_REGISTRE: Final = {
    profil: Profil(profil.value) for profil in ProfilCompte if profil.value in tuple(Profil)
}
"""The profile that bounds what the account does with demandes and pièces (registry.actes)."""

D_UN_GUICHET: Final = frozenset(
    {
        ProfilCompte.GUICHET,
        ProfilCompte.CONSULTANT_SIMPLE,
        ProfilCompte.CONSULTANT_DEMANDE,
        ProfilCompte.CONSULTANT_SENSIBLE,
    }
)
"""Profiles whose account belongs to one guichet."""


class Portee(StrEnum):
    """Of whose data a page speaks, for a profile."""

    GUICHET = "guichet"
    """Those of the guichet of the account; for a demande, those that this guichet may read."""
    TERRITOIRE = "territoire"
    """Those of all the guichets of the territories of the account, and of the demandes of these."""
    TOUT = "tout"
    SOI = "soi"
    """The account itself."""
