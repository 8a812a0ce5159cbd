"""Agents that make and read CMS and are not ours: `openssl cms`, NSS `cmsutil`, `gpgsm`, Bouncy Castle.

Each one is an `Agent`: bytes in, bytes out, and `EchecError` with what it said when it does not do what it is
asked. Adding one is a module here and its line in `AGENTS`.
"""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from base64 import encodebytes
from collections.abc import Mapping, Sequence
from email import message_from_bytes
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

    def compose(self, entite: bytes, par: Titulaire, pour: Titulaire, profil: str) -> bytes:
        """The content of a mail: the entity signed, then encrypted, with the headers that say so."""
        signed = _carry("signed-data", self.sign(entite, par, profil))
        return _carry("enveloped-data", self.encrypt(signed, pour, profil))

    def read(self, mail: bytes, par: Titulaire, de: Titulaire) -> bytes:
        """The entity that a mail holds, decrypted by `par`, signed by `de`."""
        inside = self.decrypt(_carried(mail), par)
        return self.verify(_carried(inside), de)

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


def _carry(smime: str, cms: bytes) -> bytes:
    """CMS as a part of a mail (RFC 8551 §3.2)."""
    head = (
        "MIME-Version: 1.0\r\n"
        f'Content-Type: application/pkcs7-mime; smime-type={smime}; name="smime.p7m"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode() + encodebytes(cms).replace(b"\n", b"\r\n")


def _carried(part: bytes) -> bytes:
    payload = message_from_bytes(part).get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload
