"""Time is explicit, aware, and in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from registry.clock import Clock, FixedClock, SystemClock

PARIS = timezone(timedelta(hours=1))


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock(datetime(2026, 3, 16, 10, 30, tzinfo=PARIS))
    assert clock.now() == clock.now() == datetime(2026, 3, 16, 9, 30, tzinfo=UTC)
    assert clock.now().tzinfo is UTC
    assert clock.advance(timedelta(minutes=1)) == clock.now() == datetime(2026, 3, 16, 9, 31, tzinfo=UTC)


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="fuseau"):
        FixedClock(datetime(2026, 3, 16))  # noqa: DTZ001


@pytest.mark.parametrize("clock", [SystemClock(), FixedClock(datetime(2026, 3, 16, tzinfo=UTC))])
def test_instants_are_aware_and_in_utc(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(0)
