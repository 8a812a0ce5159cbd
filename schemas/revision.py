"""From one version of a demande document to the next: parts kept or replaced, and the marks of change.

`modifie` (interface/document-tree) is a qualified boolean. What the hub emits bears it, always `true`, on
exactly these elements: one whose text or code changed, one that was not there (and all it holds), and one
that lost an element it held, since what is gone cannot bear a mark. A container is not marked for a change
further down. Items of a list are compared by their content, in their order: removing the first of three marks
the list and none of the two that stay.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher
from typing import Final

from lxml import etree

from schemas.lecture import PREFIX, text_of

MODIFIE: Final = f"{PREFIX}modifie"

ORDRE: Final = (
    "numGuichet", "numUnique", "numUniqueAssocie", "refInterne", "dateCreationDemande", "forcerDoublon",
    "renouvellementElec", "precision", "informationTraitement", "logementRecherche", "principauxMotifDemande",
    "association", "personnePhysique", "listeHandicap", "renouvellement", "radiation", "listeAnomalie",
    "listeDoublons", "dateDerniereModificationPiece", "incrementFichier",
)  # fmt: skip
"""Children of demandeLogement, in the order of the schema."""

_RANG: Final = {PREFIX + name: rang for rang, name in enumerate(ORDRE)}
# They refuse the mark, and are of one exchange, not of the demande.
_NON_MARQUES: Final = frozenset(
    PREFIX + name for name in ("listeAnomalie", "listeDoublons", "incrementFichier")
)

Signature = tuple[object, ...]


def body_of(root: etree._Element) -> etree._Element:
    """`demandeLogement` of a demande document. Raises ValueError when there is none."""
    found = root.find(f"{PREFIX}demande/{PREFIX}demandeLogement")
    if found is None:
        raise ValueError("document de demande sans demandeLogement")
    return found


def put(corps: etree._Element, name: str, element: etree._Element | None) -> None:
    """Make `element` the only child `name` of demandeLogement, at its place; None removes it."""
    for old in corps.findall(PREFIX + name):
        corps.remove(old)
    if element is None:
        return
    rang = _RANG[PREFIX + name]
    place = sum(1 for child in corps if _RANG.get(str(child.tag), -1) < rang)
    corps.insert(place, element)


def put_text(corps: etree._Element, name: str, texte: str | None) -> None:
    """The same for a child that holds a text."""
    element = None
    if texte is not None:
        element = etree.Element(PREFIX + name)
        element.text = texte
    put(corps, name, element)


def keep(root: etree._Element, old: etree._Element, names: Iterable[str]) -> None:
    """Give demandeLogement of `root` the children of these names that `old` has, instead of its own."""
    corps, ancien = body_of(root), body_of(old)
    for name in names:
        found = ancien.find(PREFIX + name)
        put(corps, name, None if found is None else copy.deepcopy(found))


def keep_dalo(root: etree._Element, old: etree._Element) -> None:
    """Give `root` the informationDalo of `old`, instead of its own."""
    demande, ancienne = root.find(f"{PREFIX}demande"), old.find(f"{PREFIX}demande")
    assert demande is not None
    assert ancienne is not None
    for element in demande.findall(f"{PREFIX}informationDalo"):
        demande.remove(element)
    found = ancienne.find(f"{PREFIX}informationDalo")
    if found is not None:
        demande.insert(0, copy.deepcopy(found))


def keep_demandeur(root: etree._Element, old: etree._Element, names: Iterable[str]) -> None:
    """Give the demandeur of `root` the children of these names, in this order before adressePostale, that the
    one of `old` has; nothing when either has none."""
    path = f"{PREFIX}personnePhysique/{PREFIX}demandeur"
    new, ancien = body_of(root).find(path), body_of(old).find(path)
    place = None if new is None else new.find(f"{PREFIX}adressePostale")
    if new is None or ancien is None or place is None:
        return
    for name in names:
        for own in new.findall(PREFIX + name):
            new.remove(own)
        found = ancien.find(PREFIX + name)
        if found is not None:
            place.addprevious(copy.deepcopy(found))


def unmark(root: etree._Element) -> None:
    """Remove every mark of change."""
    etree.strip_attributes(root, MODIFIE)


def mark_changes(root: etree._Element, old: etree._Element) -> None:
    """Mark in `root` exactly what differs from `old`; marks that it bore are removed."""
    unmark(root)
    new_demande, old_demande = root.find(f"{PREFIX}demande"), old.find(f"{PREFIX}demande")
    if new_demande is not None and old_demande is not None:
        signature = _memory()
        # `demande` itself bears no mark in the schema: what it lost is not told.
        _compare(new_demande, old_demande, signature, markable=False)


def changed_paths(root: etree._Element, old: etree._Element) -> tuple[str, ...]:
    """Local paths, below `demande`, of what `mark_changes` would mark; `root` is left as it is."""
    document = copy.deepcopy(root)
    mark_changes(document, old)
    demande = document.find(f"{PREFIX}demande")
    found = [] if demande is None else [element for element in demande.iter() if MODIFIE in element.attrib]
    return tuple("/".join(reversed(list(_names(element)))) for element in found)


def _names(element: etree._Element) -> Iterator[str]:
    while element.tag != f"{PREFIX}demande":
        yield str(element.tag).removeprefix(PREFIX)
        parent = element.getparent()
        assert parent is not None
        element = parent


def _memory() -> Callable[[etree._Element], Signature]:
    """What an element holds, as a value; marks and blanks between elements left out."""
    known: dict[etree._Element, Signature] = {}

    def signature(element: etree._Element) -> Signature:
        found = known.get(element)
        if found is None:
            children = _children(element)
            attributes = tuple(sorted((k, v) for k, v in element.attrib.items() if k != MODIFIE))
            value: object = tuple(map(signature, children)) if children else _text(element)
            found = known[element] = (element.tag, attributes, value)
        return found

    return signature


def _children(element: etree._Element) -> list[etree._Element]:
    return [child for child in element if isinstance(child.tag, str) and child.tag not in _NON_MARQUES]


def _text(element: etree._Element) -> str:
    texte = text_of(element)
    # An empty container is empty however it is laid out.
    return texte if texte.strip() else ""


def _compare(
    new: etree._Element,
    old: etree._Element,
    signature: Callable[[etree._Element], Signature],
    *,
    markable: bool = True,
) -> None:
    if signature(new) == signature(old):
        return
    news, olds = _children(new), _children(old)
    if not news and not olds:
        new.set(MODIFIE, "true")
        return
    own_changed = signature(new)[1] != signature(old)[1]
    lost = False
    for pair in _pairs(news, olds, signature):
        match pair:
            case (None, _):
                lost = True
            case (added, None):
                for element in added.iter(etree.Element):
                    element.set(MODIFIE, "true")
            case (one, other):
                _compare(one, other, signature)
    if markable and (lost or own_changed):
        new.set(MODIFIE, "true")


def _pairs(
    news: list[etree._Element], olds: list[etree._Element], signature: Callable[[etree._Element], Signature]
) -> Iterator[tuple[etree._Element | None, etree._Element | None]]:
    """Who is compared with whom: by name, and items of the same name by content, then by place."""
    names = dict.fromkeys(str(child.tag) for child in (*news, *olds))
    for name in names:
        mine = [child for child in news if child.tag == name]
        theirs = [child for child in olds if child.tag == name]
        if len(mine) <= 1 and len(theirs) <= 1:
            yield mine[0] if mine else None, theirs[0] if theirs else None
            continue
        matcher = SequenceMatcher(
            None, list(map(signature, theirs)), list(map(signature, mine)), autojunk=False
        )
        for operation, i1, i2, j1, j2 in matcher.get_opcodes():
            if operation == "equal":
                continue
            for place in range(max(i2 - i1, j2 - j1)):
                yield (
                    mine[j1 + place] if j1 + place < j2 else None,
                    theirs[i1 + place] if i1 + place < i2 else None,
                )


_FIN: Final = b"</ns1:demandeLogement>"


def stamp(emitted: bytes, version: int) -> bytes:
    """A demande that `emit_demande` wrote, with the token of its version: incrementFichier, ``V000002``.

    A partner that brings it back unchanged says which version it started from. It is the last element of
    demandeLogement, and a `<` never stands for itself in a text: cutting there is sound.
    """
    return stamp_text(emitted, f"V{version:06d}")


def stamp_text(emitted: bytes, texte: str) -> bytes:
    """The same with any text of letters, digits and hyphens."""
    place = emitted.rindex(_FIN)
    token = f"<ns1:incrementFichier>{texte}</ns1:incrementFichier>".encode()
    return emitted[:place] + token + emitted[place:]
