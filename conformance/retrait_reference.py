"""The reference partner that comes for its distributions: list, keep, acknowledge.

Killed at any point, it loses nothing and handles nothing twice, because of two things only: a distribution is
kept and handled in one transaction of the partner's own base, under its identifier; and what is kept is
acknowledged from that base, at this passage or at the next one.

    python -m conformance.retrait_reference https://localhost:8443 DOSSIER BASE.sqlite

DOSSIER holds cert.pem, key.pem and ca.pem. Written against the WSDL alone: it shares no code with the hub but
the hardened parser.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import sqlite3
import ssl
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from schemas.contract import NAMESPACE_SERVICES
from schemas.parser import Limits, parse

CHEMIN: Final = "/services/DistributionsImplService"
_SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
_LIMITES: Final = Limits(max_bytes=16 << 20, max_depth=16, max_elements=10_000)
"""An answer has 100 distributions of a dozen elements, and some 4 MiB of files in base64; or 1,000 ranges."""

_ACQUITS_MAX: Final = 100

_BASE: Final = """
    CREATE TABLE IF NOT EXISTS distribution (
        id TEXT PRIMARY KEY, sequence INTEGER NOT NULL UNIQUE, nom TEXT NOT NULL, contenu BLOB NOT NULL,
        acquittee INTEGER NOT NULL DEFAULT 0)
