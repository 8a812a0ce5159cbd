"""The hub that the foreign clients call, and the toolchains they need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.etrangers.hub import Hub, serve
from tools.etrangers import Absence, Chaine, chaine

Outil = Callable[[str], Chaine]


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with serve(tmp_path_factory.mktemp("etrangers")) as hub:
        yield hub


@pytest.fixture(scope="session")
def outil() -> Outil:
    """``outil("php")``: the toolchain, installed if it can be; the test is skipped by name if it cannot.

    Ask for it before the hub: a client that is not there must not cost the start of one.
    """

    def get(nom: str) -> Chaine:
        found = chaine(nom)
        if isinstance(found, Absence):
            pytest.skip(f"client étranger {nom} non éprouvé : {found.raison}")
        return found

    return get


@pytest.fixture
def dossier(tmp_path: Path) -> Path:
    """Where a client builds and writes."""
    folder = tmp_path / "client"
    folder.mkdir()
    return folder


def get_hub(request: pytest.FixtureRequest) -> Hub:
    """The hub, started only once the client is known to be there."""
    hub = request.getfixturevalue("hub")
    assert isinstance(hub, Hub)
    return hub
