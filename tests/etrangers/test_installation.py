"""What a foreign client costs to whoever has none, and the page that tells what was found."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

import tools.etrangers as etrangers
from tests.etrangers.epreuve import ETAPES
from tests.etrangers.page import CLIENTS, COURRIER, VERSIONS, read_table
from tools.etrangers import NODE_SOAP, RECETTES, Absence, Chaine, Recette, chaine


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a recipe whose packages no machine has."""
    monkeypatch.setenv("ECHANGEUR_ETRANGERS", str(tmp_path / "cache"))
    monkeypatch.setattr(etrangers, "RECETTES", {"essai": Recette(npm=("essai",))})
    return tmp_path / "cache"


def test_absent_program_is_named_with_the_package_that_gives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    recette = Recette(programmes={"programme-de-personne": "paquet"})
    monkeypatch.setattr(etrangers, "RECETTES", {"essai": recette})
    found = chaine("essai")
    assert isinstance(found, Absence)
    assert found.raison == "programme-de-personne n'est pas sur cette machine (apt-get install paquet)"


def test_installation_can_be_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHANGEUR_ETRANGERS", "non")
    assert chaine("essai") == Absence("ECHANGEUR_ETRANGERS=non")
    assert not cache.exists()


def test_failure_is_remembered_and_leaves_nothing_half_installed(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without network, only the first session of the hour pays the probe."""
    tries = []

    def fail(packages: tuple[str, ...], target: Path) -> None:
        tries.append(packages)
        (target / "moitié").touch()
        raise etrangers._EchecError("pas de réseau")

    monkeypatch.setattr(etrangers, "_npm", fail)
    assert chaine("essai") == Absence("pas de réseau")
    again = chaine("essai")
    assert isinstance(again, Absence)
    assert again.raison.startswith("pas de réseau (essai récent")
    assert len(tries) == 1
    assert list(cache.rglob("moitié")) == []
    # An hour later, or when asked for, it is tried again.
    (failure,) = cache.glob("*.echec")
    os.utime(failure, (0, 0))
    assert chaine("essai") == Absence("pas de réseau")
    assert chaine("essai", force=True) == Absence("pas de réseau")
    assert len(tries) == 3


def test_installed_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def install(packages: tuple[str, ...], target: Path) -> None:
        tries.append(packages)
        (target / "programme").touch()

    monkeypatch.setattr(etrangers, "_npm", install)
    for _ in range(2):
        found = chaine("essai")
        assert isinstance(found, Chaine)
        assert found.find("programme")
    assert tries == [("essai",)]


def test_unreachable_site_fails_before_anything_is_asked_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in etrangers._MANDATAIRES:
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(etrangers._EchecError, match=r"pas de réseau : 127\.0\.0\.1 injoignable"):
            etrangers._probe(f"http://127.0.0.1:{port}/")


def test_distribution_is_probed_before_third_parties() -> None:
    uris = "'https://tiers.example/a' a 0\n'http://debian.example/b' b 0\n'http://debian.example/c' c 0\n"
    assert etrangers._sites(uris) == ["http://debian.example/c", "https://tiers.example/a"]


def test_package_is_read_from_the_name_of_its_file() -> None:
    assert etrangers._package_of("php-cli_2%3a8.2+93_all.deb") == "php-cli=2:8.2+93"


def test_page_tells_of_every_client() -> None:
    """The cells themselves are compared with what each client did, where it can be had."""
    table = read_table(CLIENTS)
    assert {name.partition(",")[0] for name in table} <= set(read_table(VERSIONS))
    assert all(tuple(row) == ETAPES for row in table.values())
    pages = (read_table(VERSIONS), read_table(VERSIONS, COURRIER))
    outils = {row["outil"] for page in pages for row in page.values()}
    assert outils == set(RECETTES)
    assert read_table(VERSIONS)["node-soap"]["version"] == NODE_SOAP
