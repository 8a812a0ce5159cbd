"""What a hub registered before today, so that days have ended and have their manifests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from dispatching.decision import Distributeur
from echangeur.instance import open_instance
from registry.clock import FixedClock
from registry.controles import PARIS
from registry.echanges import Refus
from registry.guichets import Guichet
from registry.guichets_store import get_guichet
from registry.handlers import Traitement
from registry.projection import Projection
from tests.registry.fabrique import echange_of, generate


def live(dossier: Path, code: str, instants: Sequence[datetime]) -> None:
    """That guichet registers a demande at each of these instants, in their order: the filters and guichets
    that are to see it must be of before."""
    with open_instance(dossier).database() as engine:
        with engine.connect() as conn:
            guichet = get_guichet(conn, code)
        assert guichet is not None
        clock = FixedClock(instants[0])
        asyncio.run(
            _live(Traitement(engine, clock, Projection(Distributeur(clock))), guichet, clock, instants)
        )


async def _live(
    traitement: Traitement, guichet: Guichet, clock: FixedClock, instants: Sequence[datetime]
) -> None:
    await traitement.start()
    try:
        for instant in instants:
            clock.advance(instant - clock.now())
            jour = instant.astimezone(PARIS).date()
            document = generate(f"passée {jour}", guichet, le=jour, date_creation=jour)
            echange = echange_of(guichet, document, instant)
            await traitement.receive(echange)
            reponse = await traitement.get_num_unique(echange, document)
            assert not isinstance(reponse, Refus)
            assert reponse.numero
    finally:
        await traitement.stop()
