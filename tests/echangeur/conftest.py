"""The command line under test, in this process, on a database of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from echangeur.cli import run
from registry.clock import FixedClock


@dataclass(frozen=True, slots=True)
class Resultat:
    """What a command printed and how it ended."""

    code: int
    sortie: str
    erreur: str

    @property
    def json(self) -> Any:
        return json.loads(self.sortie)


Commande = Callable[..., Resultat]


@pytest.fixture(autouse=True)
def _logs_of_nobody() -> Iterator[None]:
    """`serve` called in this process sends the logs to the captured output of its test, closed afterwards."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def horloge() -> FixedClock:
    """A quiet Monday morning, which each test may move."""
    return FixedClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))


@pytest.fixture
def commande(capsys: pytest.CaptureFixture[str], horloge: FixedClock) -> Commande:
    """``commande("schema", "valider", path)`` without an instance."""

    def call(*words: object) -> Resultat:
        code = run([str(word) for word in words], clock=horloge)
        captured = capsys.readouterr()
        return Resultat(code, captured.out, captured.err)

    return call


@pytest.fixture
def dossier(tmp_path: Path, commande: Commande, database_url: str) -> Path:
    """The folder of a new instance on a database of the server of the tests."""
    folder = tmp_path / "instance"
    result = commande("init", folder, "--base", database_url)
    assert result.code == 0, result.erreur
    return folder


@pytest.fixture
def instance(commande: Commande, dossier: Path) -> Commande:
    """``instance("guichet", "lister")`` on that instance."""

    def call(*words: object) -> Resultat:
        return commande("--instance", dossier, *words)

    return call


@pytest.fixture
def guichet(instance: Commande) -> str:
    """A bailleur of Île-de-France."""
    result = instance(
        *("guichet", "ajouter", "G1104", "--nom", "Habitat [exemple]", "--type", "bailleur"),
        *("--siren", "552046484", "--territoire", "111"),
    )
    assert result.code == 0, result.erreur
    return "G1104"
