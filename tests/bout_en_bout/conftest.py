"""A whole hub for one test: processes, database, partners and clients."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bout_en_bout.clients import Clients
from tests.bout_en_bout.monde import Commande, administer, settle
from tests.bout_en_bout.partenaires import Humeur, Partenaires
from tests.bout_en_bout.processus import Serveur


@dataclass(frozen=True, slots=True)
class Scene:
    """A hub that serves, the seven guichets, the receiving partners, and the clients of the authors."""

    dossier: Path
    serveur: Serveur
    partenaires: Partenaires
    clients: Clients


@pytest.fixture
def humeurs() -> dict[str, Humeur]:
    """By code, how a partner takes what it receives; to be filled before the scene sends anything."""
    return {}


@pytest.fixture
def commande() -> Commande:
    """How the commands that prepare the instance are run."""
    return administer


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder of our own: each session of pytest closes the parent of tmp_path to the user of PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="echangeur-bout-") as folder:
        yield Path(folder)


@pytest.fixture
def scene(place: Path, humeurs: dict[str, Humeur], commande: Commande) -> Iterator[Scene]:
    dossier = Path(tempfile.mkdtemp(dir=place)) / "instance"
    commande("init", dossier)
    with ExitStack() as stack:
        serveur = Serveur(dossier)
        stack.callback(serveur.close)
        partenaires = Partenaires(dossier, humeurs)
        stack.callback(partenaires.stop)
        adresses = partenaires.start()
        serveur.start()
        settle(dossier, adresses, commande)
        clients = Clients(dossier, serveur)
        # First to end: what it waits for, the others still have to give.
        stack.callback(clients.close)
        yield Scene(dossier, serveur, partenaires, clients)
