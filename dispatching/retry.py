"""When to try a distribution again, and until when. Pure.

Two clocks run on a distribution: its attempts, which end when its schedule does, and its deadline, which runs
even while its guichet cannot be reached and nothing is tried. Either ends in a visible failure, to be
replayed. The clock of a guichet (`dispatching.disjoncteur`) only spares it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from dispatching.disjoncteur import ReglesDisjoncteur
from dispatching.voies import SIMULTANES
from registry.guichets import CanalDistribution

DELAIS: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=7, seconds=30),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=16),
)
"""Wait after the first failure, the second…; the twelfth, some 32 hours later, is the failure for good.

The schedule of proven mail queues (7.5 min to 16 h) after three quick attempts for a partner that restarts.
"""

ECHEANCE: Final = timedelta(days=30)
"""A guichet that is closed for the whole of August still gets all of it when it is back."""


@dataclass(frozen=True, slots=True)
class Echeancier:
    """The schedule of one channel. delais: one wait after each failure, at least one; then it has failed for
    good. echeance: how long a distribution may wait, from its making or its last replay ([DST-44])."""

    delais: tuple[timedelta, ...] = DELAIS
    echeance: timedelta = ECHEANCE


@dataclass(frozen=True, slots=True)
class ReglesRemise:
    """How deliveries are made: the schedules of the channels that send, the circuit breakers, and how many
    sendings go to one guichet at once (`dispatching.voies`)."""

    push: Echeancier = Echeancier()
    courrier: Echeancier = Echeancier()
    disjoncteur: ReglesDisjoncteur = field(default_factory=ReglesDisjoncteur)
    simultanes: int = SIMULTANES

    def echeancier(self, canal: CanalDistribution) -> Echeancier:
        """The schedule of a channel that sends."""
        return self.courrier if canal is CanalDistribution.COURRIER else self.push


REGLES: Final = ReglesRemise()
"""Those of an instance that says nothing else."""


def next_delay(echecs: int, delais: tuple[timedelta, ...] = DELAIS) -> timedelta | None:
    """How long to wait after this many failures of one distribution; None: it has failed for good
    ([DST-14])."""
    return delais[echecs - 1] if echecs <= len(delais) else None
