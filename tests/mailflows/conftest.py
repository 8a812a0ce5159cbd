"""A hub that does mail, for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import Engine

from registry.clock import FixedClock
from tests.mailflows.monde import Monde, Pki


@pytest.fixture(scope="session")
def pki_courrier(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki.create(tmp_path_factory.mktemp("courrier"))


@pytest_asyncio.fixture
async def monde(engine: Engine, clock: FixedClock, pki_courrier: Pki) -> AsyncIterator[Monde]:
    monde = Monde(engine, clock, pki_courrier)
    await monde.start()
    yield monde
    await monde.stop()
