"""What the pages stand on, given once by the composition root."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from console.moyens import Moyens
from console.reglages import Console
from registry.clock import Clock


@dataclass(frozen=True, slots=True)
class Services:
    """The database, the clock, the settings of the console. moyens: the keys and the network of the instance,
    when this process has them."""

    engine: Engine
    clock: Clock
    reglages: Console
    moyens: Moyens | None = None
