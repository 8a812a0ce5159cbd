"""Pièces in and out in constant memory: what an MTOM message joins is put aside as it arrives, and what an
answer joins is written as it is read ([PIE-30] to [PIE-33]).

The message that remains, with a token in place of each content, is small: it goes through the same engine as
any other, and it is what is kept of the exchange (`registry.annexes`).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final
from urllib.parse import unquote

from aiohttp import ClientPayloadError, web

from registry.annexes import BLOC, Annexes, Contenu, Sortie, token_of
from registry.anomalies import Anomalie
from registry.anomalies_pieces import PIECE_TROP_GROSSE
from registry.batching import Saturation
from registry.limites import LIMITES_PIECES
from schemas.mime import decode_base64, read_type, strip_brackets
from soap import faults
from soap.mime_flux import Evenement, LecteurMultipart, PartieFermee, PartieOuverte, open_multipart

RACINE_MAX: Final = 256 << 10
"""Bytes of the envelope, which is held; real ones have less than 2 KB."""

SIMULTANES: Final = 16
"""Bodies being read at once, beyond which a caller is told to come back. With the deposits that wait
(registry.handlers_pieces), at most 48 temporary files of 20 MiB: 1 GB of disk."""

SECONDES: Final = 120.0
"""Time for a body to arrive: 30 MiB at 2 Mbit/s, the poorest line of a town hall."""

_TENU: Final = 256 << 10
"""Bytes of a content that are held before it goes to a temporary file."""

_ENCODAGE: Final = re.compile(rb"^content-transfer-encoding:[^\n]*\n?(?:[ \t][^\n]*\n?)*", re.I | re.M)
_BLANCS: Final = b" \t\r\n"


class _Depot:
    """The content of one part on its way to a temporary file."""

    def __init__(self, partie: PartieOuverte, taille_max: int) -> None:
        self.partie = partie
        self._maximum = taille_max
        self._base64 = partie.encodage == "base64"
        self._reste = b""
        self._empreinte = hashlib.sha256()
        self._taille = 0
        self._tenu = bytearray()
        self._fichier: BinaryIO | None = None

    def write(self, data: bytes) -> Anomalie | None:
        if self._base64:
            # All but the last four characters, which alone may hold padding.
            texte = self._reste + data.translate(None, _BLANCS)
            entier = max(0, (len(texte) - 1) // 4 * 4)
            self._reste = texte[entier:]
            try:
                data = binascii.a2b_base64(texte[:entier], strict_mode=True) if entier else b""
            except binascii.Error:
                return self._damaged()
        return self._add(data)

    def _add(self, data: bytes) -> Anomalie | None:
        self._taille += len(data)
        if self._taille > self._maximum:
            return PIECE_TROP_GROSSE(f"plus de {self._maximum}", str(self._maximum))
        self._empreinte.update(data)
        if self._fichier is None and len(self._tenu) + len(data) > _TENU:
            # Without a name: nothing stays of it, even when the process is killed.
            self._fichier = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by `drop`, or by Annexes.close
            self._fichier.write(self._tenu)
            self._tenu.clear()
        if self._fichier is None:
            self._tenu += data
        else:
            self._fichier.write(data)
        return None

    def close(self) -> Contenu | Anomalie:
        if self._base64:
            fin = decode_base64(self._reste)
            if fin is None:
                return self._damaged()
            refus = self._add(fin)
            if refus is not None:
                return refus
        return Contenu(self._taille, self._empreinte.digest(), bytes(self._tenu), self._fichier)

    def drop(self) -> None:
        if self._fichier is not None:
            self._fichier.close()

    def _damaged(self) -> Anomalie:
        return faults.ENCODAGE_REFUSE(self.partie.identifiant[:100] or "sans Content-ID", "base64")


class Arrivee:
    """One MTOM body as it arrives: the envelope held, the contents put aside."""

    def __init__(
        self,
        lecteur: LecteurMultipart,
        boundary: str,
        start: str,
        taille_max: int = LIMITES_PIECES.taille_max,
    ) -> None:
        """taille_max: bytes of one content."""
        self._lecteur = lecteur
        self._taille_max = taille_max
        self._delimiter = b"--" + boundary.encode("ascii")
        self._start = start
        self._annexes = Annexes()
        self._message: list[bytes] = []
        self._racine: bytearray | None = None
        self._depot: _Depot | None = None
        self._racine_vue = False

    def feed(self, data: bytes) -> Anomalie | None:
        """Take what arrived; an anomaly ends the reading."""
        return self._handle(self._lecteur.feed(data))

    def close(self) -> tuple[bytes, Annexes] | Anomalie:
        """The message with a token in place of each content, and the contents."""
        refus = self._handle(self._lecteur.close())
        if refus is not None:
            return refus
        self._message.append(self._delimiter + b"--\r\n")
        return b"".join(self._message), self._annexes

    def drop(self) -> None:
        """Give everything back."""
        self._annexes.close()
        if self._depot is not None:
            self._depot.drop()

    def _handle(self, events: list[Evenement] | Anomalie) -> Anomalie | None:
        if isinstance(events, Anomalie):
            return events
        for event in events:
            refus = self._one(event)
            if refus is not None:
                return refus
        return None

    def _one(self, event: Evenement) -> Anomalie | None:
        if isinstance(event, PartieOuverte):
            return self._begin(event)
        if isinstance(event, PartieFermee):
            return self._end()
        if self._depot is not None:
            return self._depot.write(event)
        assert self._racine is not None
        self._racine += event
        if len(self._racine) > RACINE_MAX:
            return faults.XML_DEMESURE(f"plus de {RACINE_MAX} octets", f"{RACINE_MAX} octets au plus")
        return None

    def _begin(self, partie: PartieOuverte) -> Anomalie | None:
        noms = (self._start, unquote(self._start))
        racine = partie.identifiant in noms if self._start else not self._racine_vue
        if racine and not self._racine_vue:
            self._racine_vue = True
            self._message += (self._delimiter, b"\r\n", partie.entete, b"\r\n\r\n")
            self._racine = bytearray()
            return None
        if partie.encodage not in ("binary", "8bit", "7bit", "", "base64"):
            return faults.ENCODAGE_REFUSE(
                f"{partie.identifiant[:100]} (encodage {partie.encodage[:50]})", "binary ou base64"
            )
        entete = _ENCODAGE.sub(b"", partie.entete).strip(b"\r\n")
        self._message += (self._delimiter, b"\r\n", entete, b"\r\n" if entete else b"")
        self._message.append(b"Content-Transfer-Encoding: binary\r\n\r\n")
        self._depot = _Depot(partie, self._taille_max)
        return None

    def _end(self) -> Anomalie | None:
        if self._depot is None:
            assert self._racine is not None
            self._message += (bytes(self._racine), b"\r\n")
            return None
        contenu = self._depot.close()
        if isinstance(contenu, Anomalie):
            return contenu
        self._depot = None
        jeton = token_of(contenu.empreinte)
        deja = self._annexes.entrees.setdefault(jeton, contenu)
        if deja is not contenu and contenu.fichier is not None:
            contenu.fichier.close()
        self._message += (jeton, b"\r\n")
        return None


class Flux:
    """Reads streamed bodies, a bounded number at once."""

    def __init__(self, taille_max: int) -> None:
        """taille_max: bytes of one pièce."""
        self._lus = 0
        self._taille_max = taille_max
        # In base64 with its line ends, 20 MiB make 27.4; then the envelope.
        self.octets_max = taille_max * 3 // 2

    async def read(self, request: web.Request) -> tuple[bytes, Annexes] | Anomalie:
        """The body of `request`, contents put aside. Raises Saturation."""
        if self._lus >= SIMULTANES:
            raise Saturation(f"pièces : {self._lus} en réception")
        outer = read_type(request.headers.get("Content-Type", ""))
        boundary = outer.get("boundary")
        lecteur = open_multipart(boundary)
        if isinstance(lecteur, Anomalie):
            return lecteur
        arrivee = Arrivee(lecteur, boundary, strip_brackets(outer.get("start")), self._taille_max)
        self._lus += 1
        try:
            async with asyncio.timeout(SECONDES):
                result = await self._feed(request, arrivee)
        except (TimeoutError, ConnectionError, ClientPayloadError, web.RequestPayloadError):
            result = faults.LECTURE_INTERROMPUE(attendu=f"{SECONDES:g}")
        finally:
            self._lus -= 1
        if isinstance(result, Anomalie):
            arrivee.drop()
        return result

    async def _feed(self, request: web.Request, arrivee: Arrivee) -> tuple[bytes, Annexes] | Anomalie:
        async for data in request.content.iter_any():
            refus = arrivee.feed(data)
            if refus is not None:
                return refus
        return arrivee.close()


def is_streamed(request: web.Request) -> bool:
    """Does the request join its contents in parts of their own?"""
    return read_type(request.headers.get("Content-Type", "")).valeur == "multipart/related"


@dataclass(frozen=True, slots=True)
class _Coupe:
    """An answer cut at the place of a content. en_base64: the content is inline."""

    avant: bytes
    apres: bytes
    en_base64: bool

    def taille(self, contenu: int) -> int:
        milieu = -(-contenu // 3) * 4 if self.en_base64 else contenu
        return len(self.avant) + milieu + len(self.apres)


def _cut(corps: bytes, jeton: bytes) -> _Coupe:
    avant, trouve, apres = corps.partition(jeton)
    if trouve:
        return _Coupe(avant, apres, en_base64=False)
    avant, trouve, apres = corps.partition(base64.b64encode(jeton))
    assert trouve, "le jeton d'une sortie figure dans la réponse"
    return _Coupe(avant, apres, en_base64=True)


async def write_flux(
    request: web.Request, corps: bytes, sortie: Sortie, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Answer `corps` with the content in place of its token, a block at a time.

    A content that vanishes meanwhile (LookupError, or the database) breaks the connection: the announced
    length is not reached, and the client knows that it has not everything.
    """
    coupe = _cut(corps, sortie.jeton)
    response = web.StreamResponse(headers=headers)
    response.content_length = coupe.taille(sortie.taille)
    await response.prepare(request)
    await response.write(coupe.avant)
    for rang in range(-(-sortie.taille // BLOC)):
        bloc = await asyncio.to_thread(sortie.lire, rang)
        await response.write(base64.b64encode(bloc) if coupe.en_base64 else bloc)
    await response.write(coupe.apres)
    await response.write_eof()
    return response
