"""When to try again."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from dispatching.retry import DELAIS, next_delay


def test_the_schedule_ends_in_a_visible_failure() -> None:
    """5 s, 30 s, 2 min, 7.5, 15, 30 min, 1, 2, 4, 8, 16 h, then failed for good: some 32 hours."""
    delays = [next_delay(rank) for rank in range(1, 13)]
    assert delays[:3] == [timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2)]
    assert delays[10] == timedelta(hours=16)
    assert delays[11] is None
    assert timedelta(hours=31, minutes=55) < sum(DELAIS, timedelta()) < timedelta(hours=32)
    assert all(before < after for before, after in pairwise(DELAIS))


def test_a_schedule_of_its_own() -> None:
    """[DST-44]"""
    delais = (timedelta(minutes=1), timedelta(hours=1))
    assert [next_delay(rank, delais) for rank in (1, 2, 3)] == [*delais, None]
