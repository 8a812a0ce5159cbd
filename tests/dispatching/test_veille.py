"""The memory of the filters follows the database in every process, without waiting for a decision."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from dispatching.decision import Distributeur
from dispatching.veille import Veille
from filters.en_vigueur import FiltresEnVigueur
from filters.language import filtre
from filters.naive import matches
from filters.store import filtres_in_force, save_filtre, withdraw_filtre
from filters.traits import Traits
from registry.clock import FixedClock
from registry.generations import CANAL_NOTIFICATION, Generation, read
from tests.dispatching.scene import DOUAI, LILLE, Scene
from tests.dispatching.test_worker import END_SESSIONS, TIMEOUT
from tests.filters.samples import random_filtre, random_traits
from tests.registry.fabrique import RECU_LE

AT_LILLE = filtre("Lille", communes=[LILLE])
AT_DOUAI = filtre("Douai", communes=[DOUAI])
NEVER = timedelta(hours=1)


class Processus:
    """A process that decides, and hears of the changes."""

    def __init__(self, scene: Scene, releve: timedelta) -> None:
        self.distributeur = Distributeur(scene.clock)
        self._looked = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self.veille = Veille(scene.engine, self.distributeur, releve=releve, suivie=self._tell)

    def _tell(self) -> None:
        task = asyncio.create_task(self._notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self._looked:
            self._looked.notify_all()

    async def holds(self, nombre: int) -> None:
        """Until so many filters are in force in its memory."""
        async with self._looked:
            condition = self._looked.wait_for(lambda: self.distributeur.filtres[1] == nombre)
            await asyncio.wait_for(condition, TIMEOUT)


@asynccontextmanager
async def processes(scene: Scene, count: int, releve: timedelta = NEVER) -> AsyncIterator[list[Processus]]:
    async with AsyncExitStack() as stack:
        found = [Processus(scene, releve) for _ in range(count)]
        for each in found:
            await each.veille.start()
            stack.push_async_callback(each.veille.stop)
        yield found


async def test_every_process_holds_a_change_before_it_decides(scene: Scene) -> None:
    """[FIL-21] Heard of at the commit: the regular look here is in an hour, and nothing is decided."""
    scene.guichet("G0001", AT_LILLE)
    async with processes(scene, 3) as found:
        for each in found:
            await each.holds(1)
        await asyncio.to_thread(scene.filtre, "G0001", AT_DOUAI)
        for each in found:
            await each.holds(2)


async def test_a_version_to_come_is_in_force_at_its_instant(scene: Scene) -> None:
    """[FIL-21] [FIL-8] Without a change in the database, nor a decision."""
    scene.guichet("G0001", AT_LILLE)
    with scene.engine.begin() as conn:
        save_filtre(conn, "G0001", AT_DOUAI, instant=scene.now, effet_le=scene.now + timedelta(hours=2))
    async with processes(scene, 2, releve=timedelta(milliseconds=20)) as found:
        for each in found:
            await each.holds(1)
        scene.clock.advance(timedelta(hours=2))
        for each in found:
            await each.holds(2)


async def test_a_cut_connection_hears_what_it_has_missed(scene: Scene) -> None:
    """[FIL-21] The session ends; what was changed meanwhile is read when it is back."""
    scene.guichet("G0001", AT_LILLE)
    async with processes(scene, 1, releve=timedelta(milliseconds=20)) as (only,):
        await only.holds(1)
        with scene.engine.begin() as conn:
            assert conn.execute(text(END_SESSIONS)).rowcount == 1
            save_filtre(conn, "G0001", AT_DOUAI, instant=scene.now)
        await only.holds(2)


def test_a_notification_that_is_lost_changes_no_decision(scene: Scene) -> None:
    """[FIL-21] [DST-3] Nobody listens: the deciding transaction reads what its memory lacks; and the memory
    that has followed is not taken for that of a restored database."""
    auteur = scene.guichet("G0001")
    scene.guichet("G0002", AT_LILLE)
    scene.demande(auteur)
    scene.guichet("G0003", AT_LILLE)
    scene.demande(auteur)
    scene.guichet("G0004", AT_LILLE)
    scene.distributeur.follow(scene.engine)
    followed = scene.distributeur.filtres
    scene.demande(auteur)
    assert scene.distributeur.filtres == followed
    assert [len(scene.distributions(f"G000{n}")) for n in (2, 3, 4)] == [3, 2, 1]


def test_a_change_is_told_at_its_commit_only(scene: Scene) -> None:
    """[FIL-21] Nothing is told of what is rolled back."""
    scene.guichet("G0001")
    url = scene.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as listener:
        listener.execute(f"LISTEN {CANAL_NOTIFICATION}")
        with scene.engine.connect() as conn:
            save_filtre(conn, "G0001", AT_DOUAI, instant=scene.now)
            conn.rollback()
        with scene.engine.begin() as conn:
            save_filtre(conn, "G0001", AT_LILLE, instant=scene.now)
        told = [each.payload for each in listener.notifies(timeout=TIMEOUT, stop_after=1)]
        told += [each.payload for each in listener.notifies(timeout=0)]
    assert told == [Generation.FILTRES]


@pytest.fixture(scope="module")
def guichets(module_engine: Engine) -> Scene:
    scene = Scene(module_engine, FixedClock(RECU_LE))
    for rang in range(3):
        scene.guichet(f"G000{rang}")
    return scene


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 25))
def test_followed_in_place_equals_built_again_equals_naive(guichets: Scene, seed: int, steps: int) -> None:
    """[FIL-20] [FIL-21] Filters saved, replaced, withdrawn, to come; followed or refreshed at any moment, in
    any order: the memory answers as one built from nothing, and as each filter evaluated."""
    scene, rng = guichets, random.Random(seed)
    distributeur = Distributeur(scene.clock)
    demandes = [random_traits(rng) for _ in range(6)]
    for _ in range(steps):
        step = rng.choice(["save", "save", "save", "withdraw", "wait", "follow", "follow"])
        code, nom = rng.randrange(3), f"F{rng.randrange(4)}"
        effet = scene.now + timedelta(hours=rng.choice([0, 0, 1, 5]))
        with scene.engine.begin() as conn:
            # Refused ones too: a version may not take effect before the one that it replaces.
            if step == "save":
                save_filtre(conn, f"G000{code}", random_filtre(rng, nom), instant=scene.now, effet_le=effet)
            elif step == "withdraw":
                withdraw_filtre(conn, f"G000{code}", nom, instant=scene.now, effet_le=effet)
        if step == "wait":
            scene.clock.advance(timedelta(hours=rng.choice([1, 3])))
        elif step == "follow":
            distributeur.follow(scene.engine)
            _check(scene, distributeur, demandes)
    distributeur.follow(scene.engine)
    _check(scene, distributeur, demandes)
    with scene.engine.begin() as conn:
        distributeur.warm(conn)
    _check(scene, distributeur, demandes)


def _check(scene: Scene, distributeur: Distributeur, demandes: list[Traits]) -> None:
    again = FiltresEnVigueur()
    with scene.engine.connect() as conn:
        again.refresh(conn, read(conn, Generation.FILTRES), scene.now)
        kept = filtres_in_force(conn, scene.now)
    assert distributeur.filtres == (again.generation, len(kept))
    for traits in demandes:
        followed = {(v.identifiant, v.version) for v in distributeur._filtres.match(traits)}
        assert followed == {(v.identifiant, v.version) for v in again.match(traits)}
        assert followed == {
            (v.identifiant, v.version) for v in kept if v.filtre is not None and matches(v.filtre, traits)
        }
