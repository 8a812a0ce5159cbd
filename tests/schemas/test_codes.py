"""The code lists are those of the facts, and documents are checked against them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from lxml import etree

from schemas import codes
from schemas.codes import check_codes, code_lists, is_valid, label, list_names, usages
from schemas.documents import Document, DocumentKind, read_document
from schemas.violations import Violation
from tests.schemas.modele import read_facts
from tests.schemas.modeles_xml import COTITULAIRE, DEMANDEUR, DOUBLON, RECHERCHE, demande, doublons, recherche

ON = date(2026, 11, 22)


def check(data: bytes, on: date = ON) -> tuple[Violation, ...]:
    result = read_document(data, frozenset(DocumentKind))
    assert isinstance(result, Document), result
    return check_codes(result.root, on)


def test_the_lists_are_those_of_the_facts() -> None:
    facts = [(row["list_name"], row["code"], row["label"]) for row in read_facts("codes.csv")]
    ours = [(name, code.code, code.libelle) for name, lines in code_lists().items() for code in lines]
    assert ours == facts
    assert (len(list_names()), len(ours)) == (31, 197)


def test_the_usages_are_those_of_the_facts() -> None:
    assert usages() == {row["element_path"]: row["list_name"] for row in read_facts("code_usage.csv")}
    assert set(usages().values()) <= set(list_names())


def test_every_line_has_a_version_and_ordered_dates() -> None:
    for lines in code_lists().values():
        for line in lines:
            assert line.version
            assert line.valide_du is None or line.valide_au is None or line.valide_du <= line.valide_au


def test_a_code_is_valid_in_its_own_list_only() -> None:
    assert is_valid("ListeTypeLogement", "T6P", ON)
    assert not is_valid("ListeTypeLogementRPLS", "T6P", ON)
    assert not is_valid("ListeTypeLogement", "t6p", ON)
    assert is_valid("ListeMotifsRadiation", "", ON)  # déradiation
    assert label("ListeMotifsRadiation", "") == "Déradiation"
    assert label("ListeCivilite", "9") is None
    with pytest.raises(KeyError):
        is_valid("ListeInconnue", "1", ON)


def test_both_days_of_validity_are_included() -> None:
    line = replace(code_lists()["ListeCivilite"][0], valide_du=ON, valide_au=ON)
    day = timedelta(days=1)
    assert [line.is_valid(ON + n * day) for n in (-1, 0, 1)] == [False, True, False]


def test_a_good_demande_has_no_violation() -> None:
    assert check(demande(foyer=COTITULAIRE)) == ()
    assert check(doublons()) == ()
    assert check(recherche("<motifDemande>09</motifDemande>")) == ()


def test_an_unknown_code_is_told_with_its_path_line_and_list() -> None:
    (violation,) = check(demande(demandeur=DEMANDEUR.replace('civilite code="2"', 'civilite code="ZZ"')))
    assert violation == Violation(
        rule="CODE-INCONNU",
        message="Le code « ZZ » de « civilite » n'est pas dans ListeCivilite.",
        path="/interfaceNuu/demande/demandeLogement/personnePhysique/demandeur/civilite/@code",
        line=7,
        found="ZZ",
        expected="ListeCivilite : 1, 2, 3",
    )


def test_a_withdrawn_code_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(code_lists())
    known["ListeCivilite"] = tuple(replace(c, valide_au=date(2026, 1, 1)) for c in known["ListeCivilite"])
    monkeypatch.setattr(codes, "code_lists", lambda: known)
    _forget()
    try:
        (violation,) = check(demande())
        assert violation.rule == "CODE-PERIME"
        assert check(demande(), date(2026, 1, 1)) == ()
    finally:
        _forget()


def _forget() -> None:
    codes._index.cache_clear()
    codes._usages_on.cache_clear()


def _with_code(path: str, code: str) -> etree._Element:
    """The smallest tree that has an element at `path` with this code."""
    steps = path.strip("/").split("/")
    namespace = "http://nuu.application.i2/"
    root = element = etree.Element(f"{{{namespace}}}{steps[0]}", nsmap={None: namespace})
    etree.SubElement(root, f"{{{namespace}}}entete")
    for step in steps[1:]:
        found = element.find(f"{{{namespace}}}{step}")
        element = etree.SubElement(element, f"{{{namespace}}}{step}") if found is None else found
    element.set("code", code)
    return root


TEXTS = {
    "/interfaceNuu/entete/typeFichier",
    "/interfaceNuu/operation/demandeMulticritere/motifDemande",
    "/interfaceNuu/operation/demandeMulticritere/motifRadiation",
}


@pytest.mark.parametrize("path", sorted(set(usages()) - TEXTS))
def test_every_element_is_checked_against_its_own_list(path: str) -> None:
    liste = usages()[path]
    for good in code_lists()[liste]:
        if good.code:
            assert check_codes(_with_code(path, good.code), ON) == (), good
    (violation,) = check_codes(_with_code(path, "XYZ123"), ON)
    assert violation.path == f"{path}/@code"
    assert violation.expected.startswith(f"{liste} : ")


def test_one_name_may_use_two_lists() -> None:
    """typeLogement and ressource depend on where they stand."""
    versee = DEMANDEUR.replace(
        "<listeRessourceVersee/>",
        '<listeRessourceVersee><detailRessource><ressource code="{}"/></detailRessource>'
        "</listeRessourceVersee>",
    )
    assert check(demande(demandeur=versee.format("PAV"))) == ()
    assert [v.found for v in check(demande(demandeur=versee.format("SAL")))] == ["SAL"]
    assert [v.found for v in check(demande(recherche=RECHERCHE.replace("T3", "T9P")))] == ["T9P"]


def test_type_fichier_is_listed_for_a_demande_only() -> None:
    """interface/wire §11."""
    assert [v.path for v in check(demande(type_fichier="XYZ"))] == ["/interfaceNuu/entete/typeFichier"]
    assert check(recherche(type_fichier="XYZ")) == ()


def test_the_motives_of_a_search_are_texts() -> None:
    found = check(recherche("<motifDemande>99</motifDemande><motifRadiation>RADXXX</motifRadiation>"))
    assert [v.found for v in found] == ["99", "RADXXX"]
    assert check(recherche("<motifDemande/>")) == ()


def test_commune_codes_are_not_in_a_list() -> None:
    assert check(demande(recherche=RECHERCHE.replace("93048", "ZZZZZ"))) == ()


def test_doublons_inside_a_demande_are_checked() -> None:
    bad = DOUBLON.replace("<civilite/>", '<civilite code="7"/>')
    assert len(check(demande(f"<listeDoublons>{bad}</listeDoublons>"))) == 1
    assert len(check(doublons(bad))) == 1
