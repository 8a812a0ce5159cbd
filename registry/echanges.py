"""The échange: what a partner sent, by whatever edge it came.

A SOAP request and a signed mail become the same value, go to the same handler, and the answer leaves by the
edge it came by (design: one exchange, two edges).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from registry.annexes import Annexes
from registry.anomalies import Anomalie
from registry.guichets import Guichet
from registry.profils import Profil


class Canal(StrEnum):
    """The edge by which an exchange came."""

    SOAP = "soap"
    COURRIER = "courrier"
    TACHE = "tache"
    """No edge: the hub itself, or whoever operates it, at the command line."""
    CONSOLE = "console"
    """The web console: a person who has an account."""


@dataclass(frozen=True, slots=True)
class Emetteur:
    """Who speaks: the guichet that the pinned certificate names.

    empreinte: SHA-256 of the certificate in DER, 64 lower-case hexadecimal characters. profil: what the
    gestionnaire lets that certificate do.
    """

    guichet: Guichet
    empreinte: str
    profil: Profil = Profil.GUICHET


@dataclass(frozen=True, slots=True)
class Echange:
    """One message received, before it is interpreted.

    id: UUID version 7, given by the hub; shown to the partner as correlation identifier.
    operation: name of the operation when the transport tells it, otherwise empty.
    recu_le: instant of reception, aware; the certified receipt date comes from it.
    octets: the raw bytes as received; a content that was put aside is replaced by its token in them.
    annexes: the contents put aside, and those to be written beside the answer.
    """

    id: uuid.UUID
    emetteur: Emetteur
    canal: Canal
    operation: str
    recu_le: datetime
    octets: bytes
    annexes: Annexes = field(default_factory=Annexes, compare=False)


@dataclass(frozen=True, slots=True)
class Fichier:
    """A named file of an answer. `contenu` is the exact bytes to carry."""

    nom: str
    contenu: bytes


@dataclass(frozen=True, slots=True)
class Refus:
    """A refusal that no business document can carry: the edge says it in its own way (fault, signed mail).

    anomalies: at least one.
    """

    anomalies: tuple[Anomalie, ...]


@dataclass(frozen=True, slots=True)
class ReponseNumUnique:
    """Answer of getNumUnique: the demande with its number, or with its anomalies.

    numero, nature: the number and the type of file (CRE, REN…) when it was accepted, otherwise empty.
    depot: identifier of the deposit, when it awaits its validation and has no number.
    """

    demande: Fichier
    numero: str = ""
    nature: str = ""
    depot: str = ""


@dataclass(frozen=True, slots=True)
class ReponseDemandeLogement:
    """Answer of getDemandeLogement."""

    demande: Fichier


@dataclass(frozen=True, slots=True)
class ReponseDoublons:
    """Answer of getDoublons: the doublons when there are some, or the demande with its anomalies."""

    doublons: Fichier | None = None
    demande: Fichier | None = None
