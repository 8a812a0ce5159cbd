"""The worked examples of the specification: exchanges that a hub has made, recorded as they passed.

    python -m tools.exemples

makes a hub on an embedded database, at a fixed instant, has two guichets talk to it over mutual TLS, and
writes docs/specification/exemples/exemples.md. A test makes them again and compares. What chance decides
(identifiers, file numbers, boundaries) is numbered in the order of appearance; documents are laid out, a file
that is no text is told by what it is: nothing else is touched.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import http.client
import os
import re
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import BytesParser
from pathlib import Path
from typing import Final

from lxml import etree

from certs import tls
from conformance.client_reference import (
    WS,
    build_headers,
    demande_logement_request,
    doublons_request,
    num_unique_request,
)
from echangeur.cli import run
from echangeur.instance import open_instance
from echangeur.roles.metier import Metier
from echangeur.roles.soap import RoleSoap
from echangeur.roles.socle import Socle
from filters.language import Filtre
from filters.store import save_filtre
from registry.clock import FixedClock
from schemas.generation import generate_demande
from schemas.kinds import DocumentKind

RECUEIL: Final = (
    Path(__file__).resolve().parent.parent / "docs" / "specification" / "exemples" / "exemples.md"
)
INSTANT: Final = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
"""After the day of the generated documents."""

_A, _B = "G1104", "G1226"
_ENTETES: Final = ("Content-Type", "Echange-Id")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RANG: Final = re.compile(r"(?<=-)\d{6}(?=\.(?:xml|pdf))")
_FRONTIERE: Final = re.compile(r"echangeur-[0-9a-zA-Z]+")
_HEX: Final = re.compile(r"\b[0-9a-f]{32}\b")
_EN_CLAIR: Final = 'application/soap+xml; charset=utf-8; action="{}{}"'
_DISTRIBUTIONS: Final = "/services/DistributionsImplService"
_DEMANDES: Final = "/services/DemandeLogementImplService/"

_ENTETE: Final = """# Exemples d'échanges {#annexe-exemples}

