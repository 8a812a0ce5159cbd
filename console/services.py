"""What the pages stand on, given once by the composition root."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from console.reglages import Console
from registry.clock import Clock


@dataclass(frozen=True, slots=True)
class Services:
    """The database, the clock, the settings of the console."""

    engine: Engine
    clock: Clock
    reglages: Console
