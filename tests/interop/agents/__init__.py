"""Agents that make and read CMS and are not ours: `openssl cms`, NSS `cmsutil`, `gpgsm`, Bouncy Castle.

Each one is an `Agent`: bytes in, bytes out, and `EchecError` with what it said when it does not do what it is
asked. Adding one is a module here and its line in `AGENTS`.
"""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.interop.titulaires import Titulaire
from tools.etrangers import Chaine

DELAI = 60
"""Seconds after which an agent hangs."""


class EchecError(Exception):
    """The agent did not do it; the text is what it said."""


class Agent(ABC):
    """One foreign agent, with its folder and the holders that it knows.

    manieres: how it can be asked to write, by name of the profile of ours that reads it.
    """

    nom: str
    outil: str
    manieres: tuple[str, ...] = ("compatible",)

    def __init__(self, chaine: Chaine, dossier: Path, titulaires: Sequence[Titulaire]) -> None:
        dossier.mkdir()
        self.chaine = chaine
        self.dossier = dossier
        self.titulaires = titulaires
        self.prepare()

    def prepare(self) -> None:  # noqa: B027 - most have nothing to do
        """Import keys and certificates, when it keeps its own."""

    def close(self) -> None:  # noqa: B027
        """End what it left running."""

    @abstractmethod
    def version(self) -> str:
        """What it says it is."""

    @abstractmethod
    def sign(self, data: bytes, par: Titulaire, profil: str) -> bytes:
        """Signed, content held (opaque), as this agent makes it for a reader of `profil`."""

    @abstractmethod
    def verify(self, message: bytes, de: Titulaire) -> bytes:
        """The content, once the agent has verified the signature down to the authority."""

    @abstractmethod
    def encrypt(self, data: bytes, pour: Titulaire, profil: str) -> bytes:
        """Encrypted for one recipient."""

    @abstractmethod
    def decrypt(self, message: bytes, par: Titulaire) -> bytes:
        """The content."""

    def run(
        self, words: Sequence[object], more: Mapping[str, str] | None = None, entree: bytes | None = None
    ) -> bytes:
        """Standard output of a program of the agent. Raises EchecError."""
        try:
            done = subprocess.run(
                [str(word) for word in words],
                cwd=self.dossier,
                env={**self.chaine.environment(), **(more or {})},
                input=entree if entree is not None else b"",
                capture_output=True,
                timeout=DELAI,
            )
        except subprocess.TimeoutExpired:
            raise EchecError(f"{words[0]} : rien en {DELAI} s") from None
        if done.returncode:
            raise EchecError((done.stderr + done.stdout).decode(errors="replace").strip()[-600:])
        return done.stdout

    def file(self, name: str, data: bytes | None = None) -> Path:
        """A file of the folder of the agent; with `data`, written; without, removed."""
        path = self.dossier / name
        path.unlink(missing_ok=True)
        if data is not None:
            path.write_bytes(data)
        return path

    def program(self, name: str) -> Path:
        """A program of the toolchain. Raises EchecError when it has none."""
        found = self.chaine.find(f"usr/bin/{name}")
        if found is None:
            raise EchecError(f"{name} manque")
        return found
