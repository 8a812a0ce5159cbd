"""The scene of the tests of dispatching."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from registry.clock import FixedClock
from tests.dispatching.scene import Scene


@pytest.fixture
def scene(engine: Engine, clock: FixedClock) -> Scene:
    return Scene(engine, clock)
