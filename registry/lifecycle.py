"""Life cycle of a demande, as data (regles §2).

The table below is the whole theory: a state, a fact, the state it leads to. What the table does not hold is
not allowed. A demande past its anniversary is still `active`: lateness is computed from dates, it is not a
state.

Who may make each fact happen, and on what conditions: registry/cycle.py, whose lines follow this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Etat(StrEnum):
    """State of a demande."""

    BROUILLON = "brouillon"
    """Incomplete entry of a guichet or of an applicant: no number, not distributed."""
    ATTENTE = "attente"
    """Submitted on the public portal, awaiting validation by a guichet: no number."""
    ACTIVE = "active"
    """Numbered; valid 12 months from the deposit or the last renewal (CCH R441-2-7)."""
    RADIEE = "radiee"
    """Out of the register, with its motive and date; erased one year later (regles §12)."""
    INVALIDEE = "invalidee"
    """Refused at validation; never had a number."""
    SUPPRIMEE = "supprimee"
    """Registered by mistake and taken out at once by the same guichet; its number is never given again."""
    PURGEE = "purgee"
    """Out of the register long enough, or never in it: its nominative data are erased, its journal entries
    and figures stay."""


class Fait(StrEnum):
    """What happens to a demande. Values of three letters are codes of ListeTypeFichier."""

    SAISIE = "saisie"
    DEPOT = "depot"
    VALIDATION = "validation"
    INVALIDATION = "invalidation"
    CREATION = "CRE"
    CREATION_SEPARATION = "CRS"
    MODIFICATION = "MOD"
    RENOUVELLEMENT = "REN"
    RADIATION = "RAD"
    DERADIATION = "deradiation"
    SUPPRESSION = "SUP"
    PURGE = "PURGE"


TRANSITIONS: Final[Mapping[tuple[Etat | None, Fait], Etat]] = MappingProxyType(
    {
        (None, Fait.SAISIE): Etat.BROUILLON,
        (None, Fait.DEPOT): Etat.ATTENTE,
        (None, Fait.CREATION): Etat.ACTIVE,
        (None, Fait.CREATION_SEPARATION): Etat.ACTIVE,
        (Etat.BROUILLON, Fait.SAISIE): Etat.BROUILLON,
        (Etat.BROUILLON, Fait.DEPOT): Etat.ATTENTE,
        (Etat.BROUILLON, Fait.CREATION): Etat.ACTIVE,
        (Etat.ATTENTE, Fait.VALIDATION): Etat.ACTIVE,
        (Etat.ATTENTE, Fait.INVALIDATION): Etat.INVALIDEE,
        (Etat.BROUILLON, Fait.PURGE): Etat.PURGEE,
        (Etat.INVALIDEE, Fait.PURGE): Etat.PURGEE,
        (Etat.ACTIVE, Fait.MODIFICATION): Etat.ACTIVE,
        (Etat.ACTIVE, Fait.RENOUVELLEMENT): Etat.ACTIVE,
        (Etat.ACTIVE, Fait.RADIATION): Etat.RADIEE,
        (Etat.ACTIVE, Fait.SUPPRESSION): Etat.SUPPRIMEE,
        (Etat.RADIEE, Fait.DERADIATION): Etat.ACTIVE,
        (Etat.RADIEE, Fait.PURGE): Etat.PURGEE,
        (Etat.SUPPRIMEE, Fait.PURGE): Etat.PURGEE,
    }
)
"""The table: (state or None before registration, fact) → state."""

CREATIONS: Final = frozenset({Fait.CREATION, Fait.CREATION_SEPARATION})
"""Facts sent by partners that make a demande."""

SUITES: Final = frozenset({Fait.MODIFICATION, Fait.RENOUVELLEMENT, Fait.RADIATION, Fait.SUPPRESSION})
"""typeFichier sent by partners about a demande that exists; a RAD without motive is a déradiation."""

NUMEROTES: Final = frozenset({Etat.ACTIVE, Etat.RADIEE, Etat.SUPPRIMEE, Etat.PURGEE})
"""States that a demande with a numéro unique may be in; what is erased may never have had one."""


def transition(etat: Etat | None, fait: Fait) -> Etat | None:
    """The state that follows, or None when the fact is not allowed there."""
    return TRANSITIONS.get((etat, fait))
