"""The handlers of the distributions that a guichet comes for: same shape as those of the registry.

Each works in one of a few threads, in a transaction of its own: an answer holds up to 4 MiB of files, which a
shared transaction would add up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import islice
from typing import Final, TypeVar, cast

from sqlalchemy import Connection, Engine

from dispatching import anomalies_distribution as catalogue
from dispatching.acquittement import Acquit, Acquittee, acknowledge
from dispatching.deliveries import replay
from dispatching.manifestes import LotManifestes, read_manifestes
from dispatching.rapprochement import Rapprochement, Tenue, check, reconcile
from dispatching.retraits import (
    NOMBRE_MAX,
    Lot,
    Situation,
    Vue,
    find_id,
    list_readable,
    read_these,
    situate,
)
from registry.anomalies import Anomalie
from registry.batching import Saturation
from registry.clock import Clock
from registry.echanges import Echange, Refus
from registry.exchanges_store import Issue, Lues, Statut, record_outcomes
from registry.lots import Echec, conclude, run_batch

FILS: Final = 2
"""Calls served at once, each on a connection of its own."""

APPELS_MAX: Final = 32
"""Calls waiting or in progress beyond which a caller is told to come back: 128 MiB of files at most."""

T = TypeVar("T")


class Retraits:
    """The handlers. Lives on one event loop, between `start` and `stop`.

    Each may raise registry.batching.Saturation, or what the database raises when it fails.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._fils: ThreadPoolExecutor | None = None
        self._appels = 0

    async def start(self) -> None:
        """Start the threads."""
        self._fils = ThreadPoolExecutor(FILS, "retraits")

    async def stop(self) -> None:
        """Finish what was submitted, then end the threads."""
        if self._fils is not None:
            await asyncio.to_thread(self._fils.shutdown)

    async def lister(
        self, echange: Echange, *, apres: int | None = None, nombre: int | None = None, etat: str = ""
    ) -> Lot | Refus:
        """The distributions of the guichet, with their files."""
        nombre = NOMBRE_MAX if nombre is None else nombre

        def work(conn: Connection) -> Lot | Anomalie:
            if not 1 <= nombre <= NOMBRE_MAX:
                return catalogue.NOMBRE_REFUSE(str(nombre), str(NOMBRE_MAX), "nombreMax")
            if etat and etat not in tuple(Vue):
                return catalogue.ETAT_INCONNU(f"« {etat[:40]} »", ", ".join(Vue), "etat")
            return list_readable(
                conn,
                echange.emetteur.guichet,
                Vue(etat or Vue.A_ACQUITTER),
                apres=max(apres or 0, 0),
                nombre=nombre,
                instant=self._clock.now(),
                echange=echange.id,
            )

        return await self._do(echange, work)

    async def acquitter(
        self, echange: Echange, acquits: Sequence[Acquit]
    ) -> Sequence[Acquittee | Anomalie] | Refus:
        """Acknowledge; the answer to each, in order."""

        def work(conn: Connection) -> Sequence[Acquittee | Anomalie] | Anomalie:
            if len(acquits) > NOMBRE_MAX:
                return catalogue.TROP_D_ACQUITS(str(len(acquits)), str(NOMBRE_MAX), "acquit")
            code = echange.emetteur.guichet.code
            return acknowledge(conn, code, acquits, instant=self._clock.now(), echange=echange.id)

        return await self._do(echange, work)

    async def situer(self, echange: Echange) -> Situation | Refus:
        """Where the guichet stands."""
        return await self._do(echange, lambda conn: situate(conn, echange.emetteur.guichet.code))

    async def rejouer(self, echange: Echange, sequence: int | None = None) -> int | Refus:
        """Send again what has failed for good: that one, or all; how many."""
        code = echange.emetteur.guichet.code

        def work(conn: Connection) -> int | Anomalie:
            found = None if sequence is None else find_id(conn, code, sequence)
            if sequence is not None and found is None:
                return catalogue.SEQUENCE_INCONNUE(str(sequence), code, "sequence")
            ids = None if found is None else [found]
            return replay(conn, instant=self._clock.now(), guichet=code, ids=ids)

        return await self._do(echange, work)

    async def manifestes(
        self, echange: Echange, *, apres: date | None = None, nombre: int | None = None
    ) -> LotManifestes | Refus:
        """The manifests of the days after that one."""
        nombre = NOMBRE_MAX if nombre is None else nombre

        def work(conn: Connection) -> LotManifestes | Anomalie:
            if not 1 <= nombre <= NOMBRE_MAX:
                return catalogue.NOMBRE_REFUSE(str(nombre), str(NOMBRE_MAX), "nombreMax")
            code = echange.emetteur.guichet.code
            return read_manifestes(conn, code, apres=apres or date.min, nombre=nombre)

        return await self._do(echange, work)

    async def rapprocher(
        self, echange: Echange, tenues: Sequence[Tenue], *, apres: int = 0, jusqua: int | None = None
    ) -> Rapprochement | Refus:
        """What the guichet has against what was made for it."""

        def work(conn: Connection) -> Rapprochement | Anomalie:
            refus = check(tenues)
            code = echange.emetteur.guichet.code
            return refus or reconcile(conn, code, tenues, apres=apres, jusqua=jusqua)

        return await self._do(echange, work)

    async def rapprocher_et_relire(
        self, echange: Echange, tenues: Sequence[Tenue], *, apres: int = 0, jusqua: int | None = None
    ) -> tuple[Rapprochement, Lot] | Refus:
        """The same, with the files of what is missing or spoiled, the first ones."""

        def work(conn: Connection) -> tuple[Rapprochement, Lot] | Anomalie:
            refus = check(tenues)
            if refus is not None:
                return refus
            guichet, instant = echange.emetteur.guichet, self._clock.now()
            found = reconcile(conn, guichet.code, tenues, apres=apres, jusqua=jusqua)
            wanted = list(islice(found.a_relire(), NOMBRE_MAX))
            return found, read_these(conn, guichet, wanted, instant=instant, echange=echange.id)

        return await self._do(echange, work)

    async def _do(self, echange: Echange, faire: Callable[[Connection], T | Anomalie]) -> T | Refus:
        if self._fils is None:
            raise RuntimeError("retraits : arrêté")
        if self._appels >= APPELS_MAX:
            raise Saturation(f"retraits : {self._appels} en attente")
        self._appels += 1
        try:
            result: T | Anomalie | Echec = await asyncio.get_running_loop().run_in_executor(
                self._fils, lambda: self._run(echange, faire)
            )
        finally:
            self._appels -= 1
        if isinstance(result, Echec):
            raise result.cause
        return Refus((result,)) if isinstance(result, Anomalie) else result

    # -- in the threads -------------------------------------------------------------------------------------

    def _run(self, echange: Echange, faire: Callable[[Connection], T | Anomalie]) -> T | Anomalie | Echec:
        def work(conn: Connection, _lot: Sequence[Echange]) -> list[object]:
            result = faire(conn)
            record_outcomes(conn, [self._issue(echange, result)])
            return [result]

        (result,) = run_batch(self._engine, work, [echange])
        if isinstance(result, Echec):
            # Mark the exchange as our failure, if the database still can.
            conclude(self._engine, [Issue(echange.id, Statut.ECHEC, self._clock.now())])
        return cast("T | Anomalie | Echec", result)

    def _issue(self, echange: Echange, result: object) -> Issue:
        if isinstance(result, Anomalie):
            return Issue(echange.id, Statut.REFUSE, self._clock.now(), result.code)
        lues = None
        match result:
            case (Lot() as lot) | (_, Lot() as lot):
                given = (item.fichier for item in lot.distributions if item.fichier is not None)
                numeros = dict.fromkeys(fichier.numero for fichier in given)
                lues = Lues(tuple(numeros), echange.emetteur.profil)
        return Issue(echange.id, Statut.ACCEPTE, self._clock.now(), lues=lues)
