"""Moves back-fills on while a server runs.

Any number of processes: each step takes the row of one back-fill, and no other touches it meanwhile. What
costs is the reading of documents, in a thread of its own and a step at a time, so that a stop is soon heard.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from dispatching.offres import Offreur

_LOG: Final = structlog.get_logger()


async def run_rattrapages(
    engine: Engine, offreur: Offreur, *, releve: timedelta = timedelta(seconds=1)
) -> None:
    """Move on the back-fills that are due, for ever. releve: how often to look when none is.

    A database that does not answer is waited for.
    """
    while True:
        try:
            moved = await asyncio.to_thread(offreur.step, engine)
        except DBAPIError as error:
            _LOG.warning("rattrapages.base_injoignable", erreur=type(error).__name__)
            moved = None
        if moved is None:
            await asyncio.sleep(releve.total_seconds())
        elif moved.termine_le is not None:
            _LOG.info("rattrapage.termine", guichet=moved.guichet, offertes=moved.offertes)
