"""The profile of an account: what the gestionnaire lets the holder of a certificate do (regles §1, §11).

A profile narrows what the type of the guichet allows; what each may do is in registry.actes, and for each
pièce in registry.pieces.
"""

from __future__ import annotations

from enum import StrEnum

from registry.guichets import PORTAIL


class Profil(StrEnum):
    """The profiles, as the gestionnaire gives them."""

    GUICHET = "guichet"
    """Guichet enregistreur: all that its type may do."""
    GESTIONNAIRE = "gestionnaire"
    CONSULTANT_SIMPLE = "consultant_simple"
    CONSULTANT_DEMANDE = "consultant_demande"
    CONSULTANT_SENSIBLE = "consultant_sensible"
    NUMERISEUR = "numeriseur"
    """Industrial digitiser: qualifies and deposits, sees nothing."""
    DEMANDEUR = "demandeur"
    """The applicant himself, for whom the public portal speaks."""


def default_profil(guichet: str) -> Profil:
    """The profile of a certificate to which the gestionnaire has given none."""
    return Profil.DEMANDEUR if guichet == PORTAIL else Profil.GUICHET
