"""What a document that the registry keeps tells: it was valid when it was registered, or written here."""

from __future__ import annotations

from lxml import etree

from schemas.demande import Demande, read_demande
from schemas.parser import parse


def read_tree(document: bytes) -> etree._Element:
    """The tree of a kept document."""
    root = parse(document)
    assert isinstance(root, etree._Element), "le registre ne garde que des documents lisibles"
    return root


def read_kept(document: bytes) -> Demande:
    """The demande that a kept document tells."""
    return read_demande(read_tree(document))
