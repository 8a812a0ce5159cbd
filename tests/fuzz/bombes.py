"""Messages that are long in one place: what costs little to send, and must cost little to refuse.

Each kind was aimed at a way of reading that is not linear: identifiers (quadratic), names (prepared one
character after the other), lists (compared two by two), levels (copied at each).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from tests.fuzz.der import Noeud, parse

ELEMENTS: Final = 45_000
"""Just under the budget of a message."""


def inflate(data: bytes, rng: Random) -> bytes:
    """A message, one of its elements grown out of all measure."""
    arbre = parse(data)
    assert arbre is not None
    noeud = rng.choice(arbre.tous)
    rng.choice(_CROISSANCES)(noeud, rng.choice((2_000, 50_000, 400_000)))
    return arbre.dump()


def _identifier(noeud: Noeud, size: int) -> None:
    noeud.etiquette, noeud.enfants = b"\x06", None
    noeud.contenu = b"\x2a" + b"\xff" * size + b"\x01"


def _text(noeud: Noeud, size: int) -> None:
    noeud.etiquette, noeud.enfants = b"\x0c", None
    noeud.contenu = "é".encode() * (size // 2)


def _same_kind(noeud: Noeud, size: int) -> None:
    noeud.enfants, noeud.contenu = None, b"A" * size


def _integer(noeud: Noeud, size: int) -> None:
    noeud.etiquette, noeud.enfants = b"\x02", None
    noeud.contenu = b"\x7f" + b"\xff" * size


def _bits(noeud: Noeud, size: int) -> None:
    noeud.etiquette, noeud.enfants = b"\x03", None
    noeud.contenu = b"\0" + b"\xff" * size


def _repeat(noeud: Noeud, size: int) -> None:
    if noeud.enfants:
        noeud.enfants *= max(1, min(size, ELEMENTS) // sum(1 for _ in noeud.walk()))


def _integers(noeud: Noeud, size: int) -> None:
    noeud.enfants = [Noeud(b"\x02", bytes([rank % 128])) for rank in range(min(size, ELEMENTS))]


def _chunks(noeud: Noeud, size: int) -> None:
    chunk = Noeud(b"\x04", b"x" * 1_000)
    noeud.enfants = [*(noeud.enfants or ()), Noeud(b"\x24", enfants=[chunk] * (size // 40))]


def _levels(noeud: Noeud, size: int) -> None:
    inner = Noeud(b"\x04", b"x" * size)
    for _ in range(12):
        inner = Noeud(b"\x30", enfants=[inner], forme="indefinie")
    noeud.enfants = [*(noeud.enfants or ()), inner]


def _sealed_levels(noeud: Noeud, size: int) -> None:
    inner = Noeud(b"\x04", b"x" * size)
    for _ in range(6):
        content = Noeud(b"\xa0", enfants=[inner])
        inner = Noeud(b"\x30", enfants=[Noeud(b"\x06", b"\x2a"), Noeud(b"\x30", enfants=[]), content])
    noeud.enfants = [*(noeud.enfants or ()), inner]


_CROISSANCES: Final[tuple[Callable[[Noeud, int], None], ...]] = (
    *(_identifier, _text, _same_kind, _integer, _bits),
    *(_repeat, _integers, _chunks, _levels, _sealed_levels),
)
