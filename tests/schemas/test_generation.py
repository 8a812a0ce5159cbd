"""The generator: valid, seeded, realistic, in every style that partners write."""

from __future__ import annotations

import csv
import itertools
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lxml import etree

from schemas import codes, territoires
from schemas.demande import Demande, read_demande
from schemas.documents import read_document
from schemas.ecriture import REFERENCE, STYLES, Style
from schemas.generation import LE, TYPES_FICHIER, generate_demande, generate_demandes
from schemas.generation_autres import generate_document
from schemas.kinds import DEMANDES, DocumentKind, identify
from schemas.validation import validate


def root_of(data: bytes) -> etree._Element:
    return etree.fromstring(data)


def demande_of(data: bytes) -> Demande:
    return read_demande(root_of(data))


@pytest.mark.parametrize("kind", DocumentKind)
@pytest.mark.parametrize("complet", [False, True])
def test_every_kind_is_valid_under_its_own_schema_and_read_as_that_kind(
    kind: DocumentKind, complet: bool
) -> None:
    for seed, style in itertools.product(range(12), STYLES):
        data = generate_document(kind, seed, complet=complet, style=style)
        root = root_of(data)
        assert identify(root) is kind
        assert validate(root, kind) == ()


@pytest.mark.parametrize("kind", sorted(DEMANDES))
@pytest.mark.parametrize("type_fichier", TYPES_FICHIER)
@pytest.mark.parametrize("association", [False, True])
def test_every_type_of_file_is_valid_and_uses_known_codes_only(
    kind: DocumentKind, type_fichier: str, association: bool
) -> None:
    for seed in range(20):
        data = generate_demande(
            seed, kind=kind, type_fichier=type_fichier, association=association, complet=seed % 4 == 0
        )
        root = root_of(data)
        assert validate(root, kind) == ()
        assert codes.check_codes(root, LE) == ()
        demande = read_demande(root)
        assert demande.type_fichier == type_fichier
        assert (demande.num_unique is None) == (type_fichier in ("CRE", "CRS"))
        assert (demande.num_unique_associe is not None) >= (type_fichier == "CRS")
        assert (demande.radiation is not None) == (type_fichier == "RAD")
        assert (demande.association is not None) == association == (demande.demandeur is None)


