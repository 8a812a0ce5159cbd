"""The events of the last twelve months in columns, as the decisions judged them ([FIL-44]).

One row a decision, in the order of the journal, which is that of the decisions; a row does not change, but
for what is erased or too old, which leaves it empty. Ages are those of the day of each decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine, Row, text

from filters.image import Image
from filters.lignes import Ligne, ligne_of, rank_of
from filters.source import Contexte, Source
from filters.suivi import HEAD, SEAL, Progress, Suivi
from registry import declaration_dalo, suites
from registry.controles import PARIS
from registry.documents_gardes import read_kept
from registry.effacement import NATURE as PURGE
from registry.validite import add_months

MOIS: Final = 12
"""How far back the image goes."""

AUTRES: Final[dict[str, npt.DTypeLike]] = {
    "version": np.int32,
    # The day of the decision, AAAAMMJJ; and its instant, microseconds since 1970.
    "jour": np.int32,
    "decidee": np.int64,
    "filtres": np.int64,
    "perimetres": np.int64,
    # Whether the event makes a holder of its author.
    "detient": np.bool_,
}
"""What is kept of a decision beside what its demande says."""

_ENTREES: Final = 2_000
# The journal is in the order of the receptions, nearly: none is decided that long after.
_RETARD: Final = timedelta(days=2)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_EVENTS: Final = text("""
    SELECT d.numero, d.territoire, d.version, d.nature, d.auteur, d.decidee_le, d.generation_filtres,
        d.generation_perimetres, j.detail, v.document
    FROM journal j
    JOIN decision d ON d.numero = j.numero AND d.version = j.version
    JOIN demande_version v ON v.numero = j.numero AND v.version = j.version
    WHERE j.sequence > :apres AND j.sequence <= :jusqua AND d.decidee_le >= :depuis
    ORDER BY j.sequence
""")
_PURGED: Final = text("""
    SELECT numero FROM journal WHERE sequence > :apres AND sequence <= :jusqua AND nature = :nature
""")
_INSTANT: Final = text("SELECT instant FROM journal WHERE sequence = :sequence")


class Passe(Suivi):
    """The image of the past events."""

    def _make(self, dossier: Path | None) -> Image:
        return Image(dossier, AUTRES)

    def _catch_up(self, engine: Engine, jour: date, progress: Progress | None) -> None:
        depuis = start_of(jour, MOIS)
        if not self._fiche.construite:
            with engine.connect() as conn:
                first = _first(conn, depuis - _RETARD)
                seal = conn.execute(SEAL, {"sequence": first - 1}).scalar_one_or_none() or b""
            self._keep(position=first - 1, empreinte=seal, jour=jour, construite=True)
        start = self._fiche.position
        while True:
            with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
                head = conn.execute(HEAD).one()
                until = min(head.sequence, self._fiche.position + _ENTREES)
                bounds = {"apres": self._fiche.position, "jusqua": until}
                rows = conn.execute(_EVENTS, {**bounds, "depuis": depuis}).all()
                purged = conn.scalars(_PURGED, {**bounds, "nature": PURGE}).all()
                seal = conn.execute(SEAL, {"sequence": until}).scalar_one_or_none() or b""
            self._append(rows)
            self._erase(purged)
            last = until == head.sequence
            if last and jour > self._fiche.jour:
                self._drop_before(rank_of("age_demandeur", depuis.astimezone(PARIS).date()))
            if until > self._fiche.position or jour > self._fiche.jour:
                self._keep(position=until, empreinte=seal, jour=jour if last else self._fiche.jour)
            if last:
                return
            if progress is not None:
                progress(until - start, head.sequence - start)

    def _append(self, rows: Sequence[Row[Any]]) -> None:
        if not rows:
            return
        first = self._image.taille
        days = [row.decidee_le.astimezone(PARIS).date() for row in rows]
        self._image.append([_ligne(row, day) for row, day in zip(rows, days, strict=True)])
        place = slice(first, self._image.taille)
        values = {
            "version": [row.version for row in rows],
            "jour": [rank_of("age_demandeur", day) for day in days],
            "decidee": [micros(row.decidee_le) for row in rows],
            "filtres": [row.generation_filtres for row in rows],
            "perimetres": [row.generation_perimetres for row in rows],
            "detient": [
                row.auteur != suites.SYSTEME and row.detail != declaration_dalo.DETAIL for row in rows
            ],
        }
        for nom, colonne in self._image.autres.items():
            colonne.valeurs[place] = values[nom]

    def _erase(self, numeros: Sequence[str]) -> None:
        if numeros:
            known = self._image.numeros.valeurs[: self._image.taille]
            self._drop(np.isin(known, np.array(numeros, "S18")))

    def _drop_before(self, jour: int) -> None:
        self._drop(self._image.autres["jour"].valeurs[: self._image.taille] < jour)

    def _drop(self, mask: npt.NDArray[np.bool_]) -> None:
        self._image.drop(np.flatnonzero(mask & self._image.all()).tolist())


def start_of(jour: date, mois: int) -> datetime:
    """The start, in Paris, of the day so many months before."""
    return datetime.combine(add_months(jour, -mois), time(), PARIS)


def micros(instant: datetime) -> int:
    """Microseconds since 1970."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _first(conn: Connection, depuis: datetime) -> int:
    """The first entry of the journal received since; the one after the last if there is none."""
    low, high = 1, conn.execute(HEAD).one().sequence + 1
    while low < high:
        middle = (low + high) // 2
        if conn.execute(_INSTANT, {"sequence": middle}).scalar_one() < depuis:
            low = middle + 1
        else:
            high = middle
    return int(low)


def _ligne(row: Row[Any], jour: date) -> Ligne:
    """A demande as the event left it, judged on the day of the decision."""
    contexte = Contexte(row.nature, row.auteur, jour)
    return ligne_of(row.numero, row.territoire, Source(read_kept(row.document), contexte), jour)
