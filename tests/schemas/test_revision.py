"""Marks of change: exactly what differs, always valid ([VIE-15])."""

from __future__ import annotations

import copy
import random
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from schemas.documents import DEMANDES, Document, read_document
from schemas.emission import emit_demande
from schemas.generation import generate_demande
from schemas.lecture import PREFIX
from schemas.revision import MODIFIE, changed_paths, mark_changes, stamp, unmark

INSTANT = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
GRAINES = st.integers(0, 10_000)


def tree(seed: int, *, complet: bool = True) -> etree._Element:
    document = read_document(generate_demande(seed, complet=complet), DEMANDES)
    assert isinstance(document, Document), document
    unmark(document.root)
    return document.root


def emitted(root: etree._Element) -> bytes:
    return emit_demande(root, type_fichier="DIS", date_fichier=INSTANT, num_unique="1110626000001G1104")


def marks(root: etree._Element) -> list[etree._Element]:
    return [element for element in root.iter() if MODIFIE in element.attrib]


@given(GRAINES, GRAINES)
@settings(max_examples=40, deadline=None)
def test_a_marked_document_is_valid_whatever_changed(un: int, autre: int) -> None:
    """[VIE-15] Two demandes with nothing in common: everything that the schema lets be marked may be."""
    root = tree(un)
    mark_changes(root, tree(autre, complet=False))
    document = read_document(stamp(emitted(root), 2), DEMANDES)
    assert isinstance(document, Document), document
    assert {element.get(MODIFIE) for element in marks(root)} <= {"true"}


@given(GRAINES)
@settings(max_examples=40, deadline=None)
def test_nothing_is_marked_when_nothing_changed(seed: int) -> None:
    """[VIE-15] Whatever marks, blanks and prefixes the two bear."""
    root, old = tree(seed), tree(seed)
    etree.indent(root)
    for element in root.iter(f"{PREFIX}nom"):
        element.set(MODIFIE, "true")
    mark_changes(root, old)
    assert marks(root) == []


@given(GRAINES, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_one_changed_leaf_is_the_only_mark(seed: int, chance: random.Random) -> None:
    """[VIE-15] A text or a code, anywhere below demandeLogement; no container is marked for it."""
    old = tree(seed)
    root = copy.deepcopy(old)
    corps = root.find(f"{PREFIX}demande/{PREFIX}demandeLogement")
    assert corps is not None
    leaves = [e for e in corps.iter(etree.Element) if not len(e) and e.tag != f"{PREFIX}incrementFichier"]
    leaf = chance.choice(leaves)
    if leaf.get("code") is not None:
        leaf.set("code", "ZZ9")
    else:
        leaf.text = (leaf.text or "") + "9"
    mark_changes(root, old)
    assert marks(root) == [leaf]
    assert len(changed_paths(root, old)) == 1


@given(GRAINES, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_what_is_gone_marks_its_parent_and_what_is_new_all_it_holds(seed: int, chance: random.Random) -> None:
    """[VIE-15] The same removal, seen from both sides."""
    old = tree(seed)
    root = copy.deepcopy(old)
    corps = root.find(f"{PREFIX}demande/{PREFIX}demandeLogement")
    assert corps is not None
    inside = [e for e in corps.iter(etree.Element) if e is not corps and e.tag != f"{PREFIX}incrementFichier"]
    gone = chance.choice(inside)
    parent = gone.getparent()
    assert parent is not None
    held = [str(element.tag) for element in gone.iter(etree.Element)]
    twins = sum(1 for child in parent if child.tag == gone.tag)
    parent.remove(gone)
    mark_changes(root, old)
    assert marks(root) == [parent]
    mark_changes(old, root)
    if twins == 1:
        assert [str(element.tag) for element in marks(old)] == held
    else:
        assert len(marks(old)) == len(held)
