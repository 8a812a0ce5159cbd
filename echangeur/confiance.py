"""The verdicts on the certificates of partners, kept up to date beside the requests."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import Connection, Engine

from certs.chemin import Exigence
from echangeur.config import Configuration
from registry.clock import Clock
from registry.confiance import Confiance, load_confiance
from registry.verdicts_certificats import Charge, judge_all

_log = structlog.get_logger("echangeur")

PERIODE: Final = 5.0
"""Seconds between two looks at what is to be judged again: one small query."""


def charge_of(configuration: Configuration) -> Charge:
    """How an instance judges: what it demands, and its grace."""
    settings = configuration.confiance
    exigence, grace = Exigence(settings.revocation), timedelta(hours=settings.grace)

    def load(conn: Connection) -> Confiance:
        return load_confiance(conn, exigence=exigence, grace=grace)

    return load


async def watch_verdicts(engine: Engine, clock: Clock, load: Charge) -> None:
    """Judge again what must be, until cancelled: a list grows old without anybody changing anything."""
    while True:
        await asyncio.sleep(PERIODE)
        try:
            await asyncio.to_thread(judge_all, engine, load, instant=clock.now())
        except Exception as error:  # noqa: BLE001 - whatever it was, the next look tries again, and it is told
            _log.warning("certificats non jugés", erreur=type(error).__name__)
