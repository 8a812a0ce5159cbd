"""Multipart bodies: from bytes to parts and back (RFC 2045, 2046). Both edges cut here what they receive.

Header fields and their parameters are read by the standard library's `email`; the cutting at the boundaries
is ours, because the libraries at hand do not fit (docs/decisions/0002-spyne.md): `email` reads line by line
(seven times the cost), `requests_toolbelt` drops a final newline of a part and `aiohttp.MultipartReader`
wants a stream.

Tolerances (`interface/wire` §2): header names and encodings in any case, any header order, no final line end
after the closing delimiter, an empty part, a preamble, line ends of LF alone.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import collapse_rfc2231_value
from functools import lru_cache
from types import MappingProxyType
from typing import Final

MAX_ENTETE: Final = 4096
"""Bytes of the header block of one part. Real ones have some 200; with the caches below, 512 entries of
4 KB bound the memory that a hostile partner can pin to 2 MB."""

MAX_DELIMITEUR: Final = 70
"""RFC 2046 §5.1.1."""

_CACHE: Final = 512


@dataclass(frozen=True, slots=True)
class TypeContenu:
    """A Content-Type field: `valeur` in lower case (`multipart/related`), parameters by lower-case name."""

    valeur: str
    parametres: Mapping[str, str]

    def get(self, nom: str) -> str:
        """The parameter, without its quotes, or the empty string."""
        return self.parametres.get(nom, "")


@dataclass(frozen=True, slots=True)
class Partie:
    """One body part as received.

    identifiant: the Content-ID without angle brackets, or empty. nom: the file name that Content-Disposition
    gives, or else the parameter `name` of the type, or empty; never to be joined to a path.
    encodage: the Content-Transfer-Encoding in lower case; `7bit` when absent (RFC 2045 §6.1).
    contenu: the bytes, still in that encoding.
    """

    type: TypeContenu
    identifiant: str
    encodage: str
    contenu: bytes
    nom: str = ""


@dataclass(frozen=True, slots=True)
class PartieEmise:
    """One body part to write. `entetes` in the order of writing, values in ASCII without line end."""

    entetes: Sequence[tuple[str, str]]
    contenu: bytes


@lru_cache(maxsize=_CACHE)
def read_type(header: str) -> TypeContenu:
    """The Content-Type field `header`, whatever it holds; a broken one gives empty values."""
    message = Message()
    message["content-type"] = header[:MAX_ENTETE]
    return _type_of(message)


def _type_of(message: Message) -> TypeContenu:
    parameters = message.get_params(failobj=[("", "")])
    value = parameters[0][0].strip().lower()
    # A parameter in the form of RFC 2231 comes as (charset, language, value).
    found = {name.lower(): collapse_rfc2231_value(content) for name, content in parameters[1:]}
    return TypeContenu(value, MappingProxyType(found))


def strip_brackets(identifiant: str) -> str:
    """A Content-ID, or a `start` parameter, without blanks and without its angle brackets."""
    text = identifiant.strip()
    return text[1:-1].strip() if text.startswith("<") and text.endswith(">") else text


@lru_cache(maxsize=_CACHE)
def read_header(block: bytes) -> tuple[TypeContenu, str, str, str]:
    """Type, identifier, transfer encoding and file name that a header block gives to its part."""
    message = BytesHeaderParser().parsebytes(block)
    encoding = str(message.get("Content-Transfer-Encoding", "7bit")).strip().lower()
    kind = _type_of(message)
    return kind, strip_brackets(str(message.get("Content-ID", ""))), encoding, _name_of(message, kind)


def _name_of(message: Message, kind: TypeContenu) -> str:
    found = message.get_param("filename", header="content-disposition")
    name = collapse_rfc2231_value(found) if isinstance(found, str | tuple) else kind.get("name")
    try:
        # Names beyond ASCII come in the form of RFC 2231 or, from old robots, of RFC 2047.
        return str(make_header(decode_header(name))).strip()
    except (ValueError, LookupError, HeaderParseError):
        return name.strip()


@dataclass(frozen=True, slots=True)
class Malforme:
    """What makes a body unreadable, in French: what was found, what was expected."""

    constat: str
    attendu: str


def split(body: bytes, boundary: str, max_parties: int) -> tuple[Partie, ...] | Malforme:
    """The parts of a multipart body, in order; or what makes it unreadable.

    max_parties: parts admitted. Threat: time; each part costs one header parse, about 50 µs.
    """
    if not 1 <= len(boundary) <= MAX_DELIMITEUR or not boundary.isascii():
        return Malforme("le paramètre boundary est absent ou trop long", "1 à 70 caractères ASCII")
    delimiter = b"--" + boundary.encode("ascii")
    parts: list[Partie] = []
    found = _find_delimiter(body, delimiter, 0)
    if found is None:
        return Malforme("le délimiteur annoncé ne figure pas dans le corps", "--" + boundary)
    while not found.closing:
        following = _find_delimiter(body, delimiter, found.after)
        if following is None:
            return Malforme("le délimiteur de fin manque (corps tronqué ?)", f"--{boundary}--")
        if len(parts) == max_parties:
            return Malforme("trop de parties", f"{max_parties} parties au plus")
        part = _read_part(body[found.after : max(found.after, following.before)])
        if part is None:
            return Malforme(
                f"les en-têtes de la partie {len(parts) + 1} ne finissent pas",
                f"une ligne vide avant {MAX_ENTETE} octets",
            )
        parts.append(part)
        found = following
    if not parts:
        return Malforme("aucune partie", "au moins la partie racine")
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class _Delimiter:
    """A delimiter line: where the content before it ends, where the content after it starts."""

    before: int
    after: int
    closing: bool


def _find_delimiter(body: bytes, delimiter: bytes, start: int) -> _Delimiter | None:
    at = body.find(delimiter, start)
    while at >= 0:
        before = at
        if before > start and body[before - 1] == 0x0A:
            before -= 2 if before - 1 > start and body[before - 2] == 0x0D else 1
        if before != at or at == start:  # at the beginning of a line
            after = at + len(delimiter)
            closing = body.startswith(b"--", after)
            after += 2 if closing else 0
            while body[after : after + 1] in (b" ", b"\t"):  # transport padding
                after += 1
            if body.startswith(b"\r\n", after):
                return _Delimiter(before, after + 2, closing)
            if body.startswith(b"\n", after):
                return _Delimiter(before, after + 1, closing)
            if closing and after == len(body):
                return _Delimiter(before, after, closing)
        at = body.find(delimiter, at + 1)
    return None


def _read_part(raw: bytes) -> Partie | None:
    """The part in `raw`, from its first header to its last byte; None when its headers do not end."""
    if raw.startswith(b"\r\n"):
        block, content = b"", raw[2:]
    elif raw.startswith(b"\n"):
        block, content = b"", raw[1:]
    else:
        crlf = raw.find(b"\r\n\r\n", 0, MAX_ENTETE)
        lf = raw.find(b"\n\n", 0, MAX_ENTETE if crlf < 0 else crlf)
        if lf >= 0:
            block, content = raw[:lf], raw[lf + 2 :]
        elif crlf >= 0:
            block, content = raw[:crlf], raw[crlf + 4 :]
        elif len(raw) <= MAX_ENTETE and raw.endswith(b"\n"):
            # The blank line and the line end of the delimiter are one: an empty content.
            block, content = raw, b""
        else:
            return None
    kind, identifier, encoding, name = read_header(block)
    return Partie(kind, identifier, encoding, content, name)


def decode(partie: Partie) -> bytes | None:
    """The content out of its transfer encoding; None when the encoding is unknown or the content breaks it.

    Base64 is strict but for white space: a stray character is damage, not decoration.
    """
    if partie.encodage in ("binary", "8bit", "7bit", ""):
        return partie.contenu
    if partie.encodage == "base64":
        return decode_base64(partie.contenu)
    if partie.encodage == "quoted-printable":
        return binascii.a2b_qp(partie.contenu)
    return None


def decode_base64(text: bytes) -> bytes | None:
    """Strict base64 (RFC 4648 §3.3), white space apart; None when it is not.

    The unused bits of the last character must be zero (RFC 4648 §3.5), as xs:base64Binary has it.
    """
    compact = text.translate(None, b" \t\r\n")
    try:
        content = binascii.a2b_base64(compact, strict_mode=True)
    except binascii.Error:
        return None
    rest = len(content) % 3
    if rest and not compact.endswith(binascii.b2a_base64(content[-rest:], newline=False)):
        return None
    return content


def join(parties: Sequence[PartieEmise], boundary: str) -> bytes:
    """The multipart body of `parties`, CRLF everywhere, first delimiter first, final CRLF last.

    The caller chooses a boundary that no content holds: see `free_boundary`.
    """
    delimiter = b"--" + boundary.encode("ascii")
    pieces: list[bytes] = []
    for partie in parties:
        header = "".join(f"{name}: {value}\r\n" for name, value in partie.entetes)
        pieces += (delimiter, b"\r\n", header.encode("ascii"), b"\r\n", partie.contenu, b"\r\n")
    pieces += (delimiter, b"--\r\n")
    return b"".join(pieces)


def free_boundary(seed: str, contents: Sequence[bytes]) -> str:
    """A boundary made from `seed` (ASCII letters and digits) that none of `contents` holds."""
    boundary, turn = f"echangeur-{seed}", 0
    while any(boundary.encode("ascii") in content for content in contents):
        turn += 1
        boundary = f"echangeur-{seed}-{turn}"
    return boundary
