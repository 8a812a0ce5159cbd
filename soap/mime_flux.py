"""`multipart/related` read as it arrives: the same rules as `soap.mime.split`, in constant memory.

A push parser: bytes in, events out. What is held is at most one header block and the longest possible
delimiter line. Differences with `split`, where both are tested against each other: transport padding after a
delimiter is bounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from registry.anomalies import Anomalie
from schemas.mime import MAX_DELIMITEUR, MAX_ENTETE, TypeContenu, read_header
from soap.faults import MULTIPART_MALFORME
from soap.mime import MAX_PARTIES

_REMPLISSAGE: Final = 64
"""Blanks tolerated after a delimiter (RFC 2046 §5.1.1 sets no bound); nobody is known to send any."""


@dataclass(frozen=True, slots=True)
class PartieOuverte:
    """The header of a part: what `schemas.mime.Partie` says of it, and the block as received."""

    type: TypeContenu
    identifiant: str
    encodage: str
    entete: bytes


@dataclass(frozen=True, slots=True)
class PartieFermee:
    """The end of the part that was open."""


Evenement = PartieOuverte | PartieFermee | bytes
"""Bytes are content of the open part, still in its transfer encoding."""


class LecteurMultipart:
    """Reads one body. Feed it, then close it; an anomaly ends it."""

    def __init__(self, boundary: str) -> None:
        """boundary: from `open_multipart`, which checks it."""
        delimiter = re.escape(b"--" + boundary.encode("ascii"))
        self._delimiter = re.compile(rb"(\r?\n)" + delimiter + rb"(--)?[ \t]{0,%d}(\r?\n)" % _REMPLISSAGE)
        self._last = re.compile(rb"\r?\n" + delimiter + rb"--[ \t]{0,%d}\Z" % _REMPLISSAGE)
        self._kept = 2 + 2 + len(boundary) + 2 + _REMPLISSAGE + 2
        # A delimiter belongs to the line end before it: the first one has none.
        self._buffer = bytearray(b"\r\n")
        self._borrowed = 2
        self._in_header = False
        self._parts = 0
        self._open = False
        self._ended = False

    def feed(self, data: bytes) -> list[Evenement] | Anomalie:
        """What `data` brings."""
        if self._ended:
            return []  # the epilogue
        self._buffer += data
        events: list[Evenement] = []
        while not self._ended:
            moved = self._header(events) if self._in_header else self._body(events)
            if isinstance(moved, Anomalie):
                return moved
            if not moved:
                break
        return events

    def close(self) -> list[Evenement] | Anomalie:
        """What the end of the body brings: the last delimiter may have no line end."""
        if self._ended:
            return []
        found = None if self._in_header else self._last.search(self._buffer)
        if found is None:
            if not self._parts:
                return MULTIPART_MALFORME(
                    "le délimiteur annoncé ne figure pas dans le corps", "le délimiteur"
                )
            return MULTIPART_MALFORME("le délimiteur de fin manque (corps tronqué ?)", "le délimiteur de fin")
        events: list[Evenement] = []
        self._emit(events, found.start())
        return self._finish(events)

    def _header(self, events: list[Evenement]) -> bool | Anomalie:
        """Read the header block of a part, once it is whole."""
        buffer = self._buffer
        if buffer[:1] == b"\n" or buffer[:2] == b"\r\n":
            block, end = b"", 0
        else:
            found = re.search(rb"\r?\n(?=\r?\n)", buffer[: MAX_ENTETE + 4])
            if found is None:
                if len(buffer) > MAX_ENTETE:
                    return MULTIPART_MALFORME(
                        f"les en-têtes de la partie {self._parts} ne finissent pas",
                        f"une ligne vide avant {MAX_ENTETE} octets",
                    )
                return False
            block, end = bytes(buffer[: found.start()]), found.end()
            if self._delimiter.search(b"\n" + block):
                return MULTIPART_MALFORME(
                    f"les en-têtes de la partie {self._parts} ne finissent pas", "une ligne vide"
                )
        if len(buffer) < end + 2:
            return False
        # The blank line stays: an empty content shares it with the delimiter.
        del buffer[:end]
        self._borrowed = 2 if buffer[:1] == b"\r" else 1
        self._in_header = False
        self._open = True
        events.append(PartieOuverte(*read_header(block + b"\r\n" if block else b"")[:3], block))
        return True

    def _body(self, events: list[Evenement]) -> bool | Anomalie:
        """Read content up to a delimiter, or as much as cannot be part of one."""
        found = self._delimiter.search(self._buffer)
        if found is None:
            self._emit(events, max(0, len(self._buffer) - self._kept))
            return False
        self._emit(events, found.start())
        # Places, not groups: the match reads the buffer, which has moved.
        if found.start(2) >= 0:
            finished = self._finish(events)
            return finished if isinstance(finished, Anomalie) else True
        if self._open:
            events.append(PartieFermee())
            self._open = False
        self._parts += 1
        if self._parts > MAX_PARTIES:
            return MULTIPART_MALFORME("trop de parties", f"{MAX_PARTIES} parties au plus")
        del self._buffer[: found.end() - found.start()]
        self._in_header = True
        return True

    def _emit(self, events: list[Evenement], until: int) -> None:
        """Take the content before `until` out of the buffer, without the line end that is not part of it."""
        borrowed = min(self._borrowed, until)
        content = bytes(self._buffer[borrowed:until])
        if content and self._open:
            events.append(content)
        if until:
            self._borrowed -= borrowed
            del self._buffer[:until]

    def _finish(self, events: list[Evenement]) -> list[Evenement] | Anomalie:
        if not self._parts:
            return MULTIPART_MALFORME("aucune partie", "au moins la partie racine")
        if self._open:
            events.append(PartieFermee())
        self._open, self._ended = False, True
        self._buffer.clear()
        return events


def open_multipart(boundary: str) -> LecteurMultipart | Anomalie:
    """A reader for that boundary, or what is wrong with it."""
    if not 1 <= len(boundary) <= MAX_DELIMITEUR or not boundary.isascii():
        return MULTIPART_MALFORME("le paramètre boundary est absent ou trop long", "1 à 70 caractères ASCII")
    return LecteurMultipart(boundary)
