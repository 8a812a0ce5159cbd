"""The image of the active demandes, made from the registry and kept up to date by the journal ([FIL-42]).

The journal orders all that happens to a demande, and its entries appear with what they tell: the demandes
named after the position of the image are read again, as they are now, in the snapshot that gives the new
position. The image is then exactly the active stock at that position, whatever was going on.

Its files live in a folder, so that no command has to make it again: whoever needs it takes the lock of the
folder, follows the journal, asks, and leaves. What is told of the files (`image.json`) is written last, at
once: a process that dies in the middle leaves work to be done again, never an image that lies.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from lxml import etree
from sqlalchemy import Connection, Engine, Row, text

from filters.criteria import CRITERES
from filters.image import Image
from filters.lignes import Ligne, ligne_of
from filters.source import Contexte, Source
from registry.controles import PARIS
from schemas.demande import Demande, read_demande
from schemas.parser import parse

FORMAT: Final = 1
"""To be increased when a column or the value of a criterion changes: the files are then made again."""

Progress = Callable[[int, int], None]
"""Told after each batch: done and total."""

_LOT: Final = 1_000
_ENTREES: Final = 5_000
_FICHE: Final = "image.json"

_HEAD: Final = text("SELECT sequence, empreinte FROM chaine WHERE nom = 'registre'")
_SEAL: Final = text("SELECT empreinte FROM journal WHERE sequence = :sequence")
_COUNT: Final = text("SELECT count(*) FROM demande WHERE etat = 'active'")
_COLUMNS: Final = """
    SELECT d.numero, d.territoire, v.nature, v.guichet, v.document
    FROM demande d JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    WHERE d.etat = 'active'
"""
_STOCK: Final = text(f"{_COLUMNS} AND d.numero > :apres ORDER BY d.numero LIMIT :lot")
_THESE: Final = text(f"{_COLUMNS} AND d.numero = ANY(CAST(:numeros AS text[]))")
_CHANGED: Final = text("""
    SELECT DISTINCT numero FROM journal WHERE sequence > :apres AND sequence <= :jusqua AND numero IS NOT NULL
