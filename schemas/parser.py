"""The one door by which XML enters: bytes to a tree, or one violation that says why not.

No DTD, hence no entity; no network; comments and processing instructions are dropped, so that the text of
an element is always read whole (a comment in the middle of a name would otherwise hide its second half).
Caps are checked at the cheapest moment: bytes and markup before parsing, depth after, libxml2's own caps
(depth 256, text node 10 MB) in between.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from lxml import etree

from schemas.violations import Violation


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on one document.

    max_bytes: size in bytes. max_depth: depth of the deepest element, the root being at depth 1.
    max_elements: number of elements (start tags quoted in a comment or a CDATA section count too).
    """

    max_bytes: int
    max_depth: int
    max_elements: int


DOCUMENT_LIMITS: Final = Limits(max_bytes=1 << 20, max_depth=32, max_elements=20_000)
"""For business documents. Threat: memory and CPU spent on one request. A full demande is 10 to 30 KB,
300 elements, depth 12; a node costs libxml2 some 120 bytes, so the worst admitted tree is about 2.4 MB
of nodes beside 1 MB of text."""

ENVELOPE_LIMITS: Final = Limits(max_bytes=8 << 20, max_depth=32, max_elements=1_000)
"""For SOAP envelopes, which may carry a document of 1 MB and a certificate in base64 (4/3 of their size)
but need few elements of their own."""

