"""Time is explicit: whoever needs the instant is given a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the instant."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FixedClock:
    """A clock that only moves when told to, for tests and replays."""

    def __init__(self, instant: datetime) -> None:
        """Raises ValueError for an instant without a zone."""
        self.set(instant)

    def now(self) -> datetime:
        return self._instant

    def set(self, instant: datetime) -> None:
        """Jump to `instant`. Raises ValueError when it has no zone: a naive instant is ambiguous."""
        if instant.tzinfo is None:
            raise ValueError("un instant sans fuseau est ambigu")
        self._instant = instant.astimezone(UTC)

    def advance(self, delta: timedelta) -> datetime:
        """Move by `delta` and return the new instant."""
        self._instant += delta
        return self._instant
