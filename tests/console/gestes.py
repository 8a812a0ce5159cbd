"""What a person does with a mouse and a keyboard, done in a real browser and counted.

The time is that of the keystroke-level model (Card, Moran, Newell, 1980) for an average typist who is no
secretary: a key 0.28 s, pointing 1.10 s, pressing and releasing the button 0.20 s, moving the hand between
mouse and keyboard 0.40 s, making up one's mind 1.35 s before each gesture. Each page that is asked for counts
`PAGE` more: far above what the server takes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from playwright.async_api import Locator, Page

TOUCHE, POINTER, CLIC, MAIN, DECISION, PAGE = 0.28, 1.10, 0.20, 0.40, 1.35, 1.0


@dataclass
class Gestes:
    """Gestures on one tab. A name is that of the field, link or button, as it is read."""

    page: Page
    clics: int = 0
    touches: int = 0
    choix: int = 0
    pages: int = 0
    faits: list[str] = field(default_factory=list)

    @property
    def secondes(self) -> float:
        """What a person would take."""
        gestures = self.clics + self.choix + len([each for each in self.faits if each.startswith("saisir")])
        return (
            gestures * (DECISION + MAIN)
            + (self.clics + self.choix) * (POINTER + CLIC)
            + self.touches * TOUCHE
            + self.pages * PAGE
        )

    async def follow(self, nom: str) -> None:
        """Click a link, and wait for its page."""
        await self._click(self.page.get_by_role("link", name=nom, exact=True).first, nom)
        self.pages += 1

    async def push(self, nom: str) -> None:
        """Click a button, and wait for the page."""
        await self._click(self.page.get_by_role("button", name=nom), nom)
        self.pages += 1

    async def tick(self, nom: str) -> None:
        """Click a box or a radio button by its label."""
        await self._click(self.page.get_by_text(nom, exact=False).locator("visible=true").first, nom)

    async def unfold(self, nom: str) -> None:
        await self._click(self.page.get_by_role("button", name=nom, exact=True), nom)

    async def type(self, nom: str, texte: str) -> None:
        """Click a field and type."""
        champ = self.page.get_by_label(nom).first
        await champ.click()
        await champ.press_sequentially(texte)
        self.clics += 1
        self.touches += len(texte)
        self.faits.append(f"saisir {nom}")

    async def choose(self, nom: str, valeur: str) -> None:
        """Open a list and point at one of its values."""
        await self.page.get_by_label(nom).first.select_option(label=valeur)
        self.choix += 2
        self.faits.append(f"choisir {nom}")

    async def attach(self, nom: str, fichier: Path) -> None:
        """Open the dialogue of the system, type the name of a file, confirm."""
        await self.page.get_by_label(nom).first.set_input_files(fichier)
        self.clics += 2
        self.touches += len(fichier.name)
        self.faits.append(f"joindre {nom}")

    async def _click(self, what: Locator, nom: str) -> None:
        await what.click()
        await self.page.wait_for_load_state()
        self.clics += 1
        self.faits.append(f"cliquer {nom}")


FACTEURS: Final = "touche 0,28 s ; pointer 1,10 s ; clic 0,20 s ; main 0,40 s ; décision 1,35 s ; page 1 s"
