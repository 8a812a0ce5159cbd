"""What happens to a demande, as told to whoever must decide about it in the same transaction.

The registry does not know filters nor deliveries: it calls a `Decideur`, given by the composition root, with
the events of the transaction in progress.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from schemas.demande import Demande


@dataclass(frozen=True, slots=True)
class EvenementDemande:
    """One change of one demande, numbered by the journal.

    sequence: number of the journal entry, strictly increasing.
    version: version of the demande that this event produced, from 1.
    nature: code of ListeTypeFichier that caused it (CRE, MOD…).
    auteur: code of the guichet that sent it.
    demande: the demande as registered.
    """

    sequence: int
    numero: str
    version: int
    nature: str
    territoire: str
    auteur: str
    instant: datetime
    demande: Demande


class Decideur(Protocol):
    """Decides, in the transaction of the registration, who receives each event."""

    def decide(self, conn: Connection, evenements: Sequence[EvenementDemande]) -> None:
        """Write the decisions and the deliveries to be made. Raises what the database raises."""
        ...
