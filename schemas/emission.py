"""Demande documents as the hub writes them.

A reference partner cuts the document out of the answer by its text (interface/wire §4). Hence, always: the
prefix `ns1` (exactly 3 characters) on every element, its one declaration on the root, UTF-8, no XML
declaration, no comment or processing instruction (one could hold the text that the partner looks for), and
anomalies that hold their message only. What goes in is valid under 02.01; what comes out is valid under the
version that it declares.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from lxml import etree

from schemas.doublons_emis import DoublonEmis, append_doublons, doublon_of
from schemas.kinds import NAMESPACE
from schemas.lecture import PREFIX
from schemas.parser import parse

__all__ = [
    "TYPE_RETOUR",
    "AnomalieEmise",
    "DoublonEmis",
    "as_0200",
    "doublon_of",
    "emit_demande",
    "emit_doublons",
    "emit_refus",
    "format_instant",
    "rehead",
]

NSMAP: Final = {"ns1": NAMESPACE}
PARIS: Final = ZoneInfo("Europe/Paris")

TYPE_RETOUR: Final = "RET"
"""typeFichier of what goes back to the one who asked (ListeTypeFichier)."""

_TYPE_FICHIER: Final = re.compile(r"[a-zA-Z0-9]{3}")
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
# Characters that XML 1.0 §2.2 cannot hold, even as references.
_ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DEBUT: Final = 300
"""Bytes that hold the start tag of what we emit, and nothing that a partner wrote."""
# The six elements that 02.00 does not have (interface/wire §9); the first holds three of them.
_ONLY_0201: Final = (
    f"{PREFIX}informationTraitement",
    f"{PREFIX}personnePhysique/{PREFIX}demandeur/{PREFIX}notifSms",
    f"{PREFIX}personnePhysique/{PREFIX}demandeur/{PREFIX}notifEvt",
)


class AnomalieEmise(NamedTuple):
    """One anomaly of an answer. code: 1 to 10 characters; message: cut at 512; propriete: cut at 255."""

    code: str
    message: str
    propriete: str = ""


def format_instant(instant: datetime) -> str:
    """An instant as the real system writes it: Paris time, milliseconds, offset (interface/wire §8).

    Raises ValueError when `instant` names no zone.
    """
    if instant.tzinfo is None:
        raise ValueError("date sans fuseau horaire")
    return instant.astimezone(PARIS).isoformat(timespec="milliseconds")


def emit_demande(
    root: etree._Element,
    *,
    type_fichier: str,
    date_fichier: datetime,
    num_unique: str | None,
    guichet: str | None = None,
) -> bytes:
    """A demande with a header and a number of ours, without what a request may not bring into an answer.

    root: `interfaceNuu` of a demande valid under 02.01; left as it is.
    type_fichier: code of ListeTypeFichier. date_fichier: aware.
    num_unique: takes the place of the document's own; None removes it.
    guichet: takes the place of numGuichet; None keeps it.

    `listeAnomalie`, `listeDoublons` and `incrementFichier` are removed.
    """
    document, corps = _copy(root)
    _remove(corps, "listeAnomalie", "listeDoublons", "incrementFichier")
    if guichet is not None:
        _child(corps, "numGuichet").text = guichet
    _set_num_unique(corps, num_unique)
    return _serialise(document, type_fichier, date_fichier)


def emit_refus(
    root: etree._Element,
    anomalies: Sequence[AnomalieEmise | tuple[str, str, str]],
    doublons: Sequence[DoublonEmis] = (),
    *,
    date_fichier: datetime,
) -> bytes:
    """The request sent back (typeFichier RET) with the anomalies found and, if any, the doublons.

    Raises ValueError when there is no anomaly, or one without code or message: a partner takes any
    `listeAnomalie` for a refusal, and crashes on an empty message (interface/wire §4).
    """
    if not anomalies:
        raise ValueError("un refus porte au moins une anomalie")
    document, corps = _copy(root)
    _remove(corps, "listeAnomalie", "listeDoublons")
    liste = etree.Element(f"{PREFIX}listeAnomalie", nsmap=NSMAP)
    for code, message, propriete in anomalies:
        if not (1 <= len(code) <= 10 and message.strip()):
            raise ValueError(f"anomalie sans message ou au code mal formé : {code!r}")
        item = etree.SubElement(liste, f"{PREFIX}anomalie", code=code)
        if propriete:
            item.set("propriete", _legal(propriete)[:255])
        etree.SubElement(item, f"{PREFIX}message").text = _legal(message)[:512]
    added = [liste]
    if doublons:
        added.append(append_doublons(etree.Element(f"{PREFIX}listeDoublons", nsmap=NSMAP), doublons))
    place = len(corps)
    for name in ("dateDerniereModificationPiece", "incrementFichier"):
        after = corps.find(PREFIX + name)
        if after is not None:
            place = corps.index(after)
            break
    corps[place:place] = added
    return _serialise(document, TYPE_RETOUR, date_fichier)


def emit_doublons(doublons: Sequence[DoublonEmis]) -> bytes:
    """The stand-alone document of getDoublons. Raises ValueError when empty: the schema wants one."""
    if not doublons:
        raise ValueError("listeDoublons ne peut être vide")
    root = append_doublons(etree.Element(f"{PREFIX}listeDoublons", nsmap=NSMAP), doublons)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def as_0200(emitted: bytes) -> bytes:
    """A demande that this module wrote, in version 02.00: without the six elements that it does not have.

    One that is in 02.00 already is given back as it is. The same bytes give the same bytes ([SOA-44]).
    """
    if b'versionInterface="02.00"' in emitted[:_DEBUT]:
        return emitted
    root = parse(emitted)
    assert isinstance(root, etree._Element), "un document émis par l'échangeur se relit"
    corps = _child(_child(root, "demande"), "demandeLogement")
    for path in _ONLY_0201:
        for element in corps.findall(path):
            parent = element.getparent()
            assert parent is not None
            parent.remove(element)
    root.set("versionInterface", "02.00")
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


_ENTETE_START: Final = b"<ns1:entete>"
_ENTETE_END: Final = b"</ns1:entete>"


def rehead(emitted: bytes, *, type_fichier: str, date_fichier: datetime) -> bytes:
    """A demande that `emit_demande` wrote, with another header, without parsing it again.

    Sound because our header is the first element, is written in one way only, and `<` never stands for itself
    in a text or an attribute. Raises ValueError when `emitted` has no such header.
    """
    start = emitted.index(_ENTETE_START)
    end = emitted.index(_ENTETE_END, start) + len(_ENTETE_END)
    return emitted[:start] + _entete(type_fichier, date_fichier) + emitted[end:]


def _entete(type_fichier: str, date_fichier: datetime) -> bytes:
    if not _TYPE_FICHIER.fullmatch(type_fichier):
        raise ValueError(f"typeFichier mal formé : {type_fichier!r}")
    return (
        f"<ns1:entete><ns1:typeFichier>{type_fichier}</ns1:typeFichier>"
        f"<ns1:dateFichier>{format_instant(date_fichier)}</ns1:dateFichier></ns1:entete>"
    ).encode()


def _copy(root: etree._Element) -> tuple[etree._Element, etree._Element]:
    """The document under a root of ours, and its `demandeLogement`.

    Appending to a root that declares the namespace under `ns1` makes lxml drop the declarations that the
    children bring and map them, attributes too, to that one.
    """
    version = root.get("versionInterface")
    document = etree.Element(f"{PREFIX}interfaceNuu", nsmap=NSMAP)
    document.text = root.text
    document.extend(copy.deepcopy(root)[:])
    etree.strip_tags(document, etree.Comment, etree.ProcessingInstruction)
    corps = _child(_child(document, "demande"), "demandeLogement")
    if version != "02.00" or any(corps.find(path) is not None for path in _ONLY_0201):
        version = "02.01"
    document.set("versionInterface", version)
    return document, corps


def _serialise(document: etree._Element, type_fichier: str, date_fichier: datetime) -> bytes:
    entete = _child(document, "entete")
    for child in list(entete):
        entete.remove(child)
    entete.text = None
    data = etree.tostring(document, encoding="UTF-8", xml_declaration=False)
    if data.count(b"xmlns") > 1:
        # Declarations below the root, of no use but for xsi: attributes, which name types and places of the
        # partner's own copy of the schemas. (A text may hold that word: nothing is then lost but time.)
        etree.strip_attributes(document, f"{{{_XSI}}}*")
        etree.cleanup_namespaces(document)
        data = etree.tostring(document, encoding="UTF-8", xml_declaration=False)
    return data.replace(b"<ns1:entete/>", _entete(type_fichier, date_fichier), 1)


def _set_num_unique(corps: etree._Element, num_unique: str | None) -> None:
    found = corps.find(f"{PREFIX}numUnique")
    if num_unique is None:
        _remove(corps, "numUnique")
    elif found is not None:
        found.text = num_unique
    else:
        guichet = _child(corps, "numGuichet")
        added = etree.Element(f"{PREFIX}numUnique", nsmap=NSMAP)
        added.text = num_unique
        added.tail = guichet.tail
        corps.insert(corps.index(guichet) + 1, added)


def _remove(parent: etree._Element, *names: str) -> None:
    for name in names:
        for child in parent.findall(PREFIX + name):
            parent.remove(child)


def _child(parent: etree._Element, name: str) -> etree._Element:
    found = parent.find(PREFIX + name)
    if found is None:
        raise ValueError(f"document de demande sans {name}")
    return found


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)
