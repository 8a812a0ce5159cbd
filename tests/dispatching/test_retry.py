"""When to try again."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from dispatching.retry import DELAIS, ECHECS_AVANT_SUSPENSION, SUSPENSION_MAX, next_delay, suspension


def test_the_schedule_ends_in_a_visible_failure() -> None:
    """5 s, 30 s, 2 min, 7.5, 15, 30 min, 1, 2, 4, 8, 16 h, then failed for good: some 32 hours."""
    delays = [next_delay(rank) for rank in range(1, 13)]
    assert delays[:3] == [timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2)]
    assert delays[10] == timedelta(hours=16)
    assert delays[11] is None
    assert timedelta(hours=31, minutes=55) < sum(DELAIS, timedelta()) < timedelta(hours=32)
    assert all(before < after for before, after in pairwise(DELAIS))


def test_a_guichet_that_cannot_be_reached_is_spared_at_once() -> None:
    assert suspension(1, injoignable=True) == DELAIS[0]
    assert suspension(100, injoignable=True) == SUSPENSION_MAX


def test_a_guichet_that_refuses_some_documents_is_not_suspended() -> None:
    assert suspension(ECHECS_AVANT_SUSPENSION - 1, injoignable=False) is None
    assert suspension(ECHECS_AVANT_SUSPENSION, injoignable=False) is not None
