"""Every page in a real Chromium: its policy refuses nothing of it, axe finds nothing, it is light."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from console.profils import ProfilCompte
from console.securite import COOKIE
from console.services import Services
from console.table import Methode, Objet, Page
from tests.console.cas import Cas
from tests.console.chromium import Pilote, drive, launch
from tests.console.conftest import PkiConsole, serve_console
from tests.console.monde import NOTRE, Monde
from tests.console.navigateur import Navigateur
from tests.console.test_droits import CAS, TABLE, account, address, sees
from tools.etrangers import Chaine

# One browser for all these pages, hence one loop; each has its own console, its own base and its own context.
pytestmark = pytest.mark.asyncio(loop_scope="module")

LUES = [page for page in TABLE if page.methode is Methode.GET]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: Chaine, pki_console: PkiConsole) -> AsyncIterator[Browser]:
    async with launch(chromium, pki_console.spki()) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def console(
    services: Services, monde: Monde, pki_console: PkiConsole, ecoute: socket.socket
) -> AsyncIterator[Navigateur]:
    async with serve_console(services, monde, pki_console, ecoute) as navigateur:
        yield navigateur


@pytest_asyncio.fixture(loop_scope="module")
async def console_navigateur(browser: Browser, console: Navigateur) -> AsyncIterator[Pilote]:
    async with drive(browser, console) as pilote:
        yield pilote


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


async def test_contexts_of_the_browser_see_nothing_of_each_other(
    browser: Browser, console: Navigateur
) -> None:
    """What the test of one page leaves is not there for the next."""
    async with drive(browser, console) as un, drive(browser, console) as autre:
        tab = await un.open("/", account(ProfilCompte.GUICHET))
        assert tab.url == f"{console.base}/"
        await tab.evaluate("localStorage.setItem('vu', 'un')")
        assert await tab.evaluate("localStorage.getItem('vu')") == "un"
        other = await autre.open("/")
        assert other.url.startswith(f"{console.base}/connexion")
        assert await other.evaluate("localStorage.getItem('vu')") is None
        assert COOKIE not in {each["name"] for each in await autre.context.cookies()}
