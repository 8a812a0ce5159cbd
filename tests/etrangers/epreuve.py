"""The steps that every client takes, and the judgement of what it understood.

A client reads `demande.xml`, `anomalie.xml` and `illisible.xml` in its folder, and writes there the files
that it was given: `enregistrer`, `lire`, `doublons`, `anomalie`, and the reason of the fault in `faute`.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

from lxml import etree

from schemas.documents import DEMANDES, Document, DocumentKind, read_document
from schemas.generation import generate_demande
from tests.etrangers.hub import AUTRE, GUICHET

ETAPES = ("enregistrer", "lire", "doublons", "anomalie", "faute")
ILLISIBLE = b"<pas du xml"
NUU = "{http://nuu.application.i2/}"


class Epreuve:
    """One client's turn, in a folder of its own."""

    def __init__(self, dossier: Path, graine: str) -> None:
        dossier.mkdir()
        self.dossier = dossier
        self._demande = _accented_demande(graine)
        other = generate_demande(f"etranger autre {graine}", guichet=AUTRE, association=False)
        (dossier / "demande.xml").write_bytes(self._demande)
        (dossier / "anomalie.xml").write_bytes(other)
        (dossier / "illisible.xml").write_bytes(ILLISIBLE)

    def write(self, etape: str, text: str) -> None:
        """What a client without hands of its own was given."""
        (self.dossier / etape).write_text(text, encoding="utf-8", newline="")

    @property
    def numero(self) -> str:
        """The number that the client was given."""
        return _texts(self._read("enregistrer"), "numUnique")[0]

    def constats(self) -> dict[str, str]:
        """By step, ``oui`` or what is wrong."""
        return {etape: self._judge(etape) for etape in ETAPES}

    def _judge(self, etape: str) -> str:
        if not (self.dossier / etape).is_file():
            return "rien reçu"
        if etape == "faute":
            # The whole text, accents included: what a person reads in the log of the partner.
            reason = (self.dossier / etape).read_text(encoding="utf-8")
            return "oui" if reason.startswith("Le fichier n'est pas du XML bien formé") else reason
        root = self._read(etape)
        if etape == "doublons":
            return _yes(self.numero in _texts(root, "numUnique"))
        if etape == "anomalie":
            messages = _texts(root, "listeAnomalie/{*}anomalie/{*}message")
            return _yes(len(messages) == 1 and AUTRE in messages[0] and "certificat est celui" in messages[0])
        (numero,) = _texts(root, "numUnique")
        # The names and the free text of the document sent, accents included.
        same = all(
            _texts(root, name) == _texts(etree.fromstring(self._demande), name)
            for name in ("nom", "prenom", "precision", "voie")
        )
        return _yes(same and numero == self.numero and numero.startswith("111") and numero.endswith(GUICHET))

    def _read(self, etape: str) -> etree._Element:
        """The file, valid under its own schema."""
        kinds = frozenset({DocumentKind.DOUBLONS}) if etape == "doublons" else DEMANDES
        read = read_document((self.dossier / etape).read_bytes(), kinds)
        assert isinstance(read, Document), read
        return read.root


def _accented_demande(graine: str) -> bytes:
    """One whose letters do not all fit in ASCII, else nothing would be proved of the charset."""
    drawn = (
        generate_demande(f"etranger {graine} {rang}", guichet=GUICHET, association=False) for rang in count()
    )
    return next(document for document in drawn if not document.isascii())


def _texts(root: etree._Element, path: str) -> list[str]:
    return [element.text or "" for element in root.iterfind(f".//{NUU}{path}")]


def _yes(fact: bool) -> str:
    return "oui" if fact else "autre chose"
