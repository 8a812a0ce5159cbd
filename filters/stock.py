"""The image of the active demandes, made from the registry and kept up to date by the journal ([FIL-42]).

The journal orders all that happens to a demande, and its entries appear with what they tell: the demandes
named after the position of the image are read again, as they are now, in the snapshot that gives the new
position. The image is then exactly the active stock at that position, whatever was going on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from sqlalchemy import Connection, Engine, Row, text

from filters.image import Image
from filters.lignes import Ligne, ligne_of
from filters.source import Contexte, Source
from filters.suivi import HEAD, SEAL, Progress, Suivi
from registry.documents_gardes import read_kept

_LOT: Final = 1_000
_ENTREES: Final = 5_000

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


class Stock(Suivi):
    """The image of the stock."""

    def _make(self, dossier: Path | None) -> Image:
        # The rows after those in order, by number.
        self._others: dict[bytes, int] = {}
        return Image(dossier)

    def _build(self, engine: Engine, jour: date, progress: Progress | None) -> None:
        """Read every active demande, by number; what happens meanwhile is caught up afterwards."""
        with engine.connect() as conn:
            total = int(conn.execute(_COUNT).scalar_one())
            if not self._fiche.apres:
                head = conn.execute(HEAD).one()
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
        if not self._fiche.construite:
            self._build(engine, jour, progress)
        start = self._fiche.position
        while True:
            with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
                head = conn.execute(HEAD).one()
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
                    seal = conn.execute(SEAL, {"sequence": until}).scalar_one()
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


def _ligne(row: Row[Any], jour: date) -> Ligne:
    """A demande of the stock: it is judged by its last event, on that day ([FIL-40])."""
    contexte = Contexte(row.nature, row.guichet, jour)
    return ligne_of(row.numero, row.territoire, Source(read_kept(row.document), contexte), jour)