Ces échanges ont été faits, puis enregistrés, par le programme que cette spécification décrit : un échangeur à l'heure
fixe du 1er juillet 2026, un bailleur `G1104` qui enregistre, un bailleur `G1226` qui vient chercher ce qui lui est
distribué. Les personnes n'existent pas. Pour être lus, les documents XML sont mis en page, les fichiers qui ne sont pas
du texte sont remplacés par leur taille, et ce que tire le hasard (identifiants, rangs des fichiers, séparateurs) est
numéroté dans l'ordre où il paraît. Les en-têtes HTTP montrés sont ceux qui comptent.
"""


def render() -> str:
    """The recorded examples."""
    return RECUEIL.read_text(encoding="utf-8")


def record(url: str = "") -> str:
    """Make the exchanges, and tell them. url: a database to make them on; an embedded one by default."""
    with tempfile.TemporaryDirectory() as folder, _quiet():
        instance = Path(folder) / "instance"
        clock = FixedClock(INSTANT)
        prepare(instance, Path(folder), clock, url)
        return asyncio.run(_record(instance, Path(folder), clock))


def prepare(instance: Path, certificats: Path, clock: FixedClock, url: str) -> None:
    """A new instance in that folder, with two guichets and their certificates."""
    _command(clock, "init", instance, *(("--base", url) if url else ()))
    for code, nom, siren in ((_A, "Habitat exemple", "552046484"), (_B, "Logis exemple", "552046492")):
        words = ("--nom", nom, "--type", "bailleur", "--siren", siren, "--territoire", "111")
        _command(clock, "--instance", instance, "guichet", "ajouter", code, *words)
        _command(
            clock, "--instance", instance, "certificat", "emettre", code, "--dossier", certificats / code
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


def _command(clock: FixedClock, *words: object) -> None:
    code = run([str(word) for word in words], clock=clock)
    if code:
        raise RuntimeError(f"echangeur {' '.join(map(str, words))} : code {code}")


async def _record(dossier: Path, certificats: Path, clock: FixedClock) -> str:
    instance = open_instance(dossier)
    with instance.database(pool_size=10) as engine:
        with engine.begin() as conn:
            save_filtre(conn, _B, Filtre("Tout"), instant=clock.now())
        async with serve(Socle(instance, engine, clock)) as port:
            return await asyncio.to_thread(_converse, port, certificats)


@contextlib.asynccontextmanager
async def serve(socle: Socle) -> AsyncIterator[int]:
    """The SOAP services of an instance on a free port of loopback, until the block ends."""
    async with contextlib.AsyncExitStack() as stack:
        sock = stack.enter_context(contextlib.closing(socket.create_server(("127.0.0.1", 0))))
        metier = Metier(socle)
        role = RoleSoap(socle, metier, sock)
        for start, stop in (
            (socle.start, socle.stop),
            (metier.start, metier.stop),
            (role.start, role.drain),
        ):
            await start()
            stack.push_async_callback(stop)
        yield sock.getsockname()[1]


@dataclass(frozen=True, slots=True)
class Partenaire:
    """One guichet, speaking through TLS."""

    port: int
    contexte: ssl.SSLContext

    def post(
        self, chemin: str, entetes: dict[str, str], corps: bytes
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.contexte)
        try:
            connection.request("POST", chemin, corps, entetes)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()


class _Recit:
    """What is told, exchange after exchange."""

    def __init__(self) -> None:
        self._lines = [_ENTETE]

    def tell(self, titre: str, texte: str) -> None:
        self._lines.append(f"\n## {titre}\n\n{texte}\n")

    def exchange(self, qui: Partenaire, chemin: str, entetes: dict[str, str], corps: bytes) -> bytes:
        """Make an exchange, keep it, give the body of the answer."""
        response, answer = qui.post(chemin, entetes, corps)
        kind = entetes["Content-Type"]
        self._lines.append(f"\nLa requête :\n\n```\nPOST {chemin} HTTP/1.1\nContent-Type: {kind}\n\n")
        self._lines.append(f"{_body(kind, corps)}\n```\n\nLa réponse :\n\n```\nHTTP/1.1 {response.status}\n")
        heads = (f"{nom}: {response.getheader(nom)}\n" for nom in _ENTETES if response.getheader(nom))
        told = _body(response.getheader("Content-Type", ""), answer)
        self._lines.append(f"{''.join(heads)}\n{told}\n```\n")
        return answer

    @property
    def texte(self) -> str:
        whole = "".join(self._lines)
        whole = _numbered(_UUID, whole, lambda rang: f"019fbca9-1c40-7000-8000-{rang:012d}")
        whole = _numbered(_RANG, whole, lambda rang: f"{rang:06d}")
        whole = _numbered(_HEX, whole, lambda rang: f"{rang:032d}")
        whole = _numbered(_FRONTIERE, whole, lambda rang: f"echangeur-{rang}")
        return "\n".join(line.rstrip() for line in whole.splitlines()) + "\n"


def _converse(port: int, certificats: Path) -> str:
    a, b = (
        Partenaire(
            port, tls.client_context(*(certificats / code / nom for nom in ("ca.pem", "cert.pem", "key.pem")))
        )
        for code in (_A, _B)
    )
    recit = _Recit()
    document = _smallest(DocumentKind.DEMANDE_0201)
    ancien = _smallest(DocumentKind.DEMANDE_0200, depuis=100)

    recit.tell(
        "Enregistrer une demande",
        "`G1104` envoie une création en MTOM, comme le font les partenaires en service : fichier et certificat vide en"
        " pièces jointes. La réponse est sa demande, avec son numéro unique, et l'attestation ([ENR-1], [ATT-1]).",
    )
    answer = _register(recit, a, document, f"DEM{_A}-202607011130-000001.xml")
    found = re.search(rb"numUnique>(\d{13}[A-Z0-9]{5})<", answer)
    assert found is not None, answer
    numero = found[1].decode()

    recit.tell(
        "La même, refusée",
        "Le même ménage, dans un document que `G1226` envoie à son tour : un doublon possible. Rien n'est enregistré ;"
        " la demande revient avec `listeAnomalie` et `listeDoublons` ([ENR-2], [ENR-21]).",
    )
    second = document.replace(f">{_A}<".encode(), f">{_B}<".encode())
    _register(recit, b, second, f"DEM{_B}-202607011130-000001.xml")

    recit.tell("Chercher les doublons", "Sans rien enregistrer ([ENR-23]).")
    recit.exchange(
        b,
        _DEMANDES,
        _heads("getDoublons"),
        doublons_request(f"DEM{_B}-202607011130-000002.xml", _ascii(second)),
    )

    recit.tell(
        "Lire une demande",
        "Par son numéro. Le document porte les indicateurs de l'instruction, il est donc en version 02.01 ([ENR-30]).",
    )
    recit.exchange(
        a,
        _DEMANDES,
        _heads("getDemandeLogement"),
        demande_logement_request(numero, f"CER{_A}-202607011130.pem"),
    )

    recit.tell("Enregistrer un document 02.00", "La version est celle du document, dans la réponse aussi.")
    _register(recit, a, ancien, f"DEM{_A}-202607011130-000002.xml")

    recit.tell(
        "Un fichier qui n'est pas valide",
        "Aucun document ne peut porter l'anomalie : la réponse est une faute ([SOA-21], [SOA-30]).",
    )
    broken = re.sub(rb"<(\w+:)?dateCreationDemande[^>]*>[^<]*</(\w+:)?dateCreationDemande>", b"", document)
    assert broken != document
    _register(recit, a, broken, f"DEM{_A}-202607011130-000003.xml")

    recit.tell(
        "Venir chercher ses distributions",
        "`G1226` n'a pas d'adresse de réception : il vient. La première création lui revient, parce qu'un de ses filtres"
        " la retient ; ici une seule est demandée ([DST-23]).",
    )
    answer = _plain(recit, b, "listerDistributions", "<nombreMax>1</nombreMax>")
    file = re.search(rb"fichierDemande[^>]*>([A-Za-z0-9+/=\s]+)<", answer)
    assert file is not None, answer
    recit.tell(
        "Acquitter",
        "Le SHA-256 du fichier gardé prouve qu'il a été reçu entier ; le numéro d'ordre dit lequel ([DST-25]).",
    )
    empreinte = hashlib.sha256(base64.b64decode(file[1])).hexdigest()
    _plain(
        recit,
        b,
        "acquitterDistributions",
        f"<acquit><sequence>1</sequence><empreinte>{empreinte}</empreinte></acquit>",
    )
    return recit.texte


def _register(recit: _Recit, qui: Partenaire, document: bytes, nom: str) -> bytes:
    body = num_unique_request(nom, _ascii(document), f"CER{nom[3:8]}-202607011130.pem")
    return recit.exchange(qui, _DEMANDES, _heads("getNumUnique"), body)


def _plain(recit: _Recit, qui: Partenaire, operation: str, champs: str) -> bytes:
    body = (
        f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:ws="{WS}"><s:Body>'
        f"<ws:{operation}Parametres>{champs}</ws:{operation}Parametres></s:Body></s:Envelope>"
    )
    return recit.exchange(
        qui, _DISTRIBUTIONS, {"Content-Type": _EN_CLAIR.format(WS, operation)}, body.encode()
    )


def _heads(operation: str) -> dict[str, str]:
    return {"Content-Type": build_headers(operation)["Content-Type"]}


def _smallest(kind: DocumentKind, depuis: int = 0) -> bytes:
    """Of some generated demandes, the one that is the shortest to read."""
    drawn = (generate_demande(seed, kind=kind, avec_cotitulaire=False) for seed in range(depuis, depuis + 60))
    return min(drawn, key=len)


def _ascii(document: bytes) -> bytes:
    """As the reference client writes it: accents as references, no XML declaration."""
    text = re.sub(r"^\ufeff?<\?xml[^>]*\?>\s*", "", document.decode("utf-8"))
    return text.encode("ascii", "xmlcharrefreplace")


def _body(kind: str, data: bytes) -> str:
    if not kind.startswith("multipart/"):
        return _laid_out(data)
    message = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + data)
    boundary = message.get_boundary()
    out = []
    for part in message.get_payload():
        assert not isinstance(part, str)
        heads = "".join(f"{nom}: {value}\n" for nom, value in part.items())
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        out.append(f"--{boundary}\n{heads}\n{_laid_out(content)}\n")
    return "".join(out) + f"--{boundary}--"


def _laid_out(data: bytes) -> str:
    if not data.strip():
        return ""
    try:
        root = etree.fromstring(data, etree.XMLParser(remove_blank_text=True, resolve_entities=False))
    except etree.XMLSyntaxError:
        return f"({'PDF' if data.startswith(b'%PDF') else 'octets'})"
    for each in root.iter():
        text = (each.text or "").strip()
        if len(text) > 400 and re.fullmatch(r"[A-Za-z0-9+/=\s]+", text):
            each.text = f"({len(base64.b64decode(text))} octets en base64)"
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


def _numbered(pattern: re.Pattern[str], text: str, name: Callable[[int], str]) -> str:
    seen: dict[str, str] = {}
    return pattern.sub(lambda found: seen.setdefault(found[0], name(len(seen) + 1)), text)


if __name__ == "__main__":
    RECUEIL.write_text(record(), encoding="utf-8")
    print(RECUEIL)
