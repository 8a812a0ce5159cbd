"""What is wrong with a document is said in French, with line, path, rule, found and expected."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from schemas.documents import DEMANDES, Document, DocumentKind, read_document
from schemas.parser import parse
from schemas.validation import MAX_VIOLATIONS, schema_of, validate
from schemas.violations import Violation
from tests.schemas.modeles_xml import (
    COTITULAIRE,
    DEMANDEUR,
    DOUBLON,
    NS,
    RECHERCHE,
    TETE,
    demande,
    doublons,
    evenement,
    recherche,
    type_evenement,
)

D = "/interfaceNuu/demande/demandeLogement"
ALL = frozenset(DocumentKind)


def violations(data: bytes) -> tuple[Violation, ...]:
    result = read_document(data, ALL)
    assert isinstance(result, tuple)
    return result


def only(data: bytes) -> Violation:
    found = violations(data)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            demande(tete=TETE.replace("G1104", "G11041234")),
            Violation(
                "XSD-LONGUEUR",
                "L'élément « numGuichet » est trop long.",
                f"{D}/numGuichet",
                3,
                "G11041234",
                "5 caractères au plus",
            ),
        ),
        (
            demande(recherche=RECHERCHE.replace('<typeLogement code="T3"/>', '<typeLogement code="T-3"/>')),
            Violation(
                "XSD-MOTIF",
                "L'attribut « code » de « typeLogement » n'a pas la forme voulue.",
                f"{D}/logementRecherche/listeTypeLogement/typeLogement/@code",
                5,
                "T-3",
                "1 à 6 lettres sans accent ou chiffres",
            ),
        ),
        (
            demande(recherche=RECHERCHE.replace(">true<", ">oui<")),
            Violation(
                "XSD-TYPE",
                "L'élément « demandeElargie » n'a pas une valeur admise.",
                f"{D}/logementRecherche/demandeElargie",
                4,
                "oui",
                "true, false, 1 ou 0",
            ),
        ),
        (
            demande(recherche=RECHERCHE.replace("<demandeElargie>true</demandeElargie>", "")),
            Violation(
                "XSD-ELEMENT",
                "L'élément « listeTypeLogement » n'est pas attendu ici : inconnu, répété ou mal placé.",
                f"{D}/logementRecherche/listeTypeLogement",
                5,
                "<listeTypeLogement>",
                "l'un de : categorieLogementRecherche, avecParking, rezDeChaussee, sansAscenseur, "
                "montantLoyer, demandeElargie",
            ),
        ),
        (
            demande(demandeur=DEMANDEUR.replace("<revenuFiscal/>", "")),
            Violation(
                "XSD-MANQUANT",
                "Il manque l'élément « revenuFiscal » avant « listeRessourceRecue ».",
                f"{D}/personnePhysique/demandeur/listeRessourceRecue",
                11,
                "<listeRessourceRecue>",
                "revenuFiscal",
            ),
        ),
        (
            demande("<listeAnomalie><anomalie><message/></anomalie></listeAnomalie>"),
            Violation(
                "XSD-ATTRIBUT-MANQUANT",
                "Il manque l'attribut « code » de « anomalie ».",
                f"{D}/listeAnomalie/anomalie",
                13,
                "",
                "code",
            ),
        ),
        (
            recherche(version="02.01"),
            Violation(
                "XSD-FIXE",
                "L'attribut « versionInterface » de « interfaceNuu » n'a pas la valeur imposée.",
                "/interfaceNuu/@versionInterface",
                1,
                "02.01",
                "02.00",
            ),
        ),
        (
            doublons("texte" + DOUBLON),
            Violation(
                "XSD-TEXTE",
                "L'élément « listeDoublons » ne peut contenir que des éléments.",
                "/listeDoublons",
                1,
                "du texte",
                "des éléments",
            ),
        ),
        (
            demande(tete=TETE.replace("G1104", "<b/>")),
            Violation(
                "XSD-ELEMENT",
                "L'élément « numGuichet » ne peut contenir que du texte.",
                f"{D}/numGuichet",
                3,
                "un élément",
                "du texte",
            ),
        ),
    ],
    ids=lambda value: value.rule if isinstance(value, Violation) else "",
)
def test_a_violation_tells_all_that_is_needed_to_correct(data: bytes, expected: Violation) -> None:
    assert only(data) == expected


def test_the_path_counts_only_where_there_are_several() -> None:
    two = RECHERCHE.replace('<typeLogement code="T3"/>', '<typeLogement/><typeLogement code="é"/>')
    assert only(demande(recherche=two)).path.endswith("/listeTypeLogement/typeLogement[2]/@code")


@pytest.mark.parametrize("prefix", ["ns1", "tns", "a-b.c"])
def test_paths_do_not_depend_on_prefixes(prefix: str) -> None:
    plain = demande(tete=TETE.replace("G1104", "G11041234"), foyer=COTITULAIRE)
    root = parse(plain)
    assert not isinstance(root, Violation)
    renamed = etree.Element(root.tag, dict(root.attrib), nsmap={prefix: NS})
    renamed[:] = list(root)
    etree.cleanup_namespaces(renamed, top_nsmap={prefix: NS})
    data = etree.tostring(renamed)
    assert f"<{prefix}:numGuichet".encode() in data
    assert only(data).path == only(plain).path == f"{D}/numGuichet"


def test_an_element_of_another_namespace_is_named_as_such() -> None:
    data = f'<n:interfaceNuu xmlns:n="{NS}" versionInterface="02.01"><entete/><n:demande/></n:interfaceNuu>'
    found = violations(data.encode())
    assert found[0].rule == "XSD-ESPACE"
    assert found[0].found == "entete"


def test_a_value_too_long_for_its_pattern_is_told_once() -> None:
    assert only(demande(type_fichier="CREA")).rule == "XSD-LONGUEUR"


def test_found_and_expected_are_cut() -> None:
    assert (
        len(only(demande(tete=TETE.replace("<precision/>", f"<precision>{'x' * 5000}</precision>"))).found)
        == 200
    )


def test_the_number_of_violations_is_capped() -> None:
    many = RECHERCHE.replace('<typeLogement code="T3"/>', '<typeLogement code=""/>' * 500)
    assert len(violations(demande(recherche=many))) == MAX_VIOLATIONS


def test_the_tree_is_left_as_it_is() -> None:
    root = parse(demande(type_fichier="CREA"))
    assert not isinstance(root, Violation)
    before = etree.tostring(root)
    assert validate(root, DocumentKind.DEMANDE_0201)
    assert etree.tostring(root) == before


def test_a_subtree_is_validated_as_a_document() -> None:
    root = parse(demande(f"<listeDoublons>{DOUBLON}</listeDoublons>"))
    assert not isinstance(root, Violation)
    subtree = root.find(f".//{{{NS}}}listeDoublons")
    assert subtree is not None
    assert validate(subtree, DocumentKind.DOUBLONS) == ()
    subtree.append(etree.Element("intrus"))
    (violation,) = validate(subtree, DocumentKind.DOUBLONS)
    assert violation.path == "/listeDoublons/intrus"


def test_each_thread_has_its_own_schemas() -> None:
    """The error log of a compiled schema is shared state."""
    seen: list[object] = []
    threads = [
        threading.Thread(target=lambda: seen.append(schema_of(DocumentKind.DOUBLONS))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen[0] is not seen[1]


# --- reading: kinds and versions ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (demande(version="02.00"), DocumentKind.DEMANDE_0200),
        (demande(version="02.01"), DocumentKind.DEMANDE_0201),
        (doublons(), DocumentKind.DOUBLONS),
        (recherche(), DocumentKind.RECHERCHE),
        (evenement(), DocumentKind.EVENEMENT),
        (type_evenement(), DocumentKind.TYPE_EVENEMENT),
        (
            type_evenement("<operation><codeTerritoire>075</codeTerritoire></operation>"),
            DocumentKind.TYPE_EVENEMENT,
        ),
    ],
)
def test_documents_are_told_apart_by_what_stands_below_the_root(data: bytes, kind: DocumentKind) -> None:
    """interface/wire §10: and none is valid under the schema of another."""
    result = read_document(data, ALL)
    assert isinstance(result, Document)
    assert (result.kind, result.data) == (kind, data)
    for other in ALL - {kind} - (DEMANDES if kind in DEMANDES | {DocumentKind.DOUBLONS} else frozenset()):
        assert validate(result.root, other) != ()


def test_a_document_of_another_kind_is_refused_by_name() -> None:
    result = read_document(recherche(), DEMANDES)
    assert isinstance(result, tuple)
    (violation,) = result
    assert (violation.rule, violation.found) == ("DOC-NATURE", "recherche")
    assert violation.expected == "demande 02.00 ou demande 02.01"


@pytest.mark.parametrize("data", [b"<a/>", b"<interfaceNuu/>", f'<interfaceNuu xmlns="{NS}"/>'.encode()])
def test_what_is_no_document_of_ours_is_refused(data: bytes) -> None:
    assert only(data).rule == "DOC-NATURE"


@pytest.mark.parametrize("version", ["02.02", "01.00", "2.1", ""])
def test_an_unknown_version_is_refused(version: str) -> None:
    violation = only(demande(version=version))
    assert (violation.rule, violation.found) == ("DOC-VERSION", version)
    assert violation.expected == "02.00 ou 02.01"


def test_a_missing_version_is_a_missing_attribute() -> None:
    assert only(demande().replace(b' versionInterface="02.01"', b"")).rule == "XSD-ATTRIBUT-MANQUANT"


def test_only_dates_are_trimmed() -> None:
    data = demande(demandeur=DEMANDEUR.replace("1990-02-28", " 1990-02-28 ").replace("DURAND", " DURAND "))
    result = read_document(data, ALL)
    assert isinstance(result, Document)
    assert result.root.findtext(f".//{{{NS}}}nom") == " DURAND "


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_to_the_tree_gives_a_document_or_violations(data: st.DataObject) -> None:
    """Whatever is moved, doubled, renamed or removed: values come back, with a rule, a path and a text."""
    root = parse(demande(foyer=COTITULAIRE))
    assert not isinstance(root, Violation)
    elements = list(root.iter())
    for _ in range(data.draw(st.integers(1, 4))):
        one = data.draw(st.sampled_from(elements[1:]))
        other = data.draw(st.sampled_from(elements))
        if one in other.iterancestors() or one is other:
            continue
        action = data.draw(st.sampled_from(["move", "rename", "text", "attribute", "remove"]))
        parent = one.getparent()
        if action == "move":
            other.append(one)
        elif action == "rename":
            one.tag = other.tag
        elif action == "text":
            one.text = data.draw(
                st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=40)
            )
        elif action == "attribute":
            one.set(data.draw(st.sampled_from(["code", f"{{{NS}}}modifie", "x"])), "é")
        elif parent is not None:
            parent.remove(one)
    result = read_document(etree.tostring(root), ALL)
    if isinstance(result, tuple):
        assert result
        for violation in result:
            assert violation.rule.startswith(("XSD-", "DOC-"))
            assert violation.rule != "XSD-AUTRE", violation
            assert violation.path.startswith("/")
            assert violation.message


@pytest.mark.parametrize(("attribute", "word"), [('xsi:nil="true"', "xsi:nil"), ('xsi:type="x"', "type")])
def test_an_attribute_of_schema_instances_is_refused_in_its_own_words(attribute: str, word: str) -> None:
    """Not as an error of an unforeseen kind: a stack that writes them is told what to leave out."""
    xsi = f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" {attribute}'
    broken = demande().replace(b"<typeFichier>", f"<typeFichier {xsi}>".encode())
    assert broken != demande()
    found = only(broken)
    assert found.rule == "XSD-ATTRIBUT"
    assert word in found.message
