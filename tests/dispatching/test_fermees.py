"""What is due to a guichet whose production is closed waits until it opens."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from dispatching.attempts import due_guichets
from dispatching.deliveries import Etat
from dispatching.fermees import Fermees
from dispatching.worker import Worker
from filters.language import Filtre
from registry.conformite import ReglesConformite
from registry.guichets import CanalDistribution
from registry.production import set_exigence
from tests.dispatching.scene import Scene
from tests.dispatching.test_worker import TIMEOUT, Partners, acknowledged, eventually
from tests.registry.rapports import rules

SECONDE = timedelta(seconds=1)


@asynccontextmanager
async def serving(scene: Scene, partners: Partners, regles: ReglesConformite) -> AsyncIterator[None]:
    transports = {CanalDistribution.PUSH: partners}
    often = timedelta(milliseconds=50)
    worker = Worker(scene.engine, transports, scene.clock, conformite=regles, releve=often)
    await worker.start()
    try:
        yield
    finally:
        await asyncio.wait_for(worker.stop(), TIMEOUT)


async def test_nothing_is_sent_to_a_guichet_until_its_production_opens(scene: Scene) -> None:
    """[CNF-14] What was there before the start, what is registered meanwhile; then all of it, in order."""
    author = scene.guichet("G0001")
    for code in ("G0002", "G0003"):
        scene.guichet(code, Filtre("Tout"))
    partners = Partners()
    regles = replace(rules(), a_partir_du=scene.now)
    with scene.engine.begin() as conn:
        set_exigence(conn, "G0003", None, par="x", instant=scene.now)
    scene.demande(author)
    async with serving(scene, partners, regles):
        await eventually(lambda: acknowledged(scene) == 1)
        scene.demande(author)
        await eventually(lambda: acknowledged(scene) == 2)
        assert {guichet for guichet, _, _ in partners.answers} == {"G0003"}
        with scene.engine.connect() as conn:
            assert due_guichets(conn, instant=scene.now) == ("G0002",)
            assert Fermees(regles).at(conn, scene.now) == {"G0001", "G0002"}
        assert {each.etat for each in scene.distributions("G0002")} == {Etat.EN_ATTENTE}
        with scene.engine.begin() as conn:
            set_exigence(conn, "G0002", None, par="x", instant=scene.now)
        scene.clock.advance(SECONDE)
        await eventually(lambda: acknowledged(scene) == 4)
    assert [each for each in partners.answers if each[0] == "G0002"] == [
        ("G0002", rang, partners.answers[0][2]) for rang in (1, 2)
    ]
    assert set(partners.calls.values()) == {1}


async def test_a_guichet_that_is_closed_while_it_is_served_is_sent_no_more(scene: Scene) -> None:
    """[CNF-14] What is being sent then is, and counts."""
    author = scene.guichet("G0001")
    for code in ("G0002", "G0003"):
        scene.guichet(code, Filtre("Tout"))
    partners = Partners()
    async with serving(scene, partners, rules()):
        scene.demande(author)
        await eventually(lambda: acknowledged(scene) == 2)
        with scene.engine.begin() as conn:
            set_exigence(conn, "G0002", scene.now, par="x", instant=scene.now)
        scene.clock.advance(SECONDE)
        for attendues in (3, 4):
            # Announced at once to both: the other one has received it.
            scene.demande(author)
            await eventually(lambda attendues=attendues: acknowledged(scene) == attendues)  # type: ignore[misc]
    assert Counter(guichet for guichet, _, _ in partners.answers) == {"G0002": 1, "G0003": 3}
    assert [each.etat for each in scene.distributions("G0002")] == [Etat.ACQUITTEE, *[Etat.EN_ATTENTE] * 2]


def test_closings_are_read_again_when_they_change_or_come(scene: Scene) -> None:
    """[CNF-14] In a second; a closing to come needs no change."""
    scene.guichet("G0002")
    fermees = Fermees(rules())
    with scene.engine.connect() as conn:
        assert fermees.at(conn, scene.now) == frozenset()
    with scene.engine.begin() as conn:
        set_exigence(conn, "G0002", scene.now + 10 * SECONDE, par="x", instant=scene.now)
    with scene.engine.connect() as conn:
        for after, found in ((1, set()), (9, set()), (10, {"G0002"}), (TIMEOUT, {"G0002"})):
            assert fermees.at(conn, scene.now + after * SECONDE) == found
