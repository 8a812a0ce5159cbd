"""A console without the keys nor the network of the instance says so, and shows what the base tells."""

from __future__ import annotations

import pytest

from console.profils import ProfilCompte
from tests.console.monde import NOTRE
from tests.console.navigateur import Navigateur

EXPLOITANT = (ProfilCompte.EXPLOITANT, "")


@pytest.fixture
def moyens() -> None:
    """None of them."""


async def test_what_needs_the_keys_is_refused_and_says_whose_turn_it_is(console: Navigateur) -> None:
    """[RAC-7]"""
    page = await console.get("/cles", EXPLOITANT)
    assert (page.statut, "Les clés ne se lisent pas" in page.texte) == (200, True)
    for chemin in (
        "/cles/preparer",
        "/cles/basculer",
        "/cles/purger",
        f"/partenaires/{NOTRE}/essai",
        f"/partenaires/{NOTRE}/repetition",
    ):
        refused = await console.post(chemin, {"confirme": "oui"}, EXPLOITANT)
        assert (refused.statut, "CON302" in refused.texte) == (422, True), chemin
    assert (await console.get("/cles/echangeur-client.pem", EXPLOITANT)).statut == 404
    for chemin in ("/fiche", "/raccordement?etape=certificats", "/raccordement?etape=essai", ""):
        assert (await console.get(f"/partenaires/{NOTRE}{chemin}", EXPLOITANT)).statut == 200
