"""The threads that read demandes and search doublons for exchanges; each batch leaves its traces."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine

from registry import anomalies_demande as catalogue
from registry import reading
from registry.batching import Batcher
from registry.clock import Clock
from registry.doublons import Doublons
from registry.echanges import Echange
from registry.exchanges_store import Issue, Lues, Statut, record_outcomes, relax
from registry.lots import Echec, run_batch
from registry.reading import DemandeLue, Lecture
from registry.recherche_doublons import Recherchee, search, show

CONSTAT_MAX: Final = 40
"""Characters of a number that is not one, as kept and shown."""


@dataclass(frozen=True, slots=True)
class LectureDemandee:
    """A reading, and the exchange that asks for it."""

    echange: Echange
    lecture: Lecture


@dataclass(frozen=True, slots=True)
class RechercheDemandee:
    """A search of doublons. sauf: number of the demande itself, when it has one."""

    echange: Echange
    territoires: frozenset[str]
    cherchees: tuple[Recherchee, ...]
    sauf: str | None


class Lectures:
    """Batches readings and searches; lives between `start` and `stop`, on one event loop."""

    def __init__(self, engine: Engine, clock: Clock, lot_max: int) -> None:
        self._engine = engine
        self._clock = clock
        self._lectures: Batcher[LectureDemandee, DemandeLue | Echec | None] = Batcher(
            self._read, lot_max, "lectures"
        )
        self._recherches: Batcher[RechercheDemandee, Doublons | Echec] = Batcher(
            self._search, lot_max, "recherches"
        )

    def start(self) -> None:
        self._lectures.start()
        self._recherches.start()

    async def stop(self) -> None:
        """Finish what was submitted, then end the threads."""
        await asyncio.gather(self._lectures.stop(), self._recherches.stop())

    async def read(self, demandee: LectureDemandee) -> DemandeLue | Echec | None:
        """The demande, or None when it is out of reach. May raise batching.Saturation."""
        return await self._lectures.submit(demandee)

    async def search(self, demandee: RechercheDemandee) -> Doublons | Echec:
        """The doublons, within what the guichet may read. May raise batching.Saturation."""
        return await self._recherches.submit(demandee)

    def _read(self, items: Sequence[LectureDemandee]) -> list[DemandeLue | Echec | None]:
        def work(conn: Connection, lot: Sequence[LectureDemandee]) -> list[DemandeLue | None]:
            maintenant = self._clock.now()
            lues = reading.read(conn, [item.lecture for item in lot])
            relax(conn)
            # Who read what stays: reading nominative data is traced (regles §12).
            record_outcomes(
                conn,
                [
                    Issue(
                        item.echange.id,
                        Statut.REFUSE if lue is None else Statut.ACCEPTE,
                        maintenant,
                        catalogue.DEMANDE_HORS_PORTEE.code if lue is None else "",
                        item.lecture.numero[:CONSTAT_MAX],
                        None if lue is None else Lues((lue.numero,), item.echange.emetteur.profil),
                    )
                    for item, lue in zip(lot, lues, strict=True)
                ],
            )
            return lues

        return run_batch(self._engine, work, items)

    def _search(self, items: Sequence[RechercheDemandee]) -> list[Doublons | Echec]:
        def work(conn: Connection, lot: Sequence[RechercheDemandee]) -> list[Doublons]:
            vus = [
                show(
                    conn,
                    item.echange.emetteur.guichet,
                    search(conn, item.territoires, item.cherchees, sauf=item.sauf),
                )
                for item in lot
            ]
            relax(conn)
            maintenant = self._clock.now()
            record_outcomes(
                conn, [_search_outcome(item, vu, maintenant) for item, vu in zip(lot, vus, strict=True)]
            )
            return vus

        return run_batch(self._engine, work, items)


def _search_outcome(item: RechercheDemandee, vus: Doublons, maintenant: datetime) -> Issue:
    if vus.caches and not vus.lisibles:
        code = catalogue.DOUBLON_HORS_PERIMETRE.code
        return Issue(item.echange.id, Statut.REFUSE, maintenant, code)
    numeros = tuple(doublon.numero for doublon in vus.lisibles)
    return Issue(
        item.echange.id,
        Statut.ACCEPTE,
        maintenant,
        numero=numeros[0] if numeros else "",
        lues=Lues(numeros, item.echange.emetteur.profil),
    )
