"""Reading again a message that was kept: its documents, whatever operation carried them.

The HTTP headers are not kept with the bytes. What they told is found in the bytes: a message in parts begins
with its boundary, and its root is the part that says so.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from lxml import etree

from registry.anomalies import Anomalie
from soap.description import Message, TypeChamp
from soap.envelope import open_envelope, read_parametres
from soap.faults import OPERATION_INCONNUE
from soap.mtom import open_message
from soap.services import SERVICES

_FRONTIERE: Final = re.compile(rb"\s*--([^\r\n]{1,70}?)[ \t]*\r?\n")
_RACINE: Final = re.compile(rb"\r?\ncontent-id:[ \t]*(<?[^\r\n]+?>?)[ \t]*(?=\r?\n)", re.IGNORECASE)
_XOP: Final = re.compile(rb"\r?\ncontent-type:[ \t]*application/(?:xop|soap)\+xml", re.IGNORECASE)


def read_documents(octets: bytes) -> tuple[bytes, ...] | Anomalie:
    """The business files of a kept request, certificates left out; or what is wrong with the message."""
    content_type = _content_type(octets)
    message = open_message(content_type, "", octets)
    if isinstance(message, Anomalie):
        return message
    wrapper = open_envelope(message.racine, message.charset)
    if isinstance(wrapper, Anomalie):
        return wrapper
    described = _messages().get(str(wrapper.tag))
    if described is None:
        return OPERATION_INCONNUE(etree.QName(wrapper).localname[:200], ", ".join(_messages()))
    parametres = read_parametres(wrapper, described, message.parties)
    if isinstance(parametres, Anomalie):
        return parametres
    return tuple(content for nom, content in parametres.fichiers.items() if nom in _documents())


@cache
def _messages() -> dict[str, Message]:
    """The requests by their wrapper: those that share one have the same fields."""
    return {
        operation.parametres.tag: operation.parametres
        for service in SERVICES
        for operation in service.operations.values()
    }


@cache
def _documents() -> frozenset[str]:
    """The fields that hold a document: the files of requests, but for certificates and pièces."""
    return frozenset(
        champ.nom
        for message in _messages().values()
        for champ in message.champs
        if champ.type is TypeChamp.FICHIER and champ.nom not in ("certificat", "fichierPiece")
    )


def _content_type(octets: bytes) -> str:
    """The Content-Type that the message must have had."""
    boundary = _FRONTIERE.match(octets)
    if boundary is None:
        return "application/soap+xml; charset=utf-8"
    start = ""
    for part in octets.split(b"--" + boundary[1]):
        head = re.split(rb"\r?\n\r?\n", part, maxsplit=1)[0]
        named = _RACINE.search(head + b"\r\n")
        if _XOP.search(head) and named is not None:
            start = f'; start="{named[1].decode("latin-1")}"'
            break
    text = boundary[1].decode("latin-1")
    return f'multipart/related; type="application/xop+xml"; boundary="{text}"{start}'
