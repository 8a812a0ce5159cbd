"""Reading a mailbox: each message is kept once, handled, and moved only after what became of it is committed.

The key of a message is that of RFC 3501 §2.3.1.1 (account, folder, UIDVALIDITY, UID): read again after a
crash, it is known, and only moved.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from mailflows import entrants
from mailflows.anomalies import TROP_VOLUMINEUX
from mailflows.boite_imap import BoiteImap, BoiteInjoignable, ParametresBoite
from mailflows.entrants import Depot, EtatEntrant, Source
from registry.clock import Clock

_LOG: Final = structlog.get_logger()

REPRISES: Final = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
"""Seconds before the mailbox is opened again, after each failure in a row; the last one for ever."""

EN_COURS: Final = 0.5
"""Seconds between two looks while messages read are being handled."""


class ReleveImap:
    """Reads a mailbox, between `start` and `stop`, on one event loop.

    taille_max: bytes of a message; of a larger one only the header is kept, and it goes to quarantine.
    """

    def __init__(self, engine: Engine, clock: Clock, boite: ParametresBoite, taille_max: int) -> None:
        self._engine = engine
        self._clock = clock
        self._boite = boite
        self._taille_max = taille_max
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start reading; a mailbox that does not answer is tried again, for ever."""
        self._task = asyncio.create_task(self._run(), name="courrier.releve")

    async def stop(self) -> None:
        """Stop reading; what was kept stays to be handled."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                boite = await BoiteImap.open(self._boite)
                try:
                    while True:
                        waiting = await self.collect(boite)
                        failures = 0
                        if waiting:
                            await asyncio.sleep(EN_COURS)
                        elif not await boite.select():
                            await boite.wait(self._boite.repos)
                finally:
                    await boite.close()
            except (BoiteInjoignable, SQLAlchemyError) as error:
                _LOG.warning("courrier.boite", hote=self._boite.hote, cause=str(error)[:200])
            await asyncio.sleep(REPRISES[min(failures, len(REPRISES) - 1)])
            failures += 1

    async def collect(self, boite: BoiteImap) -> int:
        """Keep what is new, move what is handled; how many are neither yet."""
        waiting = 0
        for uid in await boite.uids():
            cle = self._key(boite, uid)
            etat = await asyncio.to_thread(self._known, cle)
            if etat is None:
                await self._keep(boite, uid, cle)
                waiting += 1
            elif etat is EtatEntrant.RECU:
                waiting += 1
            else:
                traite = etat is EtatEntrant.TRAITE
                await boite.move(uid, self._boite.traites if traite else self._boite.quarantaine)
                await asyncio.to_thread(self._moved, cle)
        return waiting

    async def _keep(self, boite: BoiteImap, uid: int, cle: str) -> None:
        size = await boite.size(uid)
        large = size > self._taille_max
        octets = await boite.fetch(uid, entete=large)
        if octets is not None:
            await asyncio.to_thread(self._record, octets, cle, size if large else 0)

    def _record(self, octets: bytes, cle: str, trop: int) -> None:
        depot = Depot(Source.IMAP, octets, "", self._clock.now(), cle)
        with self._engine.begin() as conn:
            identifiant = entrants.record(conn, depot)
            if identifiant is not None and trop:
                anomalie = TROP_VOLUMINEUX(f"{trop} octets", f"{self._taille_max} octets au plus")
                entrants.conclude(
                    conn,
                    identifiant,
                    EtatEntrant.QUARANTAINE,
                    instant=depot.recu_le,
                    code=anomalie.code,
                    motif=anomalie.message,
                )

    def _known(self, cle: str) -> EtatEntrant | None:
        with self._engine.connect() as conn:
            etat = conn.execute(
                text("SELECT etat FROM courrier_entrant WHERE cle_source = :cle"), {"cle": cle}
            ).scalar_one_or_none()
        return None if etat is None else EtatEntrant(etat)

    def _moved(self, cle: str) -> None:
        with self._engine.begin() as conn:
            conn.execute(
                text("UPDATE courrier_entrant SET range_le = :instant WHERE cle_source = :cle"),
                {"instant": self._clock.now(), "cle": cle},
            )

    def _key(self, boite: BoiteImap, uid: int) -> str:
        settings = self._boite
        return f"{settings.utilisateur}@{settings.hote}/{settings.dossier}/{boite.uidvalidity}/{uid}"
