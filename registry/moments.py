"""An instant as people read it."""

from __future__ import annotations

from datetime import datetime

from registry.controles import PARIS


def say_moment(instant: datetime) -> str:
    """The day and the hour in Paris: ``29/11/2026 à 09:05``. instant: aware."""
    return f"{instant.astimezone(PARIS):%d/%m/%Y à %H:%M}"


def say_second(instant: datetime) -> str:
    """The same to the second, where two that are close are told apart: ``29/11/2026 à 09:05:07``."""
    return f"{instant.astimezone(PARIS):%d/%m/%Y à %H:%M:%S}"
