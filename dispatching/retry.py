"""When to try again. Pure.

Two clocks run: the one of a distribution, which ends in a visible failure, and the one of a guichet, which
only spares it. A guichet that is away for two days costs a few attempts to a few distributions of its
backlog, not all their attempts to all of them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

DELAIS: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=7, seconds=30),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=16),
)
"""Wait after the first failure, the second…; the twelfth, some 32 hours later, is the failure for good.

The schedule of proven mail queues (7.5 min to 16 h) after three quick attempts for a partner that restarts.
"""

ECHECS_AVANT_SUSPENSION: Final = 5
"""Failures in a row, whatever they are, that suspend a guichet: it is broken, not the document."""

SUSPENSION_MAX: Final = timedelta(minutes=30)
"""A guichet that is back is found out within this time, and its backlog then leaves at its own pace."""


def next_delay(echecs: int) -> timedelta | None:
    """How long to wait after this many failures of one distribution; None: it has failed for good
    ([DST-14])."""
    return DELAIS[echecs - 1] if echecs <= len(DELAIS) else None


def suspension(echecs: int, *, injoignable: bool) -> timedelta | None:
    """How long to leave a guichet alone after this many failures in a row; None: go on with its others.

    injoignable: the last failure was of the connection, not of what was sent: the others would fail alike.
    """
    if not injoignable and echecs < ECHECS_AVANT_SUSPENSION:
        return None
    return min(DELAIS[min(echecs, len(DELAIS)) - 1], SUSPENSION_MAX)
