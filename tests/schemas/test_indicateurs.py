"""The indicators written in what is read, against a parse of the document."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from schemas.documents import DEMANDES, Document, read_document
from schemas.emission import emit_demande
from schemas.generation import generate_demande
from schemas.indicateurs import Indicateurs, set_indicateurs
from schemas.kinds import DocumentKind
from schemas.lecture import PREFIX

AT = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
CORPS = f"{PREFIX}demande/{PREFIX}demandeLogement"


def emitted(request: bytes) -> bytes:
    return emit_demande(
        etree.fromstring(request), type_fichier="RET", date_fichier=AT, num_unique="1110626000001G1104"
    )


def others(data: bytes) -> list[tuple[str, str | None, dict[str, str]]]:
    """Everything but the indicators and the version."""
    root = etree.fromstring(data)
    corps = root.find(CORPS)
    assert corps is not None
    for each in corps.findall(f"{PREFIX}informationTraitement"):
        corps.remove(each)
    root.set("versionInterface", "")
    return [
        (str(each.tag), each.text, {str(k): str(v) for k, v in each.attrib.items()}) for each in root.iter()
    ]


@given(
    seed=st.integers(0, 10_000),
    kind=st.sampled_from([DocumentKind.DEMANDE_0200, DocumentKind.DEMANDE_0201]),
    complet=st.booleans(),
    delai=st.booleans(),
    multiples=st.booleans(),
)
def test_they_are_added_in_place_and_nothing_else_changes(
    seed: int, kind: DocumentKind, complet: bool, delai: bool, multiples: bool
) -> None:
    """[GPE-32] Valid under 02.01, whatever the version and the indicators that the partner sent."""
    avant = emitted(generate_demande(seed, kind=kind, complet=complet))
    apres = set_indicateurs(avant, Indicateurs(delai, multiples), AT)
    document = read_document(apres, DEMANDES)
    assert isinstance(document, Document), document
    assert document.root.get("versionInterface") == "02.01"
    (element,) = document.root.iterfind(f"{CORPS}/{PREFIX}informationTraitement")
    assert [each.text for each in element] == [
        str(delai).lower(),
        str(multiples).lower(),
        "2026-07-01T11:30:00.000+02:00",
    ]
    assert others(apres) == others(avant)
    assert set_indicateurs(apres, Indicateurs(delai, multiples), AT) == apres


def test_a_text_that_looks_like_the_place_is_not_it() -> None:
    """[GPE-32]"""
    request = generate_demande(1, kind=DocumentKind.DEMANDE_0201, complet=True)
    root = etree.fromstring(request)
    precision = root.find(f"{CORPS}/{PREFIX}precision")
    assert precision is not None
    precision.text = '</ns1:precision><ns1:informationTraitement/> versionInterface="02.00"'
    avant = emitted(etree.tostring(root))
    assert others(set_indicateurs(avant, Indicateurs(True, False), AT)) == others(avant)


def test_only_a_demande_of_ours_gets_them() -> None:
    with pytest.raises(ValueError, match="precision"):
        set_indicateurs(b"<ns1:interfaceNuu/>", Indicateurs(True, True), AT)
