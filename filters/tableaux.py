"""Columns of one value per row: growable arrays, in memory or in a file that several processes map.

A mapped file costs nothing to open and is shared: the pages that a question reads are those of the columns
that it names, kept by the system for all processes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Tableau = npt.NDArray[Any]
Lignes = npt.NDArray[np.intp]
"""Numbers of rows, increasing."""
Masque = npt.NDArray[np.bool_]

_PLUS: Final = 1.25
_LEAST: Final = 1_024


class Colonne:
    """An array that grows. dossier: where its file is, or None to keep it in memory.

    `valeurs` is as long as what is reserved; how many of them mean something, the owner knows.
    """

    def __init__(self, nom: str, genre: npt.DTypeLike, dossier: Path | None) -> None:
        self._path = None if dossier is None else dossier / f"{nom}.colonne"
        self._genre: np.dtype[Any] = np.dtype(genre)
        self.valeurs: Tableau = np.zeros(0, self._genre)
        self._map: np.memmap[Any, Any] | None = None
        if self._path is not None and self._path.exists():
            self._open()

    def reserve(self, taille: int) -> None:
        """Make room for so many values; the new ones are zero."""
        known = len(self.valeurs)
        if taille <= known:
            return
        room = max(taille if not known else int(known * _PLUS), taille, _LEAST)
        if self._path is None:
            grown = np.zeros(room, self._genre)
            grown[:known] = self.valeurs
            self.valeurs = grown
            return
        self.flush()
        with self._path.open("ab") as file:
            # Personal data: for the account of the instance alone.
            self._path.chmod(0o600)
            file.truncate(room * self._genre.itemsize)
        self._open()

    def flush(self) -> None:
        """Hand the changes over to the disk."""
        if self._map is not None:
            self._map.flush()

    def _open(self) -> None:
        assert self._path is not None
        self._map = np.memmap(self._path, self._genre, mode="r+")
        # A plain view: each access to a memmap costs some Python.
        self.valeurs = np.asarray(self._map)