""")


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


class Stock:
    """The image of the stock. dossier: of its files, made when it is absent; None to keep it in memory.

    Not thread-safe; any number of processes may use the same folder.
    """

    def __init__(self, dossier: Path | None = None) -> None:
        self._dossier = dossier
        self._image = Image()
        self._fiche = _new()
        # The rows after those in order, by number.
        self._others: dict[bytes, int] = {}

    @property
    def position(self) -> int:
        """The last entry of the journal that the image knows."""
        return self._fiche.position

    @contextmanager
    def follow(self, engine: Engine, instant: datetime, progress: Progress | None = None) -> Iterator[Image]:
        """The image of the stock as it is, on the day of `instant` (aware) in Paris; not to be kept after.

        Reads what happened since the last time, everything the first time. Raises what the database raises:
        what was read is then kept for the next time.
        """
        jour = instant.astimezone(PARIS).date()
        with self._locked():
            self._take_up(engine, jour)
            if not self._fiche.construite:
                self._build(engine, jour, progress)
            self._catch_up(engine, jour, progress)
            yield self._image

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
                self._image = Image(self._dossier)
                self._image.reopen(known.taille, known.ensembles)
            except (ValueError, IndexError):
                # A file cut short: the machine has stopped while it was written.
                known = None
            else:
                self._fiche, self._others = known, {}
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
            seal = conn.execute(_SEAL, {"sequence": self._fiche.position}).scalar_one_or_none()
        return seal == self._fiche.empreinte or (seal is None and self._fiche.position == 0)

    def _start_again(self) -> None:
        if self._dossier is not None:
            (self._dossier / _FICHE).unlink(missing_ok=True)
            for file in self._dossier.glob("*.co*"):
                file.unlink()
        self._image = Image(self._dossier)
        self._fiche = _new()
        self._others = {}

    def _build(self, engine: Engine, jour: date, progress: Progress | None) -> None:
        """Read every active demande, by number; what happens meanwhile is caught up afterwards."""
        with engine.connect() as conn:
            total = int(conn.execute(_COUNT).scalar_one())
            if not self._fiche.apres:
                head = conn.execute(_HEAD).one()
                self._fiche = msgspec.structs.replace(
                    self._fiche, position=head.sequence, empreinte=head.empreinte, jour=jour
                )
        while True:
            with engine.connect() as conn:
                rows = conn.execute(_STOCK, {"apres": self._fiche.apres, "lot": _LOT}).all()
            if not rows:
                break
            self._image.append([_ligne(row, jour) for row in rows])
            self._keep(apres=rows[-1].numero)
            if progress is not None:
                progress(self._image.taille, total)
        numeros = self._image.numeros.valeurs[: self._image.taille]
        # The order of the database is that of the bytes for numbers; were it not, all would be looked up.
        in_order = bool(np.all(numeros[:-1] < numeros[1:]))
        self._keep(construite=True, triees=len(numeros) if in_order else 0)

    def _catch_up(self, engine: Engine, jour: date, progress: Progress | None) -> None:
        start = self._fiche.position
        while True:
            with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
                head = conn.execute(_HEAD).one()
                until = min(head.sequence, self._fiche.position + _ENTREES)
                bounds = {"apres": self._fiche.position, "jusqua": until}
                changed = list(conn.scalars(_CHANGED, bounds)) if until > self._fiche.position else []
                self._read_again(conn, changed, jour)
                if until == head.sequence:
                    due = self._image.to_read_again(jour)
                    numeros = self._image.numeros.valeurs[due].tolist()
                    self._read_again(conn, [numero.decode("ascii") for numero in numeros], jour)
                    seal = head.empreinte
                else:
                    seal = conn.execute(_SEAL, {"sequence": until}).scalar_one()
            if until > self._fiche.position or self._fiche.jour != jour or len(due):
                self._keep(position=until, empreinte=seal, jour=jour)
            if until == head.sequence:
                return
            if progress is not None:
                progress(until - start, head.sequence - start)

    def _read_again(self, conn: Connection, numeros: Sequence[str], jour: date) -> None:
        """Put these demandes as they are now: changed, come back, new, or gone."""
        for first in range(0, len(numeros), _LOT):
            lot = numeros[first : first + _LOT]
            lignes = {row.numero: _ligne(row, jour) for row in conn.execute(_THESE, {"numeros": lot})}
            places = self._places(lot)
            kept = [numero for numero in places if numero in lignes]
            self._image.replace([places[numero] for numero in kept], [lignes[numero] for numero in kept])
            self._image.drop([place for numero, place in places.items() if numero not in lignes])
            new = [ligne for numero, ligne in lignes.items() if numero not in places]
            start = self._image.taille
            self._image.append(new)
            self._others.update({line.numero.encode("ascii"): start + n for n, line in enumerate(new)})

    def _places(self, numeros: Sequence[str]) -> dict[str, int]:
        """The rows of the demandes that the image knows."""
        triees, taille = self._fiche.triees, self._image.taille
        known = self._image.numeros.valeurs
        if len(self._others) < taille - triees:
            self._others = {numero: triees + n for n, numero in enumerate(known[triees:taille].tolist())}
        wanted = np.array([numero.encode("ascii") for numero in numeros], known.dtype)
        found = np.searchsorted(known[:triees], wanted)
        places = {}
        for numero, key, place in zip(numeros, wanted.tolist(), found.tolist(), strict=True):
            if place < triees and known[place] == key:
                places[numero] = place
            elif key in self._others:
                places[numero] = self._others[key]
        return places

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


def _ligne(row: Row[Any], jour: date) -> Ligne:
    """A demande of the stock: it is judged by its last event, on that day ([FIL-40])."""
    contexte = Contexte(row.nature, row.guichet, jour)
    return ligne_of(row.numero, row.territoire, Source(read_kept(row.document), contexte), jour)


def read_kept(document: bytes) -> Demande:
    """A demande from a document that the registry keeps."""
    root = parse(document)
    assert isinstance(root, etree._Element), "le registre ne garde que des documents lisibles"
    return read_demande(root)
