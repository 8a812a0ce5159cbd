"""The layout of the attestation: typst, PDF 1.7 with the tags of PDF/UA-1 (docs/decisions/0034).

typst checks the rules of PDF/UA while it writes and refuses to write otherwise; the same data give the same
bytes. It runs outside the interpreter lock. The first attestation of a process costs 80 ms, the next ones 12:
what did not change since the one before is not laid out again (modeles/attestation.typ).
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec
import typst

_NORME: Final = "ua-1"
_CARRE: Final = "□"


class Imprimeur:
    """Makes attestations, one at a time: give each thread its own."""

    def __init__(self, modele: Path | None = None) -> None:
        """modele: another layout than ours, that reads the same data."""
        layout = files("registry") / "modeles" / "attestation.typ" if modele is None else modele
        self._source = layout.read_bytes()
        self._compiler: typst.Compiler | None = None

    def render(self, donnees: dict[str, object], *, instant: datetime) -> bytes:
        """The PDF. instant: aware, the date that the file bears. Raises typst.TypstError when the layout is
        at fault ([ATT-8])."""
        try:
            return self._compile(donnees, instant)
        except typst.TypstError:
            # PDF/UA forbids a character without a glyph; a name in another script than ours has some. The
            # characters beyond the Latin ones are then shown as squares: the number identifies the demande.
            return self._compile({cle: _latin(valeur) for cle, valeur in donnees.items()}, instant)

    def _compile(self, donnees: dict[str, object], instant: datetime) -> bytes:
        fichiers = {"main.typ": self._source, "donnees.json": msgspec.json.encode(donnees)}
        if self._compiler is None:
            # Its own fonts only, so that every machine prints the same.
            self._compiler = typst.Compiler(fichiers, ignore_system_fonts=True)  # type: ignore[type-var]
        # Files held in memory are documented by typst, and forgotten by its types.
        pdf = self._compiler.compile(
            fichiers,  # type: ignore[type-var]
            format="pdf",
            pdf_standards=_NORME,
            timestamp=instant,
        )
        assert isinstance(pdf, bytes)
        return pdf


def _latin(value: object) -> object:
    """The same value with what has no glyph replaced."""
    if isinstance(value, str):
        return "".join(letter if _printable(letter) else _CARRE for letter in value)
    if isinstance(value, list):
        return [_latin(item) for item in value]
    if isinstance(value, dict):
        return {key: _latin(item) for key, item in value.items()}
    return value


def _printable(letter: str) -> bool:
    return letter.isascii() or letter in "’–—…€°«»œŒ" or unicodedata.name(letter, "").startswith("LATIN ")
