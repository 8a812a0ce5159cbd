"""How a distribution travels, seen from here: a port with one implementation for each channel.

To add a channel that sends (soap.client has the one of `push`):

1. The channel is a value of `registry.guichets.CanalDistribution`, and its address a column of `guichet`
   that `dispatching.canaux.ADRESSE` reads; `courrier` has both.
2. Implement `Transport`: one `Envoi` in; out, what is known of it within the time of a sending (30 s):
   - `Accuse`, when the answer itself acknowledges it;
   - `Remis`, when it has left and the acknowledgement comes later by another way. It stays to be
     acknowledged, holds back the later events of its demande, and is sent again, under the same identifier,
     if nothing came within the time said: the guichet is then one that does not answer;
   - `Echec` otherwise. A failure of the connection spares the whole guichet for a while.
3. Give it to the worker, in echangeur.composition, with the others:
   `Worker(engine, {CanalDistribution.COURRIER: mail, …}, …)`. A guichet whose channel has no transport is
   left alone; its distributions wait, and can be pulled.
4. When the acknowledgement comes, call `dispatching.acquittement.acknowledge`: by the sequence and the
   SHA-256 of the file. Late, repeated and crossed acknowledgements are harmless.

Nothing else of dispatching knows the channels. `dispatching.canaux.switch_canal` changes that of a guichet.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from registry.guichets import CanalDistribution


@dataclass(frozen=True, slots=True)
class Envoi:
    """One distribution to be sent now. Everything in it is the same at each attempt, but `rang`,
    `canal`, `adresse`, `sonde` and `simultanes`.

    nom_fichier: name of the file (interface/wire §3), with the sequence. contenu: the demande, in typeFichier
    DIS.
    canal: channel of the guichet when it was taken. adresse: that of the guichet for this channel (URL of its
    reception endpoint for PUSH). rang: rank of the attempt, from 1. sonde: it is sent to see whether the
    channel works again (`dispatching.disjoncteur`). simultanes: sendings that the guichet takes at once, when
    it has said how many. traceparent: the trace that the partner is told of, or empty.
    """

    id: uuid.UUID
    rang: int
    guichet: str
    sequence: int
    numero: str
    adresse: str
    nom_fichier: str
    contenu: bytes
    canal: CanalDistribution = CanalDistribution.PUSH
    sonde: bool = False
    simultanes: int | None = None
    traceparent: str = ""


class Statut(StrEnum):
    """What the partner says of a distribution that it acknowledges."""

    RECU = "RECU"
    DEJA_RECU = "DEJA_RECU"


@dataclass(frozen=True, slots=True)
class Accuse:
    """The partner has it. The transport has checked that it is this distribution and these bytes."""

    statut: Statut


@dataclass(frozen=True, slots=True)
class Remis:
    """It has left; the acknowledgement, if it comes, comes by another way.

    delai: after which it is sent again without one. It counts among the attempts of the schedule
    (`dispatching.retry`): what is never acknowledged ends as a visible failure.
    """

    delai: timedelta


class GenreEchec(StrEnum):
    """Why an attempt failed. Stored; never renamed."""

    INJOIGNABLE = "injoignable"
    """No connection, or cut before an answer."""
    CERTIFICAT = "certificat"
    """The two sides could not trust each other (TLS)."""
    DELAI = "delai"
    """No answer in time."""
    REFUS = "refus"
    """The partner refuses this document: it answers, and another document may pass."""
    PANNE = "panne"
    """The partner says that it can take nothing now: a fault of its own (SOAP Receiver), a closed address."""
    REPONSE_INVALIDE = "reponse-invalide"
    """The partner answered something that acknowledges nothing, or something else than what was sent."""
    SANS_ACCUSE = "sans-accuse"
    """It had left, and had to leave again: its acknowledgement had not come. Said of the attempt before."""
    INTERNE = "interne"
    """Our own fault."""


class Cause(StrEnum):
    """Why a distribution failed for good: the end of its last attempt, or what no attempt says. Stored; never
    renamed."""

    INJOIGNABLE = GenreEchec.INJOIGNABLE.value
    CERTIFICAT = GenreEchec.CERTIFICAT.value
    DELAI = GenreEchec.DELAI.value
    REFUS = GenreEchec.REFUS.value
    PANNE = GenreEchec.PANNE.value
    REPONSE_INVALIDE = GenreEchec.REPONSE_INVALIDE.value
    INTERNE = GenreEchec.INTERNE.value
    SANS_ACCUSE = GenreEchec.SANS_ACCUSE.value
    """It left each time, and no acknowledgement ever came."""
    ECHEANCE = "echeance"
    """Its deadline passed while it waited ([DST-44])."""


CONNEXION = frozenset({GenreEchec.INJOIGNABLE, GenreEchec.CERTIFICAT, GenreEchec.DELAI})
"""Failures of the connection: another distribution would fail alike."""


@dataclass(frozen=True, slots=True)
class Echec:
    """The attempt failed. detail: French text for people, without nominative data, at most 500 characters."""

    genre: GenreEchec
    detail: str


class Transport(Protocol):
    """Sends one distribution."""

    async def send(self, envoi: Envoi) -> Accuse | Remis | Echec:
        """Send it. Ends by itself in a bounded time; raises nothing."""
        ...


Transports = Mapping[CanalDistribution, Transport]
"""The transport of each channel that a process serves."""
