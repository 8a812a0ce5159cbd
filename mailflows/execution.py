"""Running the files of a message: each handed to the handler that SOAP calls, its result kept.

Interrupted anywhere, it is run again: what was committed is a replay with its first answer, what was kept is
not even asked again.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from dispatching.deliveries import uuid7s
from mailflows import resultats
from mailflows.anomalies import ERREUR_INATTENDUE
from mailflows.entrants import Pris
from mailflows.operations import Demandee, Operations
from mailflows.places import Place, lane_of
from mailflows.resultats import Resultat
from registry.anomalies import Tour
from registry.batching import Saturation
from registry.clock import Clock
from registry.echanges import Canal, Echange, Emetteur, Fichier, Refus
from registry.exchanges_store import Statut
from schemas.courrier import FichierAccuse, Verdict

FENETRE: Final = 256
"""Files handled between two savings of results: what an interruption makes us ask again."""

PARALLELE: Final = 64
"""Files of one message handled at once: they fill the batches of the handlers."""

ESSAIS: Final = 4
"""Attempts of a message after which a file that still fails is answered as our failure, and the others go."""

_PATIENCE: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Waits, in seconds, when the handlers are saturated: SOAP goes first, mail has hours."""

_VERDICTS: Final = {
    Statut.ACCEPTE: Verdict.ACCEPTE,
    Statut.REJEU: Verdict.REJEU,
    Statut.REFUSE: Verdict.REFUSE,
    Statut.ECHEC: Verdict.ECHEC,
    # Answered, and its outcome lost with the last second of a crash: the answer is there.
    Statut.RECU: Verdict.ACCEPTE,
}


class Execution:
    """Runs the files of messages."""

    def __init__(self, engine: Engine, clock: Clock, operations: Operations) -> None:
        self._engine = engine
        self._clock = clock
        self._operations = operations

    async def run(self, pris: Pris, emetteur: Emetteur, places: Sequence[Place]) -> None:
        """Keep the result of each file; those kept by an earlier attempt are not asked again."""
        kept = await asyncio.to_thread(self._kept, pris.id) if pris.tentatives > 1 else set()
        for debut in range(0, len(places), FENETRE):
            window = [place for place in places[debut : debut + FENETRE] if place.rang not in kept]
            if not window:
                continue
            found = await self._window(pris, emetteur, window)
            await asyncio.to_thread(self._save, pris.id, found)

    async def _window(
        self, pris: Pris, emetteur: Emetteur, window: Sequence[Place]
    ) -> list[tuple[Place, Echange, tuple[Fichier, ...] | Refus]]:
        """Run some files; those about one demande one after the other, the others together.

        When one fails, the results of the others are kept before it is raised.
        """
        lanes: dict[bytes, list[Place]] = {}
        for place in window:
            lanes.setdefault(lane_of(place.demandee.fichier.contenu, place.rang), []).append(place)
        done: list[tuple[Place, Echange, tuple[Fichier, ...] | Refus]] = []
        free = asyncio.Semaphore(PARALLELE)
        last = pris.tentatives >= ESSAIS

        async def run(lane: Sequence[Place]) -> None:
            for place in lane:
                echange = Echange(
                    uuid7s(self._clock.now(), 1)[0],
                    emetteur,
                    Canal.COURRIER,
                    place.demandee.operation[:100],
                    pris.recu_le,
                    place.demandee.fichier.contenu,
                )
                async with free:
                    done.append((place, echange, await self._one(place, echange, last=last)))

        outcomes = await asyncio.gather(*(run(lane) for lane in lanes.values()), return_exceptions=True)
        failures = [each for each in outcomes if isinstance(each, BaseException)]
        if failures:
            await asyncio.to_thread(self._save, pris.id, done)
            raise failures[0]
        return done

    async def _one(self, place: Place, echange: Echange, *, last: bool) -> tuple[Fichier, ...] | Refus:
        if place.refus is not None:
            return Refus((place.refus,))
        try:
            return await self._patiently(place.demandee, echange)
        except DBAPIError as error:
            # The database is gone: the message waits for it, whatever the number of attempts.
            if not last or error.connection_invalidated:
                raise
        except Exception:
            if not last:
                raise
        return Refus((ERREUR_INATTENDUE(),))

    async def _patiently(self, demandee: Demandee, echange: Echange) -> tuple[Fichier, ...] | Refus:
        for wait in _PATIENCE:
            try:
                return await self._operations.execute(demandee, echange)
            except Saturation:
                await asyncio.sleep(wait)
        return await self._operations.execute(demandee, echange)

    def _kept(self, courrier: uuid.UUID) -> set[int]:
        with self._engine.connect() as conn:
            return resultats.list_rangs(conn, courrier)

    def _save(
        self, courrier: uuid.UUID, done: Sequence[tuple[Place, Echange, tuple[Fichier, ...] | Refus]]
    ) -> None:
        """Keep results with the outcome that the handlers wrote for each exchange."""
        with self._engine.begin() as conn:
            outcomes = {
                ligne.id: ligne
                for ligne in conn.execute(
                    text("SELECT id, statut, code, numero FROM echange WHERE id = ANY(:ids)"),
                    {"ids": [echange.id for _, echange, _ in done]},
                )
            }
            found = []
            for place, echange, answer in done:
                ligne = outcomes.get(echange.id)
                statut = Statut.REFUSE if ligne is None else Statut(ligne.statut)
                code = "" if ligne is None else ligne.code or ""
                numero = "" if ligne is None else ligne.numero or ""
                found.append(_resultat(place, echange, answer, statut, code, numero))
            resultats.save(conn, courrier, found)


def _resultat(
    place: Place,
    echange: Echange,
    answer: tuple[Fichier, ...] | Refus,
    statut: Statut,
    code: str,
    numero: str,
) -> Resultat:
    fichier = place.demandee.fichier
    accuse = FichierAccuse(
        nom=fichier.nom,
        empreinte=hashlib.sha256(fichier.contenu).digest(),
        verdict=_VERDICTS[statut],
        operation=place.demandee.operation[:100],
        echange=str(echange.id),
        numero=numero,
        code=code,
    )
    if not isinstance(answer, Refus):
        return Resultat(place.rang, accuse, answer)
    first = answer.anomalies[0].type
    verdict = Verdict.ECHEC if first.tour is Tour.EXPLOITANT else Verdict.REFUSE
    told = replace(accuse, verdict=verdict, code=first.code, anomalies=resultats.tell(answer.anomalies))
    return Resultat(place.rang, told)
