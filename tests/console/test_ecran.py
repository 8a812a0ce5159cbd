"""Every page in a real Chromium: its policy refuses nothing of it, axe finds nothing, it is light."""

from __future__ import annotations

import pytest

from console.profils import ProfilCompte
from console.table import Methode, Objet, Page
from tests.console.cas import Cas
from tests.console.chromium import Pilote
from tests.console.monde import NOTRE
from tests.console.test_droits import CAS, TABLE, account, address, sees

LUES = [page for page in TABLE if page.methode is Methode.GET]


def reader(page: Page) -> ProfilCompte:
    """A profile that sees the page about the guichet NOTRE; the most limited first."""
    for profil in (ProfilCompte.GUICHET, *reversed(ProfilCompte)):
        if profil in page.droits and sees(page, profil, NOTRE):
            return profil
    raise AssertionError(page.nom)


@pytest.mark.parametrize("page", LUES, ids=lambda page: page.nom)
async def test_page_is_accessible_light_and_lawful(page: Page, console_navigateur: Pilote) -> None:
    """[CSL-25] [CSL-27]"""
    if page.chemin.count("{") > (page.objet is not Objet.AUCUN):
        assert page.nom in CAS
    if CAS.get(page.nom, Cas()).telechargement:
        pytest.skip("un fichier, pas une page")
    profil = ProfilCompte.GUICHET if page.publique else reader(page)
    qui = None if page.publique else account(profil)
    await console_navigateur.sign_in(qui)
    tab = await console_navigateur.context.new_page()
    await tab.goto(console_navigateur.console.base + "/connexion")
    chemin = address(page, console_navigateur.console.monde, NOTRE, profil)
    weight = await console_navigateur.weigh(tab, chemin)
    await console_navigateur.capture(tab, page.nom)
    assert await console_navigateur.violations(tab) == []
    # A page that is only ever refused, such as the invitation of nobody, is a failure to the browser too.
    refused = 200 not in CAS.get(page.nom, Cas()).statuts
    assert [each for each in console_navigateur.plaintes if not (refused and "status of" in each)] == []
    assert 0 < weight < 150_000
    # On a telephone nothing overflows, and the menu opens with the keyboard.
    await tab.set_viewport_size({"width": 360, "height": 740})
    assert await tab.evaluate("document.documentElement.scrollWidth") <= 360