"""


class Refuse(Exception):
    """The hub answered with a fault, or with something that is no answer; str() is its text."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """One distribution, as it was read. contenu: None when it was withdrawn."""

    id: str
    sequence: int
    nom: str
    contenu: bytes | None


Traiter = Callable[[sqlite3.Connection, Distribution], object]
"""Handles a distribution that is new, in the transaction that keeps it."""


class RetraitReference:
    """One guichet, its certificate and its base. Its methods may raise OSError, or Refuse.

    adresse: ``https://localhost:8443``. base: file of the SQLite base. traiter: what is done with each.
    entre: told the name of each step before it is taken; a test kills the process there.
    """

    def __init__(
        self,
        adresse: str,
        contexte: ssl.SSLContext,
        base: Path,
        traiter: Traiter = lambda _conn, _distribution: None,
        *,
        entre: Callable[[str], object] = lambda _etape: None,
    ) -> None:
        parts = urlsplit(adresse)
        self._host, self._port = parts.hostname or "localhost", parts.port or 443
        self._contexte = contexte
        self._traiter = traiter
        self._entre = entre
        self.base = sqlite3.connect(base)
        # Kept means on the disk: what is acknowledged never comes back by itself.
        self.base.execute("PRAGMA synchronous = FULL")
        self.base.execute(_BASE)

    def close(self) -> None:
        """Close the base."""
        self.base.close()

    def passer(self, *, nombre: int = 100, depuis: str = "") -> int:
        """Come for all that waits; how many distributions were new.

        depuis: a state to read again from the beginning (TOUTES) when the base was lost.
        """
        nouvelles = 0
        self._acknowledge_all()
        apres, suite = 0, True
        while suite:
            self._entre("lister")
            distributions, apres, suite = self._list(apres, nombre, depuis)
            for distribution in distributions:
                self._entre("garder")
                nouvelles += self.keep(distribution)
            self._acknowledge_all()
        return nouvelles

    def keep(self, distribution: Distribution) -> bool:
        """Keep and handle it, once; False when it is known, or withdrawn."""
        if distribution.contenu is None:
            return False
        with self.base:
            new = self.base.execute(
                "INSERT OR IGNORE INTO distribution (id, sequence, nom, contenu) VALUES (?, ?, ?, ?)",
                (distribution.id, distribution.sequence, distribution.nom, distribution.contenu),
            ).rowcount
            self._entre("traiter")
            if new:
                self._traiter(self.base, distribution)
            self._entre("valider")
        return bool(new)

    def _acknowledge_all(self) -> None:
        """Acknowledge what is kept and not yet known to be acknowledged."""
        kept = self.base.execute(
            "SELECT sequence, contenu FROM distribution WHERE acquittee = 0 ORDER BY sequence"
        ).fetchall()
        for debut in range(0, len(kept), _ACQUITS_MAX):
            self._entre("acquitter")
            done = list(self._acknowledge(kept[debut : debut + _ACQUITS_MAX]))
            self._entre("noter")
            with self.base:
                self.base.executemany("UPDATE distribution SET acquittee = 1 WHERE sequence = ?", done)

    def _list(self, apres: int, nombre: int, etat: str) -> tuple[list[Distribution], int, bool]:
        fields = f"<apresSequence>{apres}</apresSequence><nombreMax>{nombre}</nombreMax>"
        answer = self.call("listerDistributions", fields + (f"<etat>{etat}</etat>" if etat else ""))
        distributions = [_distribution(each) for each in answer.iterfind("distribution")]
        return distributions, int(_text(answer, "derniereSequence")), _text(answer, "suite") == "OUI"

    def _acknowledge(self, kept: list[tuple[int, bytes]]) -> Iterator[tuple[int]]:
        """The sequences that are over: acknowledged, or withdrawn since they were read."""
        fields = "".join(
            f"<acquit><sequence>{sequence}</sequence>"
            f"<empreinte>{hashlib.sha256(contenu).hexdigest()}</empreinte></acquit>"
            for sequence, contenu in kept
        )
        for result in self.call("acquitterDistributions", fields).iterfind("resultat"):
            if _text(result, "statut") == "ACQUITTEE" or _text(result, "code") == "DIS206":
                yield (int(_text(result, "sequence")),)

    def read(self, premiere: int, derniere: int) -> Iterator[Distribution]:
        """The distributions of these numbers as the hub has them, whatever their state."""
        apres, suite = premiere - 1, True
        while suite and apres < derniere:
            found, apres, suite = self._list(apres, min(derniere - apres, 100), "TOUTES")
            yield from found

    def call(self, operation: str, fields: str) -> etree._Element:
        """The answer of an operation, given the XML of its fields."""
        body = (
            f'<s:Envelope xmlns:s="{_SOAP}" xmlns:ws="{NAMESPACE_SERVICES}"><s:Body>'
            f"<ws:{operation}Parametres>{fields}</ws:{operation}Parametres></s:Body></s:Envelope>"
        )
        kind = f'application/soap+xml; charset=utf-8; action="{NAMESPACE_SERVICES}{operation}"'
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=60, context=self._contexte)
        try:
            connection.request("POST", CHEMIN, body.encode(), {"Content-Type": kind})
            self._entre("lire la réponse")
            with connection.getresponse() as response:
                data = response.read()
        finally:
            connection.close()
        root = parse(data, _LIMITES)
        if not isinstance(root, etree._Element):
            raise Refuse(root.message)
        answer = root.find(f"{{{_SOAP}}}Body/{{{NAMESPACE_SERVICES}}}{operation}Reponse")
        if answer is None:
            raise Refuse(root.findtext(f".//{{{_SOAP}}}Text") or "réponse inattendue")
        return answer


def _text(element: etree._Element, name: str) -> str:
    return element.findtext(name) or ""


def _distribution(element: etree._Element) -> Distribution:
    file = element.findtext("fichierDemande")
    return Distribution(
        _text(element, "idDistribution"),
        int(_text(element, "sequence")),
        _text(element, "nomFichierDemande"),
        None if file is None else base64.b64decode(file),
    )


def main() -> None:
    """One passage; says how many distributions were new."""
    adresse, dossier, base = sys.argv[1:]
    folder = Path(dossier)
    contexte = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    contexte.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    client = RetraitReference(adresse, contexte, Path(base))
    try:
        sys.stdout.write(f"{client.passer()} distribution(s) nouvelle(s)\n")
    finally:
        client.close()


if __name__ == "__main__":
    main()
