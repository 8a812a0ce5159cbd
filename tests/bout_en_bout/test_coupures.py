"""Eight hundred of the same registrations, while the process of the hub is killed at random moments."""

from __future__ import annotations

import asyncio
import random
import signal
import time

import pytest

from conformance.partenaire_reference import Comportement, PartenaireReference, Reception
from tests.bout_en_bout.conftest import Scene
from tests.bout_en_bout.constats import (
    check_attempts,
    check_deliveries,
    check_documents,
    check_journal,
    check_numbers,
)
from tests.bout_en_bout.monde import generate_depots
from tests.bout_en_bout.partenaires import Humeur

DEMANDES = 800
MORTS = 5
"""Kills while demandes are registered; one more during a start, one more when all are answered."""
GRAINE = 20261122


def fails(partner: PartenaireReference, _: Reception) -> None:
    """HTTP 500 after having kept the distribution: it comes again, and is not handled twice."""
    if len(partner.receptions) in (20, 150):
        raise RuntimeError("une panne du guichet")


def hangs(partner: PartenaireReference, _: Reception) -> None:
    """From the twentieth on, never answers again; the test brings it back after a kill."""
    if len(partner.receptions) == 20:
        asyncio.get_running_loop().call_soon(setattr, partner, "comportement", Comportement.MUET)


def loses_an_answer(partner: PartenaireReference, _: Reception) -> None:
    """Keeps the fifth and cuts the connection instead of acknowledging."""
    if len(partner.receptions) == 5:
        partner.comportement = Comportement.PERD_LA_REPONSE
        asyncio.get_running_loop().call_soon(setattr, partner, "comportement", Comportement.NORMAL)


@pytest.fixture
def humeurs() -> dict[str, Humeur]:
    return {"G0590": fails, "G7501": hangs, "G9301": loses_an_answer}


@pytest.mark.slow
def test_killed_at_random_moments_nothing_acknowledged_is_lost(scene: Scene) -> None:
    """SIGKILL, restart, the clients send the same bytes again: one number for each demande, every delivery
    handled once, the sequences without gap, the chain unbroken."""
    rng = random.Random(GRAINE)
    depots = generate_depots("charge", DEMANDES)
    registered = scene.clients.register_all(depots)
    for rang, count in enumerate(sorted(rng.sample(range(100, DEMANDES - 100), MORTS))):
        scene.clients.wait_for(count)
        # Chance, not a synchronisation: anywhere within some batches of registrations and deliveries.
        time.sleep(rng.uniform(0, 0.05))
        scene.serveur.kill()
        if rang >= MORTS // 2:
            scene.partenaires.endpoints["G7501"].comportement = Comportement.NORMAL
        if rang == 1:
            scene.serveur.launch()
            time.sleep(rng.uniform(0, 1.5))
            scene.serveur.kill()
        scene.serveur.start()
    list(registered)
    scene.serveur.kill()
    scene.serveur.start()
    assert scene.clients.renvois >= MORTS
    numeros = check_numbers(scene, depots)
    expected = sum(len(depot.destinataires) for depot in depots)
    scene.partenaires.wait_for(expected)
    check_documents(scene, depots, numeros)
    check_attempts(scene, expected)
    assert check_deliveries(scene, depots, numeros) == expected
    check_journal(scene, DEMANDES)
    assert scene.serveur.end(signal.SIGTERM) == 0
