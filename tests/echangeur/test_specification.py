"""The worked examples are what the program does; the command writes what a server publishes."""

from __future__ import annotations

from pathlib import Path

from schemas.specification.site import Site
from tests.echangeur.conftest import Commande
from tools import exemples


def test_the_examples_are_what_the_hub_does(database_url: str) -> None:
    """[SOA-42] Made again on a hub of its own; `python -m tools.exemples` records them again."""
    assert exemples.record(database_url) == exemples.render()


def test_specification_is_written(commande: Commande, tmp_path: Path) -> None:
    result = commande("specification", tmp_path / "s", "--adresse", "https://echangeur.example")
    assert result.code == 0, result.erreur
    site = Site()
    folder = tmp_path / "s"
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert written == {chemin or "index.html" for chemin in site.chemins}
    wsdl = folder / f"{site.edition}wsdl" / "DemandeLogementImplService.wsdl"
    assert "https://echangeur.example/services/DemandeLogementImplService" in wsdl.read_text(encoding="utf-8")
    assert (folder / f"{site.edition}specification.pdf").read_bytes().startswith(b"%PDF")
