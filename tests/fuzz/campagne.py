"""Running a target on many mutations, and what was found.

Each mutation is drawn from the seed, the name of the target and its own number: any of them is made again
alone, whatever was run before it.
"""

from __future__ import annotations

import signal
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from types import FrameType
from typing import Final

DELAI: Final = 1.0
"""Seconds of processor that one input may take."""
ARRET: Final = 10
"""Seconds of processor after which it is not waited for any more."""


@dataclass(frozen=True, slots=True)
class Issue:
    """What became of a mutated message. accepte: it was handed over, with a content that was signed.
    altere: with one that was not; the description. motif: why it was refused."""

    accepte: bool = False
    altere: str = ""
    motif: str = ""


@dataclass(frozen=True)
class Cible:
    """A parser under attack. draw: a mutated message. judge: hands it over; raises nothing at all.
    part: how much of a campaign is for it, beside the others."""

    nom: str
    draw: Callable[[Random], bytes]
    judge: Callable[[bytes], Issue]
    part: int = 4


@dataclass
class Bilan:
    """fautes: what must not be, with the number of the mutation that makes it again."""

    cible: str
    essais: int = 0
    acceptes: int = 0
    motifs: Counter[str] = field(default_factory=Counter)
    fautes: list[str] = field(default_factory=list)
    plus_long: float = 0.0
    numero_plus_long: int = 0

    def add(self, other: Bilan) -> None:
        """What another run of the same target found."""
        self.essais += other.essais
        self.acceptes += other.acceptes
        self.motifs += other.motifs
        self.fautes += other.fautes
        if other.plus_long > self.plus_long:
            self.plus_long, self.numero_plus_long = other.plus_long, other.numero_plus_long


class _TropLongError(BaseException):
    """Not an Exception: what is attacked must not catch it."""


def draw(cible: Cible, graine: str, numero: int) -> bytes:
    """The mutated message of this number."""
    return cible.draw(Random(f"{graine}/{cible.nom}/{numero}"))


def run(cible: Cible, graine: str, numeros: Sequence[int]) -> Bilan:
    """Every mutation of these numbers."""
    bilan = Bilan(cible.nom)
    with _guard():
        for numero in numeros:
            _try(cible, graine, numero, bilan)
    return bilan


def _try(cible: Cible, graine: str, numero: int, bilan: Bilan) -> None:
    octets = draw(cible, graine, numero)
    bilan.essais += 1
    signal.setitimer(signal.ITIMER_PROF, ARRET)
    before = time.process_time()
    try:
        issue = cible.judge(octets)
    except _TropLongError:
        issue = Issue(motif="arrêté")
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        bilan.fautes.append(f"n° {numero} : {type(error).__name__} {str(error)[:200]}")
        issue = Issue(motif="exception")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    spent = time.process_time() - before
    if spent > bilan.plus_long:
        bilan.plus_long, bilan.numero_plus_long = spent, numero
    if spent > DELAI:
        bilan.fautes.append(f"n° {numero} : {spent:.2f} s pour {len(octets)} octets")
    if issue.altere:
        bilan.fautes.append(f"n° {numero} : contenu altéré accepté, {issue.altere}")
    bilan.acceptes += issue.accepte
    bilan.motifs[issue.motif or "accepté"] += 1


@contextmanager
def _guard() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise _TropLongError

    previous = signal.signal(signal.SIGPROF, stop)
    try:
        # What a library warns of while it reads hostile bytes is no exception.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        signal.signal(signal.SIGPROF, previous)
