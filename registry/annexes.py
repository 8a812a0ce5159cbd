"""What is too large to be held in memory: the content of a pièce, on its way in or out.

The edge puts the content of a part aside and leaves a token in its place; the token is made of the SHA-256
of the content, so that the message kept (`Echange.octets`) still proves what came with it. A handler that
answers with a stored content gives a token too, which the edge replaces while it writes.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Final

BLOC: Final = 192 << 10
"""Bytes read or written at a time; a multiple of 3, so that blocks are encoded in base64 one by one."""

_JETON: Final = b"sha256:"


def token_of(empreinte: bytes) -> bytes:
    """What stands for a content in a message."""
    return _JETON + empreinte.hex().encode("ascii")


@dataclass(frozen=True, slots=True)
class Contenu:
    """A content received: held in `octets`, or in a temporary file without a name.

    empreinte: its SHA-256.
    """

    taille: int
    empreinte: bytes
    octets: bytes = b""
    fichier: BinaryIO | None = None

    @classmethod
    def of(cls, octets: bytes) -> Contenu:
        """A content that is held."""
        return cls(len(octets), hashlib.sha256(octets).digest(), octets)

    @contextmanager
    def opened(self) -> Iterator[bytes | mmap.mmap]:
        """The content, mapped when it is in a file: for what must look at it from end to end."""
        if self.fichier is None or not self.taille:
            yield self.octets
            return
        with mmap.mmap(self.fichier.fileno(), self.taille, access=mmap.ACCESS_READ) as mapped:
            yield mapped

    def blocs(self) -> Iterator[bytes]:
        """The content by blocks of `BLOC` bytes, the last one shorter."""
        for debut in range(0, self.taille, BLOC):
            if self.fichier is None:
                yield self.octets[debut : debut + BLOC]
            else:
                yield os.pread(self.fichier.fileno(), min(BLOC, self.taille - debut), debut)


@dataclass(frozen=True, slots=True)
class Sortie:
    """A content to be written in the answer. lire: the block of that rank, read from the database."""

    jeton: bytes
    taille: int
    lire: Callable[[int], bytes]


@dataclass(slots=True)
class Annexes:
    """The contents that travel beside the message of one exchange."""

    entrees: dict[bytes, Contenu] = field(default_factory=dict)
    sorties: list[Sortie] = field(default_factory=list)

    def take(self, octets: bytes) -> Contenu:
        """The content that the field of a request holds, or that its token stands for."""
        return self.entrees.get(octets) or Contenu.of(octets)

    def close(self) -> None:
        """Give the temporary files back."""
        for contenu in self.entrees.values():
            if contenu.fichier is not None:
                contenu.fichier.close()
