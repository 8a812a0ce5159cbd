"""The processes of PostgreSQL killed under the hub."""

from __future__ import annotations

import signal

import pytest

from tests.bout_en_bout.clients import CLIENTS
from tests.bout_en_bout.conftest import Scene
from tests.bout_en_bout.constats import (
    check_attempts,
    check_deliveries,
    check_documents,
    check_journal,
    check_numbers,
)
from tests.bout_en_bout.monde import generate_depots
from tests.bout_en_bout.processus import DELAI, call, kill_tree

DEMANDES = 300


@pytest.mark.slow
def test_the_hub_survives_its_database(scene: Scene) -> None:
    """SIGKILL of the postmaster and of all its processes: the partners are told that it is not their fault;
    when the database is back (any command starts it), the same hub process goes on; nothing is lost."""
    depots = generate_depots("base", DEMANDES)
    registered = scene.clients.register_all(depots)
    scene.clients.wait_for(DEMANDES // 2)
    postmaster = scene.serveur.postmaster()
    assert postmaster is not None
    kill_tree(postmaster)
    with scene.clients.changed:
        # Several each: it keeps answering.
        assert scene.clients.changed.wait_for(lambda: len(scene.clients.pannes) >= 5 * CLIENTS, DELAI)
    call("--instance", scene.dossier, "guichet", "lister")
    list(registered)
    assert scene.serveur.generation == 1
    assert all("SOA090" in panne and "postgres" not in panne.lower() for panne in scene.clients.pannes)
    numeros = check_numbers(scene, depots)
    expected = sum(len(depot.destinataires) for depot in depots)
    scene.partenaires.wait_for(expected)
    check_attempts(scene, expected)
    assert check_deliveries(scene, depots, numeros) == expected
    check_documents(scene, depots, numeros)
    check_journal(scene, DEMANDES)
    assert scene.serveur.end(signal.SIGTERM) == 0
    assert scene.serveur.postmaster() is None