def paths_of_the_facts() -> set[str]:
    """Every element path of the demande 02.01, from the tables of the interface."""
    members: dict[str, list[dict[str, str]]] = {}
    with (Path(__file__).parent / "facts" / "elements.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["schema_version_doc"] in ("InterfaceNuu 02.01", "Doublon 02.00"):
                members.setdefault(row["parent_type"], []).append(row)

    def walk(path: str, owner: str) -> Iterator[str]:
        for row in members.get(owner, []):
            if row["kind"] == "group-ref":
                yield from walk(path, row["type"] or row["name"])
            elif row["kind"] == "element":
                here = f"{path}/{row['name']}"
                yield here
                yield from walk(here, row["type"])

    return {"interfaceNuu", *walk("interfaceNuu", "interfaceNuu")}


def test_complete_documents_hold_every_path_of_the_interface() -> None:
    """So that what walks a document meets every element: 337 paths in 02.01 (interface/document-tree)."""
    expected = paths_of_the_facts()
    assert len(expected) == 337
    found: set[str] = set()
    for seed, type_fichier in itertools.product(range(8), ("RAD", "RET", "DIS")):
        for association in (False, True):
            data = generate_demande(seed, type_fichier=type_fichier, association=association, complet=True)
            for element in root_of(data).iter():
                names = [etree.QName(e).localname for e in (element, *element.iterancestors())]
                found.add("/".join(reversed(names)))
    assert expected == found


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert generate_demande(7) == generate_demande(7) == generate_demande(random.Random(7))
    assert generate_demande(7) != generate_demande(8)
    assert list(generate_demandes("a", 5)) == list(generate_demandes("a", 9))[:5]


def test_what_the_caller_fixes_is_fixed() -> None:
    demande = demande_of(
        generate_demande(
            1,
            guichet="G1226",
            communes=("59350", "2A004"),
            types_logement=("T3", "T6P"),
            avec_cotitulaire=True,
            lien="P",
            forcer_doublon=True,
            num_unique="059062600000100001",
            date_creation=date(2026, 6, 3),
        )
    )
    assert demande.num_guichet == "G1226"
    assert demande.communes_souhaitees == ("59350", "2A004")
    assert demande.types_logement == ("T3", "T6P")
    assert [c.lien for c in demande.cotitulaires] == ["P"]
    assert demande.forcer_doublon
    assert demande.num_unique == "059062600000100001"
    assert demande.date_creation == date(2026, 6, 3)


@pytest.mark.parametrize("territoire", ["111", "059", "02A", "02B", "974", "976"])
def test_wished_communes_are_those_of_the_territory(territoire: str) -> None:
    allowed = territoires.communes_of_territoire(territoire)
    for seed in range(40):
        demande = demande_of(generate_demande(seed, territoire=territoire))
        assert 1 <= len(demande.communes_souhaitees) <= 5
        assert set(demande.communes_souhaitees) <= allowed


def test_a_demande_was_filed_by_adults_before_its_document() -> None:
    for seed in range(200):
        demande = demande_of(generate_demande(seed, avec_cotitulaire=seed % 2 == 0))
        assert demande.demandeur is not None
        assert (LE - demande.date_creation).days in range(31)
        for adult in (demande.demandeur, *demande.cotitulaires):
            assert (LE - adult.date_naissance).days >= 18 * 365
        for enfant in demande.personnes_a_charge:
            assert enfant.date_naissance is not None
            assert enfant.date_naissance < LE
        assert demande.date_fichier is not None
        assert demande.date_fichier <= datetime(LE.year, LE.month, LE.day, 22, tzinfo=UTC)


def test_three_thousand_demandes_are_of_people_who_cannot_be_mistaken_for_each_other() -> None:
    seen: set[tuple[frozenset[str], date]] = set()
    for data in generate_demandes(3, 3000):
        demande = demande_of(data)
        assert demande.demandeur is not None
        keys = {
            (frozenset((nom, p.prenom)), p.date_naissance)
            for p in (demande.demandeur, *demande.cotitulaires)
            for nom in {p.nom, p.nom_patronymique} - {""}
        }
        assert not keys & seen
        seen |= keys


def test_all_styles_write_the_same_document() -> None:
    def content(data: bytes) -> list[tuple[str, str, dict[str, str]]]:
        return [(str(e.tag), (e.text or "").strip(), dict(e.attrib)) for e in root_of(data).iter()]

    first, *others = (content(generate_demande(4, type_fichier="MOD", style=style)) for style in STYLES)
    assert all(other == first for other in others)


def test_the_style_of_the_reference_client_is_ascii_with_crlf_and_no_bare_line_end() -> None:
    """interface/wire §2."""
    data = generate_demande(4, style=REFERENCE)
    assert data.isascii()
    assert b"\r\n" in data
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert not data.startswith(b"<?xml")


def test_the_same_prefix_serves_elements_and_change_marks() -> None:
    for prefixe in ("", "x"):
        root = root_of(generate_demande(2, type_fichier="MOD", style=Style(prefixe=prefixe)))
        assert root.xpath("count(//@*[local-name()='modifie'])") >= 1
        assert root.xpath("count(//@modifie)") == 0


def test_the_version_may_be_named_by_its_text() -> None:
    data = generate_demande(1, kind="demande-02.01")  # type: ignore[arg-type]
    assert root_of(data).get("versionInterface") == "02.01"


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="doublons"):
        generate_demande(1, kind=DocumentKind.DOUBLONS)
    with pytest.raises(ValueError, match="typeFichier"):
        generate_demande(1, type_fichier="XXX")
    with pytest.raises(ValueError, match="territoire"):
        generate_demande(1, territoire="999")


def test_the_hub_itself_reads_what_is_generated() -> None:
    for seed, style in enumerate(STYLES):
        document = read_document(generate_demande(seed, style=style), DEMANDES)
        assert not isinstance(document, tuple)
