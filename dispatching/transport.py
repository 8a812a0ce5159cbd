"""How a distribution travels, seen from here: a port that soap (and mail later) implements."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Envoi:
    """One distribution to be sent now. Everything in it is the same at each attempt, but `rang`.

    nom_fichier: name of the file (interface/wire §3), with the sequence. contenu: the demande, in typeFichier
    DIS.
    adresse: URL of the reception endpoint of the guichet. rang: rank of the attempt, from 1.
    """

    id: uuid.UUID
    rang: int
    guichet: str
    sequence: int
    numero: str
    adresse: str
    nom_fichier: str
    contenu: bytes


class Statut(StrEnum):
    """What the partner says of a distribution that it acknowledges."""

    RECU = "RECU"
    DEJA_RECU = "DEJA_RECU"


@dataclass(frozen=True, slots=True)
class Accuse:
    """The partner has it. The transport has checked that it is this distribution and these bytes."""

    statut: Statut


class GenreEchec(StrEnum):
    """Why an attempt failed. Stored; never renamed."""

    INJOIGNABLE = "injoignable"
    """No connection, or cut before an answer."""
    CERTIFICAT = "certificat"
    """The two sides could not trust each other (TLS)."""
    DELAI = "delai"
    """No answer in time."""
    REFUS = "refus"
    """The partner answered with a fault."""
    REPONSE_INVALIDE = "reponse-invalide"
    """The partner answered something that acknowledges nothing, or something else than what was sent."""
    INTERNE = "interne"
    """Our own fault."""


CONNEXION = frozenset({GenreEchec.INJOIGNABLE, GenreEchec.CERTIFICAT, GenreEchec.DELAI})
"""Failures of the connection: another distribution would fail alike."""


@dataclass(frozen=True, slots=True)
class Echec:
    """The attempt failed. detail: French text for people, without nominative data, at most 500 characters."""

    genre: GenreEchec
    detail: str


class Transport(Protocol):
    """Sends one distribution."""

    async def send(self, envoi: Envoi) -> Accuse | Echec:
        """Send and wait for the acknowledgement. Ends by itself in a bounded time; raises nothing."""
        ...
