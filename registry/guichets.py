"""The guichet: a partner office of the registry, its type, its territories and its perimeter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.kinds import VERSIONS_DEMANDE

CODE_GUICHET: Final = re.compile(r"[A-Z0-9]{5}")
"""Code of a guichet: 5 characters (interface/wire §6)."""

PORTAIL: Final = "GDPUB"
"""The public portal, which speaks for applicants: one guichet, whose code ends the numbers that it opens
(regles §1)."""


class TypeGuichet(StrEnum):
    """Types of guichet (regles §1)."""

    BAILLEUR = "bailleur"
    COMMUNE = "commune"
    EPCI = "epci"
    ETAT = "etat"
    AUTRE = "autre"
    PORTAIL = "portail"
    """The public portal: applicants type their demandes there, guichets validate them."""


class CanalDistribution(StrEnum):
    """How the distributions of a guichet reach it ([DST-20]). Stored; never renamed."""

    PUSH = "push"
    """The hub calls the SOAP service of the guichet, at `Guichet.adresse_reception`."""
    RETRAIT = "retrait"
    """The guichet comes for them; nothing is sent."""
    COURRIER = "courrier"
    """Signed mail, to `Guichet.adresse_courrier`."""


@dataclass(frozen=True, slots=True)
class Guichet:
    """A partner office.

    code: 5 characters of [A-Z0-9].
    siren: 9 digits, or empty.
    territoires: codes of 3 characters (regles §3), at least one.
    communes: INSEE codes of 5 characters that bound the reading right of a commune or an EPCI, already
        resolved (a commune guichet holds its own commune and those of its EPCI; regles §5).
    numerote: True for a système particulier, which numbers its own demandes (regles §7).
    adresse_reception: URL of the endpoint that receives distributions, or empty.
    adresse_courrier: mail address that receives them, or empty.
    canal: the channel in use; it has an address, unless it is RETRAIT.
    version: the version of the demande that it reads, of VERSIONS_DEMANDE; what it is sent is never of a
        later one ([SOA-44]).
    actif: False when the gestionnaire has closed the guichet.
    """

    code: str
    nom: str
    type: TypeGuichet
    siren: str
    territoires: frozenset[str]
    communes: frozenset[str] = frozenset()
    numerote: bool = False
    adresse_reception: str = ""
    actif: bool = True
    canal: CanalDistribution = CanalDistribution.RETRAIT
    adresse_courrier: str = ""
    capacites: str = "compatible"
    version: str = VERSIONS_DEMANDE[-1]