_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# Encodings in which the bytes of ASCII markup are ASCII bytes. In others (UTF-7, EBCDIC…) the search for a
# DTD below would look at the wrong bytes, so they are refused.
_ENCODINGS: Final = frozenset(
    {
        "utf-8",
        "utf8",
        "us-ascii",
        "ascii",
        "iso-8859-1",
        "iso8859-1",
        "latin1",
        "iso-8859-15",
        "windows-1252",
        "cp1252",
    }
)
_DECLARED: Final = re.compile(rb"""<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")
_DECLARATION: Final = re.compile(r"^<\?xml\s[^>]*\?>")
# What may stand before a document type declaration: blanks, comments, processing instructions.
_PROLOG: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s+|<!--(?:(?!-->).)*+-->|<\?(?:(?!\?>).)*+\?>)*+", re.DOTALL
)
_START: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
_MARKUP: Final = re.compile(rb"<[^/!?]")

# libxml2 error codes (xmlerror.h) by what a French reader can do about them.
_MESSAGES: Final[dict[int, tuple[str, str]]] = {
    4: ("XML-FORME", "Le document est vide ou ne commence pas par une balise."),
    5: ("XML-FORME", "Du texte ou des balises suivent la fin du document."),
    9: ("XML-CARACTERE", "Un caractère que XML interdit se trouve dans le document."),
    26: ("XML-ENTITE", "Une entité est employée ; aucune n'est admise hors celles de XML."),
    32: ("XML-CODAGE", "Le codage de caractères déclaré n'est pas admis."),
    38: ("XML-FORME", "Un « < » se trouve dans la valeur d'un attribut ; écrire « &lt; »."),
    42: ("XML-FORME", "Un attribut est écrit deux fois dans la même balise."),
    64: ("XML-FORME", "La déclaration XML n'est pas au tout début du document."),
    68: ("XML-FORME", "Un nom manque : balise mal écrite, ou « & » isolé à écrire « &amp; »."),
    73: ("XML-FORME", "Une balise n'est pas terminée par « > »."),
    76: ("XML-FORME", "Une balise fermante ne correspond pas à la balise ouverte."),
    77: ("XML-FORME", "Le document s'arrête avant la fermeture de toutes les balises."),
    81: ("XML-CODAGE", "Les octets ne correspondent pas au codage de caractères annoncé."),
    201: ("XML-FORME", "Un préfixe d'espace de noms est employé sans être déclaré."),
}
_EMPTY: Final = 4
_RESOURCE_LIMIT: Final = 114
_MALFORMED: Final = ("XML-FORME", "Le document n'est pas du XML bien formé.")


@cache
def _too_deep(max_depth: int) -> etree.XPath:
    # One step per level: each node is seen once, and the search stops at the first empty level.
    return etree.XPath(f"boolean({'/*' * (max_depth + 1)})")


def parse(data: bytes, limits: Limits = DOCUMENT_LIMITS) -> etree._Element | Violation:
    """Return the root element of `data`, or the first rule it breaks. Raises nothing.

    Encodings: UTF-8, ASCII, ISO-8859-1, ISO-8859-15, windows-1252, and UTF-16 with its byte order mark.
    Rules: XML-TAILLE, XML-CODAGE, XML-DTD, XML-ENTITE, XML-NOEUDS, XML-PROFONDEUR, XML-CARACTERE, XML-FORME.
    """
    if len(data) > limits.max_bytes:
        return Violation(
            rule="XML-TAILLE",
            message="Le document est trop volumineux.",
            found=f"{len(data)} octets",
            expected=f"{limits.max_bytes} octets au plus",
        )
    encoding: str | None = None
    if data.startswith(_UTF16_MARKS):
        recoded = _from_utf16(data)
        if isinstance(recoded, Violation):
            return recoded
        data, encoding = recoded, "utf-8"
    else:
        declared = _DECLARED.match(data.removeprefix(codecs.BOM_UTF8))
        if declared is not None and declared[1].decode("ascii").lower() not in _ENCODINGS:
            return _encoding_refused(declared[1].decode("ascii"))
    if b"\0" in data:
        # UTF-16 or UTF-32 without a mark: libxml2 would guess them, and the searches below would be blind.
        return _encoding_refused("octets nuls")
    if _START.match(data) is None:
        # Also shuts out EBCDIC, which libxml2 would guess as well.
        rule, message = _MESSAGES[_EMPTY]
        return Violation(rule=rule, message=message, line=1)
    refusal = _refuse_markup(data, limits)
    if refusal is not None:
        return refusal
    # A parser per call: it costs 7 µs and two threads never share one.
    parser = etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        return _malformed(error, limits)
    if root.getroottree().docinfo.internalDTD is not None:
        return _dtd()
    if _too_deep(limits.max_depth)(root):
        return _depth(limits)
    return root


def _refuse_markup(data: bytes, limits: Limits) -> Violation | None:
    # The exact search costs only when the cheap ones find something: "<!DOCTYPE" and a count of "<".
    if b"<!DOCTYPE" in data:
        prolog = _PROLOG.match(data)
        if prolog is not None and data.startswith(b"<!DOCTYPE", prolog.end()):
            return _dtd()
    if data.count(b"<") > limits.max_elements:
        elements = sum(1 for _ in _MARKUP.finditer(data))
        if elements > limits.max_elements:
            return Violation(
                rule="XML-NOEUDS",
                message="Le document contient trop d'éléments.",
                found=f"{elements} éléments",
                expected=f"{limits.max_elements} éléments au plus",
            )
    return None


def _from_utf16(data: bytes) -> bytes | Violation:
    try:
        text = data.decode("utf-16")
    except UnicodeDecodeError:
        return _encoding_refused("UTF-16 mal formé")
    # The declaration names an encoding that is no longer that of the bytes.
    return _DECLARATION.sub("", text, count=1).encode("utf-8", "surrogatepass")


def _encoding_refused(found: str) -> Violation:
    return Violation(
        rule="XML-CODAGE",
        message="Le codage de caractères déclaré n'est pas admis.",
        line=1,
        found=found[:200],
        expected="UTF-8, US-ASCII, ISO-8859-1, ISO-8859-15, windows-1252 ou UTF-16",
    )


def _dtd() -> Violation:
    return Violation(
        rule="XML-DTD",
        message="Le document contient une déclaration de type (DOCTYPE) ; aucune n'est admise.",
        found="<!DOCTYPE",
        expected="un document sans DOCTYPE ni entité",
    )


def _depth(limits: Limits) -> Violation:
    return Violation(
        rule="XML-PROFONDEUR",
        message="Les éléments sont emboîtés trop profondément.",
        expected=f"{limits.max_depth} niveaux au plus",
    )


def _malformed(error: etree.XMLSyntaxError, limits: Limits) -> Violation:
    if error.code == _RESOURCE_LIMIT:
        # libxml2 uses one code for its caps; only the text tells depth from size.
        if "depth" in str(error):
            return _depth(limits)
        return Violation(
            rule="XML-TAILLE",
            message="Un texte ou un attribut du document est trop long.",
            line=error.lineno,
            expected="10 000 000 caractères au plus par texte",
        )
    rule, message = _MESSAGES.get(error.code, _MALFORMED)
    column = error.position[1]
    return Violation(
        rule=rule, message=message, line=error.lineno, found=f"colonne {column}" if column else ""
    )
