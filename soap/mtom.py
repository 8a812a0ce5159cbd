"""MTOM in and out: from an HTTP body to the root part and its attachments, and back (MTOM, XOP 1.0).

Attachments never enter the tree: `take_file` empties the element and hands the bytes over, so that neither
the schema validator nor libxml2's limit of 10 MB per text node ever sees them. The schema accepts the emptied
element as it accepts the base64 that was there: both are `xs:base64Binary`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from lxml import etree

from registry.anomalies import Anomalie
from schemas.mime import (
    Partie,
    PartieEmise,
    decode,
    decode_base64,
    free_boundary,
    join,
    read_type,
    strip_brackets,
)
from soap.faults import (
    BASE64_INVALIDE,
    CID_EN_DOUBLE,
    CID_INCONNU,
    ENCODAGE_REFUSE,
    INCLUDE_MALFORME,
    PARTIE_ABSENTE,
    RACINE_ABSENTE,
    TYPE_REFUSE,
)
from soap.mime import split

XOP_INCLUDE: Final = "{http://www.w3.org/2004/08/xop/include}Include"
_SOAP_12: Final = "application/soap+xml"
_XOP: Final = "application/xop+xml"
_ATTENDU: Final = "application/soap+xml ou multipart/related de type application/xop+xml"


@dataclass(frozen=True, slots=True)
class MessageRecu:
    """An HTTP message taken apart, nothing of its XML read.

    racine: the envelope, out of its transfer encoding.
    charset: the charset that the transport announces for it, in lower case, or empty.
    actions: the SOAP actions that the transport names, the most binding first; may be empty.
    parties: the attachments by Content-ID.
    mtom: True when the request is MTOM, hence the answer too.
    """

    racine: bytes
    charset: str
    actions: tuple[str, ...]
    parties: Mapping[str, Partie]
    mtom: bool


def open_message(content_type: str, soap_action: str, body: bytes) -> MessageRecu | Anomalie:
    """Take an HTTP body apart, by its Content-Type and, for what it is worth, its SOAPAction field
    ([SOA-10] [SOA-13])."""
    outer = read_type(content_type)
    if outer.valeur == _SOAP_12:
        actions = _actions((outer.get("action"), soap_action))
        return MessageRecu(body, outer.get("charset").lower(), actions, {}, mtom=False)
    if outer.valeur != "multipart/related" or outer.get("type").lower() not in ("", _XOP, _SOAP_12):
        return TYPE_REFUSE(content_type[:200], _ATTENDU)
    parts = split(body, outer.get("boundary"))
    if isinstance(parts, Anomalie):
        return parts
    start = strip_brackets(outer.get("start"))
    root = _root_of(parts, start)
    if root is None:
        found = ", ".join(part.identifiant for part in parts)[:200]
        return RACINE_ABSENTE(f"start désigne {start[:100]}", f"une des parties présentes ({found})")
    if root.type.valeur not in (_XOP, _SOAP_12):
        return TYPE_REFUSE(f"{root.type.valeur[:100]} (partie racine)", _XOP)
    attachments: dict[str, Partie] = {}
    for part in parts:
        if part is root or not part.identifiant:
            continue
        if part.identifiant in attachments or part.identifiant == root.identifiant:
            return CID_EN_DOUBLE(part.identifiant[:100])
        attachments[part.identifiant] = part
    envelope = decode(root)
    if envelope is None:
        return _undecodable(root)
    actions = _actions(
        (
            outer.get("action"),
            root.type.get("action"),
            _nested_action(outer.get("start-info")),
            _nested_action(root.type.get("type")),
            soap_action,
        )
    )
    return MessageRecu(envelope, root.type.get("charset").lower(), actions, attachments, mtom=True)


def _root_of(parts: Sequence[Partie], start: str) -> Partie | None:
    """RFC 2387 §3.2: the part that `start` names, else the first one."""
    if not start:
        return parts[0]
    wanted = unquote(start)
    return next((part for part in parts if part.identifiant in (start, wanted)), None)


def _actions(candidates: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(action for each in candidates if (action := each.strip().strip('"').strip()))


@lru_cache(maxsize=64)
def _nested_action(value: str) -> str:
    """The action inside `application/soap+xml; action="…"`, as some stacks put it in start-info or type."""
    return read_type(value).get("action") if ";" in value else ""


def announced_action(content_type: str, soap_action: str) -> str:
    """The action that the HTTP header alone announces, or empty: known before anything is parsed."""
    outer = read_type(content_type)
    actions = _actions((outer.get("action"), _nested_action(outer.get("start-info")), soap_action))
    return actions[0] if actions else ""


def _undecodable(part: Partie) -> Anomalie:
    name = part.identifiant[:100] or "sans Content-ID"
    return ENCODAGE_REFUSE(
        f"{name} (encodage {part.encodage[:50]})", "7bit, 8bit, binary, base64 ou quoted-printable"
    )


def take_file(element: etree._Element, parties: Mapping[str, Partie]) -> bytes | Anomalie:
    """Take the file out of an element of type base64Binary, and leave the element empty ([SOA-13]).

    The file is inline base64, or the part that an xop:Include references, white space around it tolerated
    (`interface/wire` §2).
    """
    children = len(element)
    if children == 0:
        content = decode_base64((element.text or "").encode("utf-8", "surrogatepass"))
        if content is None:
            return BASE64_INVALIDE(_local(element))
        element.text = None
        return content
    include = element[0]
    if include.tag != XOP_INCLUDE:
        return BASE64_INVALIDE(_local(element))
    around = (element.text or "") + (include.tail or "")
    if children > 1 or len(include) or (include.text or "").strip() or around.strip():
        return INCLUDE_MALFORME(
            f"{_local(element)} contient autre chose", "un xop:Include vide, seul dans son parent"
        )
    href = (include.get("href") or "").strip()
    # A scheme has no case (RFC 3986 §3.1); what follows it has.
    if href[: len("cid:")].lower() != "cid:" or len(href) == len("cid:"):
        return INCLUDE_MALFORME(f"href vaut « {href[:100]} »", "une référence cid: à une partie du message")
    name = href[len("cid:") :]
    part = parties.get(name) or parties.get(unquote(name)) or parties.get(strip_brackets(unquote(name)))
    if part is None:
        if not parties:
            return PARTIE_ABSENTE(href[:100], _local(element))
        return CID_INCONNU(href[:100], ", ".join(parties)[:200])
    content = decode(part)
    if content is None:
        return _undecodable(part)
    element.text = None
    del element[0]
    return content


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


@dataclass(frozen=True, slots=True)
class PieceEmise:
    """A file of an answer: the identifier under which the envelope includes it, its type, its bytes
    ([ATT-10])."""

    identifiant: str
    type: str
    contenu: bytes


def write_message(enveloppe: bytes, pieces: Sequence[PieceEmise], *, graine: str) -> tuple[str, bytes]:
    """The Content-Type and the body of an MTOM answer: root part first, each file in its own part.

    What a partner can read (`interface/wire` §4): the whole body must decode as UTF-8, hence a file that is
    not UTF-8 leaves in base64, and all others raw; no identifier may contain the name of a document.
    """
    boundary = free_boundary(graine, [enveloppe, *(piece.contenu for piece in pieces)])
    root = PartieEmise(
        (
            ("Content-Type", f'{_XOP}; charset=UTF-8; type="{_SOAP_12}"'),
            ("Content-Transfer-Encoding", "8bit"),
            ("Content-ID", "<racine@echangeur>"),
        ),
        enveloppe,
    )
    body = join([root, *(_emit(piece) for piece in pieces)], boundary)
    content_type = (
        f'multipart/related; type="{_XOP}"; start="<racine@echangeur>"; start-info="{_SOAP_12}"; '
        f'boundary="{boundary}"'
    )
    return content_type, body


def _emit(piece: PieceEmise) -> PartieEmise:
    encoding, content, kind = "binary", piece.contenu, piece.type
    try:
        content.decode()
    except UnicodeDecodeError:
        encoding, content = "base64", base64.encodebytes(content).replace(b"\n", b"\r\n")
    return PartieEmise(
        (
            ("Content-Type", kind),
            ("Content-Transfer-Encoding", encoding),
            ("Content-ID", f"<{piece.identifiant}>"),
        ),
        content,
    )
