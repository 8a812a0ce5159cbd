"""Whether a process is ready, kept for a bounded time: a proxy asks each second, and a proof costs a call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import structs

from echangeur.roles.cycle import Epreuve, Phase
from echangeur.sante import anomalies
from echangeur.sante.reponse import Constat, Etat
from registry.anomalies import Anomalie
from registry.clock import Clock

DELAI: Final = 10.0
"""Seconds left to one proof: beyond, whoever calls waits too long already."""


class Sante:
    """The proofs of one process. phase: tells where it is in its life. fraicheur: seconds that a measure is
    served again. avertir: what is told and withdraws nothing. Lives on one event loop."""

    def __init__(
        self,
        epreuves: Mapping[str, Epreuve],
        phase: Callable[[], Phase],
        clock: Clock,
        *,
        roles: tuple[str, ...],
        fraicheur: float,
        avertir: Mapping[str, Epreuve] | None = None,
    ) -> None:
        self._epreuves = epreuves
        self._avertir = avertir or {}
        self._phase = phase
        self._clock = clock
        self._roles = roles
        self._fraicheur = fraicheur
        self._measuring = asyncio.Lock()
        self._measured: tuple[float, Etat] | None = None

    async def read(self) -> Etat:
        """The state, at most `fraicheur` old; the phase is that of now. Whoever asks meanwhile shares it."""
        async with self._measuring:
            if self._measured is None or time.monotonic() - self._measured[0] > self._fraicheur:
                self._measured = time.monotonic(), await self._measure()
        return self._now(self._measured[1])

    async def _measure(self) -> Etat:
        # Together: whoever asks waits for one delay, not for that of the warnings after that of the proofs.
        asked = (*self._epreuves.items(), *self._avertir.items())
        found = await asyncio.gather(*(_prove(nom, epreuve) for nom, epreuve in asked))
        constats, told = tuple(found[: len(self._epreuves)]), found[len(self._epreuves) :]
        pret = not any(constat.code for constat in constats)
        warnings = tuple(constat for constat in told if constat.code)
        return Etat(pret, "", self._roles, self._clock.now(), constats, warnings)

    def _now(self, measured: Etat) -> Etat:
        phase = self._phase()
        constats = measured.constats
        if phase is not Phase.PRET:
            constats = (_constat("phase", anomalies.EN_RETRAIT(phase), 0), *constats)
        return structs.replace(
            measured, pret=measured.pret and phase is Phase.PRET, phase=phase, constats=constats
        )


async def _prove(nom: str, epreuve: Epreuve) -> Constat:
    start = time.perf_counter()
    try:
        async with asyncio.timeout(DELAI):
            found = await epreuve()
    except TimeoutError:
        found = anomalies.EPREUVE_TROP_LONGUE(nom, f"{DELAI:g}")
    return _constat(nom, found, int(1000 * (time.perf_counter() - start)))


def _constat(nom: str, found: Anomalie | None, millisecondes: int) -> Constat:
    if found is None:
        return Constat(nom, "", "", "", millisecondes)
    return Constat(nom, found.code, found.message, found.type.conduite, millisecondes)
