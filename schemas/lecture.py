"""Reading an element of a demande document by the names of its children.

XML Schema knows values that Python does not (years beyond 9999, hour 24:00). They are read as the nearest
bound, never as an error: the registry's own rules then refuse such a date.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final, final

from lxml import etree

from schemas.kinds import NAMESPACE

PREFIX: Final = f"{{{NAMESPACE}}}"
"""`NAMESPACE` as lxml writes it before a local name."""


def text_of(element: etree._Element) -> str:
    """Text of a simple element; comments and processing instructions inside do not cut it."""
    return str(element.xpath("string()")) if len(element) else element.text or ""


def parse_date(text: str) -> date:
    """The day of an xs:date, its time zone left out; `date.min` or `date.max` when Python cannot hold it.

    >>> parse_date("2018-03-15+01:00"), parse_date("12018-03-15")
    (datetime.date(2018, 3, 15), datetime.date(9999, 12, 31))
    """
    text = text.strip()
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        # A valid xs:date has a year of more than four digits when it is not like 2018-03-15.
        return date.max if text[:5].isdigit() else date.min


_PREMIER: Final = datetime(1, 1, 3)  # noqa: DTZ001 - in whatever zone
_DERNIER: Final = datetime(9999, 12, 29)  # noqa: DTZ001
"""Beyond, an instant does not exist in every zone, and telling it in another is an error of Python."""


def parse_instant(text: str) -> datetime | None:
    """The instant of an xs:dateTime, naive when it names no zone; None when Python cannot hold it, in any
    zone."""
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return instant if _PREMIER < instant.replace(tzinfo=None) < _DERNIER else None


@final
class Noeud:
    """An element whose children are looked up by local name; a repeated name reads as its first."""

    __slots__ = ("_children", "element")

    def __init__(self, element: etree._Element) -> None:
        self.element = element
        children: dict[str, etree._Element] = {}
        for child in element:
            tag = child.tag
            if isinstance(tag, str):  # not a comment
                children.setdefault(tag, child)
        self._children = children

    def __contains__(self, name: str) -> bool:
        return PREFIX + name in self._children

    def noeud(self, name: str) -> Noeud | None:
        """The child of that name, or None."""
        child = self._children.get(PREFIX + name)
        return None if child is None else Noeud(child)

    def noeuds(self, liste: str, name: str) -> Iterator[Noeud]:
        """The `name` children of the child `liste`, in their order."""
        parent = self._children.get(PREFIX + liste)
        if parent is not None:
            for child in parent.iterchildren(PREFIX + name):
                yield Noeud(child)

    def texte(self, name: str) -> str:
        """Text of a child, `""` when it is absent."""
        child = self._children.get(PREFIX + name)
        return "" if child is None else text_of(child)

    def code(self, name: str) -> str | None:
        """Attribute `code` of a child, or None: the child or its code may be absent (interface/wire §11)."""
        child = self._children.get(PREFIX + name)
        return None if child is None else child.get("code")

    def codes(self, liste: str, name: str) -> tuple[str, ...]:
        """Codes of the `name` children of `liste`, in their order; those without a code are left out."""
        parent = self._children.get(PREFIX + liste)
        return () if parent is None else codes_of(parent, name)

    def jour(self, name: str) -> date | None:
        """An xs:date child, or None when it is absent or empty."""
        text = self.texte(name).strip()
        return parse_date(text) if text else None

    def instant(self, name: str) -> datetime | None:
        """An xs:dateTime child, or None when it is absent or beyond what Python can hold."""
        text = self.texte(name).strip()
        return parse_instant(text) if text else None

    def entier(self, name: str) -> int | None:
        """An integer child, or None when it is absent or not an integer."""
        try:
            return int(self.texte(name))
        except ValueError:
            return None

    def booleen(self, name: str) -> bool | None:
        """A boolean child (true, false, 1, 0), or None when it is absent or something else."""
        return {"true": True, "1": True, "false": False, "0": False}.get(self.texte(name).strip())


def codes_of(parent: etree._Element, name: str) -> tuple[str, ...]:
    """Codes of the `name` children of `parent`, in their order; those without a code are left out."""
    found = (child.get("code") for child in parent.iterchildren(PREFIX + name))
    return tuple(code for code in found if code is not None)
