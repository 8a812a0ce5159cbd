"""Writing generated documents in the many styles of real partners (interface/wire §2, §8).

An element is a pair of name and content: a text, a code (`Code`), or a list of elements. None stands for an
element that is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from schemas.kinds import NAMESPACE


@dataclass(frozen=True, slots=True)
class Code:
    """Content of an element that is empty but for attributes; None omits the attribute `code`."""

    code: str | None


@dataclass(frozen=True, slots=True)
class Attributs:
    """Content with attributes of no namespace, for the few elements that hold both."""

    attributs: tuple[tuple[str, str], ...]
    contenu: str | list[Element | None]


Contenu = str | Code | Attributs | list["Element | None"]
Element = tuple[str, Contenu]


@dataclass(frozen=True, slots=True)
class Style:
    """How a partner writes.

    prefixe: prefix of every element; empty for a default namespace.
    declaration: an XML declaration with standalone, as the real system.
    indentation: number of blanks per level, 0 for a document on one line.
    crlf: ends of lines as the reference client sends them, XML payload included.
    ascii: accents as decimal references.
    """

    prefixe: str = "ns1"
    declaration: bool = False
    indentation: int = 0
    crlf: bool = False
    ascii: bool = False


REFERENCE = Style(prefixe="nuu", indentation=2, crlf=True, ascii=True)
"""As the reference client sends (interface/wire §2)."""

SYSTEME = Style(prefixe="ns1", declaration=True)
"""As the real system writes (interface/wire §8)."""

STYLES = (
    Style(),
    REFERENCE,
    SYSTEME,
    Style(prefixe="", declaration=True, indentation=4),
    Style(prefixe="n", ascii=True),
    Style(prefixe="interface.nuu-1", indentation=1, crlf=True),
)
"""A sample of what partners send; every one of them is the same document to the hub."""


def write(
    nom: str,
    attributs: Iterable[tuple[str, str]],
    elements: list[Element | None],
    style: Style,
    modifies: frozenset[str] = frozenset(),
) -> bytes:
    """The document of root `nom`, in UTF-8.

    modifies: local names of the elements that carry the change mark `modifie` (interface/elements).
    """
    prefixe = f"{style.prefixe}:" if style.prefixe else ""
    # The change mark is a qualified attribute: a default namespace does not reach it.
    mark = f' {style.prefixe or "m"}:modifie="true"'
    declared = [("xmlns" + (f":{style.prefixe}" if style.prefixe else ""), NAMESPACE)]
    if modifies and not style.prefixe:
        declared.append(("xmlns:m", NAMESPACE))
    out: list[str] = []
    if style.declaration:
        out.append('<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n')
    break_line = "\n" if style.indentation else ""

    def put(element: Element, depth: int) -> None:
        name, contenu = element
        start = break_line + " " * (style.indentation * depth) + f"<{prefixe}{name}"
        if name in modifies:
            start += mark
        if isinstance(contenu, Attributs):
            start += "".join(f" {key}={quoteattr(value)}" for key, value in contenu.attributs)
            contenu = contenu.contenu
        if isinstance(contenu, str):
            end = f">{escape(contenu)}</{prefixe}{name}>" if contenu else "/>"
            out.append(start + end)
        elif isinstance(contenu, Code):
            out.append(start + ("/>" if contenu.code is None else f' code="{contenu.code}"/>'))
        elif contenu:
            out.append(start + ">")
            for child in contenu:
                if child is not None:
                    put(child, depth + 1)
            out.append(break_line + " " * (style.indentation * depth) + f"</{prefixe}{name}>")
        else:
            out.append(start + "/>")

    head = "".join(f" {key}={quoteattr(value)}" for key, value in (*declared, *attributs))
    out.append(f"<{prefixe}{nom}{head}>")
    for element in elements:
        if element is not None:
            put(element, 1)
    out.append(f"{break_line}</{prefixe}{nom}>")
    text = "".join(out)
    if style.crlf:
        text = text.replace("\n", "\r\n")
    return text.encode("ascii", "xmlcharrefreplace") if style.ascii else text.encode()
