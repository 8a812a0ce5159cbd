"""The published pages in a real Chromium: axe finds nothing, nothing overflows on a telephone."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.specification.arbre import read_arbre
from schemas.specification.page import write_page
from schemas.specification.site import Site
from tests.console.chromium import Pilote
from tests.schemas.test_specification import TOUT


@pytest.mark.parametrize("nom", ["index", "page"])
async def test_published_page_is_accessible(nom: str, console_navigateur: Pilote, tmp_path: Path) -> None:
    """[SOA-40] The index, and a page that has all the kinds of blocks: the whole specification is made of the
    same, and takes axe minutes."""
    index = Site().find("", "https://localhost")
    assert index is not None
    path = tmp_path / "page.html"
    path.write_bytes(index.octets if nom == "index" else write_page(read_arbre(TOUT), "Titre", "Sous-titre"))
    tab = await console_navigateur.context.new_page()
    await tab.goto(path.as_uri())
    assert await console_navigateur.violations(tab) == []
    await tab.set_viewport_size({"width": 360, "height": 740})
    assert await tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert console_navigateur.plaintes == []
