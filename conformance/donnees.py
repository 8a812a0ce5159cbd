"""The demandes that a campaign sends: valid, and of persons whom nobody has seen before.

All is drawn from a seed: the same seed gives the same bytes, another one other persons. Their names begin all
alike, so that a hub under test can be cleaned of them.
"""

from __future__ import annotations

import hashlib
import random
import re
from datetime import date, timedelta
from typing import Final

from schemas.generation import Options, generate_demande

NOM: Final = "KITCONFORMITE"
"""How the name of every person that the kit makes begins."""

_LETTRES: Final = "BCDFGHJKLMNPQRSTVWXZ"


class Donnees:
    """A source of demandes. graine: of the campaign and of the assertion. le: the day of today, in Paris."""

    def __init__(self, graine: str, le: date) -> None:
        self.rng = random.Random(graine)  # noqa: S311 - nothing here is a secret
        self.le = le
        self._graine = graine
        self._rang = 0

    def name(self) -> str:
        """A family name that no other call of any campaign gives."""
        self._rang += 1
        digest = hashlib.sha256(f"{self._graine} {self._rang}".encode()).digest()
        # Twelve letters of twenty, and blanks between them where a reader needs them: names are compared
        # without blanks, up to one or two mistakes.
        return NOM + " " + "".join(_LETTRES[each % len(_LETTRES)] for each in digest[:12])

    def document(self, guichet: str, territoire: str, **options: object) -> bytes:
        """A demande of a new person, of that guichet, deposited some days ago."""
        chosen: Options = {
            "guichet": guichet,
            "territoire": territoire,
            "le": self.le,
            "date_creation": self.le - timedelta(days=3),
            "avec_cotitulaire": False,
            "association": False,
        }
        chosen.update(options)  # type: ignore[typeddict-item] # the options of Options, by their names
        return rename(generate_demande(self.rng, **chosen), self.name())


_DEMANDEUR: Final = re.compile(rb"(<([\w.-]+:)?demandeur>.*?<(?:[\w.-]+:)?nom>)[^<]*(</)", re.DOTALL)


def rename(document: bytes, nom: str) -> bytes:
    """The demande, its demandeur having that family name."""
    return _DEMANDEUR.sub(lambda found: found[1] + nom.encode() + found[3], document, count=1)


def put(document: bytes, element: str, valeur: str, rang: int = 0) -> bytes:
    """Another text for the rang-th element of that name. Raises ValueError when it is not there."""
    found = [*re.finditer(rf"(<(?:[\w.-]+:)?{element}(?:\s[^>]*)?>)([^<]*)(</)".encode(), document)]
    if len(found) <= rang:
        raise ValueError(f"{element} n'est pas dans le document")
    start, end = found[rang].span(2)
    return document[:start] + valeur.encode() + document[end:]


def put_code(document: bytes, element: str, code: str) -> bytes:
    """Another code for the first element of that name. Raises ValueError when it is not there."""
    changed, count = re.subn(
        rf'(<(?:[\w.-]+:)?{element} code=")[^"]*'.encode(), rb"\g<1>" + code.encode(), document, count=1
    )
    if not count:
        raise ValueError(f"{element} n'est pas dans le document")
    return changed


def insert(document: bytes, avant: str, xml: str) -> bytes:
    """The fragment, written without prefixes, just before the first element of that name.

    Raises ValueError when it is not there.
    """
    found = re.search(rf"<([\w.-]+:)?{avant}[\s/>]".encode(), document)
    if found is None:
        raise ValueError(f"{avant} n'est pas dans le document")
    prefix = (found[1] or b"").decode()
    named = re.sub(r"<(/?)(\w)", rf"<\1{prefix}\2", xml)
    return document[: found.start()] + named.encode() + document[found.start() :]


_FIN: Final = (
    "radiation",
    "listeAnomalie",
    "listeDoublons",
    "dateDerniereModificationPiece",
    "incrementFichier",
)
"""What may follow a renewal in a demande, in the order of the schema."""


def insert_fact(document: bytes, xml: str) -> bytes:
    """A renewal or a radiation, at its place. Raises ValueError when nothing follows it."""
    there = [each for each in _FIN if re.search(rf"<([\w.-]+:)?{each}[\s/>]".encode(), document)]
    return insert(document, there[0] if there else _FIN[-1], xml)


def insert_anomalies(document: bytes, xml: str) -> bytes:
    """A listeAnomalie, at its place."""
    there = [each for each in _FIN[2:] if re.search(rf"<([\w.-]+:)?{each}[\s/>]".encode(), document)]
    return insert(document, there[0], xml) if there else append(document, "demandeLogement", xml)


def append(document: bytes, dans: str, xml: str) -> bytes:
    """The fragment, at the end of the element of that name. Raises ValueError when it is not there."""
    place = re.search(rf"</([\w.-]+:)?{dans}>".encode(), document)
    if place is None:
        raise ValueError(f"{dans} n'est pas dans le document")
    prefix = (place[1] or b"").decode()
    named = re.sub(r"<(/?)(\w)", rf"<\1{prefix}\2", xml)
    return document[: place.start()] + named.encode() + document[place.start() :]


def follow(document: bytes, type_fichier: str, instant: str) -> bytes:
    """A document as the hub gave it, ready to be sent again as that type of file, dated of `instant`."""
    return put(put(document, "typeFichier", type_fichier), "dateFichier", instant)
