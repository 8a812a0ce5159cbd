"""An image kept in files and followed by the journal: what the stock and the past events have in common.

Whoever needs an image takes the lock of its folder, follows the journal, asks, and leaves. What is told of
the files (`image.json`) is written last, at once: a process that dies in the middle leaves work to be done
again, never an image that lies.
"""

from __future__ import annotations

import fcntl
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Engine, text

from filters.criteria import CRITERES
from filters.image import Image
from registry.controles import PARIS

FORMAT: Final = 1
"""To be increased when a column or the value of a criterion changes: the files are then made again."""

Progress = Callable[[int, int], None]
"""Told after each batch: done and total."""

_FICHE: Final = "image.json"

HEAD: Final = text("SELECT sequence, empreinte FROM chaine WHERE nom = 'registre'")
SEAL: Final = text("SELECT empreinte FROM journal WHERE sequence = :sequence")


class Fiche(msgspec.Struct, frozen=True):
    """What is true of the files of an image.

    criteres: the columns. taille, ensembles: see `Image.reopen`. position: last entry of the journal that the
    image knows; empreinte: its seal. jour: on which values that change with time were read.
    construite: every demande was read once; until then, `apres` is the last number read.
    triees: rows at the start whose numbers are in order.
    """

    format: int
    criteres: list[str]
    taille: int
    ensembles: dict[str, int]
    position: int
    empreinte: bytes
    jour: date
    construite: bool
    apres: str
    triees: int


class Suivi(ABC):
    """An image that follows the journal. dossier: of its files, made when it is absent; None to keep it in
    memory.

    Not thread-safe; any number of processes may use the same folder.
    """

    def __init__(self, dossier: Path | None = None) -> None:
        self._dossier = dossier
        self._image = self._make(None)
        self._fiche = _new()

    @property
    def position(self) -> int:
        """The last entry of the journal that the image knows."""
        return self._fiche.position

    @contextmanager
    def follow(self, engine: Engine, instant: datetime, progress: Progress | None = None) -> Iterator[Image]:
        """The image as it is, on the day of `instant` (aware) in Paris; not to be kept after the block.

        Reads what happened since the last time, everything the first time. Raises what the database raises:
        what was read is then kept for the next time.
        """
        jour = instant.astimezone(PARIS).date()
        with self._locked():
            self._take_up(engine, jour)
            self._catch_up(engine, jour, progress)
            yield self._image

    @abstractmethod
    def _make(self, dossier: Path | None) -> Image:
        """The columns, empty or as the files have them; what else was known of others is forgotten."""

    @abstractmethod
    def _catch_up(self, engine: Engine, jour: date, progress: Progress | None) -> None:
        """Read what the image does not know."""

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if self._dossier is None:
            yield
            return
        self._dossier.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._dossier / "verrou", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _take_up(self, engine: Engine, jour: date) -> None:
        """Use the files as they are, or start again when they are not of this registry or of this program."""
        known = self._read_fiche()
        if known != self._fiche and known is not None:
            try:
                self._image = self._make(self._dossier)
                self._image.reopen(known.taille, known.ensembles)
            except (ValueError, IndexError):
                # A file cut short: the machine has stopped while it was written.
                known = None
            else:
                self._fiche = known
        if known is None or jour < self._fiche.jour or not self._is_of(engine):
            self._start_again()

    def _read_fiche(self) -> Fiche | None:
        if self._dossier is None:
            return self._fiche if self._fiche.position else None
        try:
            found = msgspec.json.decode((self._dossier / _FICHE).read_bytes(), type=Fiche)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        return found if (found.format, found.criteres) == (FORMAT, _criteres()) else None

    def _is_of(self, engine: Engine) -> bool:
        """Whether the journal still has, at the position of the image, the entry that it knows."""
        with engine.connect() as conn:
            seal = conn.execute(SEAL, {"sequence": self._fiche.position}).scalar_one_or_none()
        return seal == self._fiche.empreinte or (seal is None and self._fiche.position == 0)

    def _start_again(self) -> None:
        if self._dossier is not None:
            (self._dossier / _FICHE).unlink(missing_ok=True)
            for file in self._dossier.glob("*.co*"):
                file.unlink()
        self._image = self._make(self._dossier)
        self._fiche = _new()

    def _keep(self, **changes: Any) -> None:
        """Say what the files are now, once they are."""
        self._fiche = msgspec.structs.replace(
            self._fiche, taille=self._image.taille, ensembles=self._image.sizes(), **changes
        )
        if self._dossier is None:
            return
        self._image.flush()
        draft = self._dossier / f"{_FICHE}.nouveau"
        with draft.open("wb") as file:
            file.write(msgspec.json.encode(self._fiche))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._dossier / _FICHE)


def _new() -> Fiche:
    return Fiche(FORMAT, _criteres(), 0, {}, 0, b"", date.min, construite=False, apres="", triees=0)


def _criteres() -> list[str]:
    return [critere.nom for critere in CRITERES]
