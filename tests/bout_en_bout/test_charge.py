"""Two thousand registrations by sixteen clients, through real processes, sockets and disk."""

from __future__ import annotations

import signal

import pytest

from tests.bout_en_bout.conftest import Scene
from tests.bout_en_bout.constats import (
    check_attempts,
    check_deliveries,
    check_documents,
    check_journal,
    check_numbers,
)
from tests.bout_en_bout.monde import AUTEURS, Commande, administer, generate_depots
from tests.bout_en_bout.processus import call

DEMANDES = 2_000


@pytest.fixture
def commande() -> Commande:
    """The creation and all about the first guichet by processes, as an operator does."""

    def run(*words: object) -> None:
        command = call if {"init", AUTEURS[0].code} & set(words) else administer
        command(*words)

    return run


@pytest.mark.slow
def test_two_thousand_registrations_by_sixteen_clients(scene: Scene) -> None:
    """2,000 numbers without gap, an unbroken chain, the expected deliveries each received exactly once."""
    depots = generate_depots("charge", DEMANDES)
    list(scene.clients.register_all(depots))
    assert scene.clients.renvois == 0
    numeros = check_numbers(scene, depots)
    expected = sum(len(depot.destinataires) for depot in depots)
    scene.partenaires.wait_for(expected)
    assert check_deliveries(scene, depots, numeros) == expected
    for endpoint in scene.partenaires.endpoints.values():
        assert set(endpoint.deliveries.values()) <= {1}
        # Several go at once, each for another demande: without gap, in the order of nothing else ([DST-53]).
        sequences = sorted(reception.sequence for reception in endpoint.receptions.values())
        assert sequences == list(range(1, len(sequences) + 1))
    check_documents(scene, depots, numeros)
    check_journal(scene, DEMANDES)
    check_attempts(scene, expected)
    assert scene.serveur.end(signal.SIGTERM) == 0
    assert scene.serveur.postmaster() is None
