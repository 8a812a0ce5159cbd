"""A real browser on the console: Debian's Chromium, headless, driven by playwright.

``console_navigateur`` (conftest): ``page = await console_navigateur.open("/", qui)`` then anything playwright
does. `capture` keeps a picture, `violations` what axe finds wrong.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright

from console.securite import COOKIE
from tests.console.navigateur import Navigateur, Qui
from tools.etrangers import Chaine

AXE: Final = Path(__file__).parent / "axe" / "axe.min.js"
"""axe-core 4.14.1, from npm, as published."""
OPTIONS: Final = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
DOSSIER: Final = "ECHANGEUR_CAPTURES"
"""Environment variable: the folder where pictures are kept."""
_NORMES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Pilote:
    """One context of a browser. What a page says, and what it could not load, is in `plaintes`."""

    def __init__(self, console: Navigateur, context: BrowserContext) -> None:
        self.console = console
        self.context = context
        self.plaintes: list[str] = []
        # Patience, not a measure: a loaded machine took over thirty seconds to let a page settle.
        context.set_default_timeout(120_000)
        context.on("page", self._listen)

    async def open(self, chemin: str, qui: Qui | None = None) -> Page:
        """A new tab on that page, signed in as that account."""
        await self.sign_in(qui)
        page = await self.context.new_page()
        await page.goto(self.console.base + chemin)
        return page

    async def sign_in(self, qui: Qui | None) -> None:
        """From now on the browser is that account, or nobody."""
        await self.context.clear_cookies()
        if qui is not None:
            token = self.console.token(qui)
            await self.context.add_cookies([{"name": COOKIE, "value": token, "url": self.console.base}])

    async def violations(self, page: Page) -> list[str]:
        """What axe finds in the page: rule, gravity, and where; empty when all is well."""
        # Evaluated by the driver, outside of the policy of the page, which forbids any foreign script.
        await page.evaluate(AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = await page.evaluate(
            "async (tags) => await axe.run(document, {runOnly: {type: 'tag', values: tags}})", _NORMES
        )
        return [
            f"{each['impact']} {each['id']} : {each['help']} – {node['html'][:160]}"
            for each in found["violations"]
            for node in each["nodes"]
        ]

    async def capture(self, page: Page, nom: str) -> None:
        """Keep a picture of the whole page, NOM.png, in the folder of `python -m tools.captures`; without
        one, none is made."""
        folder = os.environ.get(DOSSIER)
        if folder:
            await page.evaluate("document.fonts.ready")
            await page.screenshot(path=Path(folder) / f"{nom}.png", full_page=True)

    async def weigh(self, page: Page, chemin: str) -> int:
        """Bytes that come through the network for that page, in a browser that has already seen another."""
        received: list[float] = []

        def add(finished: dict[str, float]) -> None:
            received.append(finished["encodedDataLength"])

        session = await self.context.new_cdp_session(page)
        await session.send("Network.enable")
        # What the browser finds in its cache counts for nothing here.
        session.on("Network.loadingFinished", add)
        await page.goto(self.console.base + chemin)
        await page.wait_for_load_state("networkidle")
        await session.detach()
        return int(sum(received))

    def _listen(self, page: Page) -> None:
        page.on("console", lambda said: self._complain(said.type, said.text))
        page.on("pageerror", lambda error: self.plaintes.append(f"erreur : {error}"))
        page.on("requestfailed", self._complain_of)

    def _complain_of(self, asked: Request) -> None:
        # A page that is left gives up what it was asking for: its icon, its next look.
        if asked.failure != "net::ERR_ABORTED":
            self._complain("error", f"non chargé : {asked.url}")

    def _complain(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.plaintes.append(text)


@asynccontextmanager
async def launch(chromium: Chaine, spki: str) -> AsyncIterator[Browser]:
    """A browser, closed at the end. It may serve several tests: each drives a context of its own.

    spki: the key of the console, taken for a good one: with a mere exception, nothing would be cached.
    """
    program = chromium.find("usr/lib/chromium/chromium")
    assert program is not None
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program,
            headless=True,
            chromium_sandbox=False,
            args=[*OPTIONS, f"--ignore-certificate-errors-spki-list={spki}"],
            env={**chromium.environment()},
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def drive(browser: Browser, console: Navigateur) -> AsyncIterator[Pilote]:
    """An empty context: its cookies, its storage and its cache are its own, and go with it."""
    context = await browser.new_context(
        locale="fr-FR",
        timezone_id="Europe/Paris",
        viewport={"width": 1280, "height": 900},
        reduced_motion="reduce",
    )
    try:
        yield Pilote(console, context)
    finally:
        await context.close()
