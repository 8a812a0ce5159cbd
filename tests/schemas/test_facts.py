"""The schemas say exactly what the tables of facts say, and the comparison can fail."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from schemas.documents import DATE_NAMES
from tests.schemas.modele import XS, Facts, Model, Xsd, differences, read_facts, read_trees

FILES = {
    "InterfaceNuu 02.01": "demande-02.01.xsd",
    "InterfaceNuu 02.00": "demande-02.00.xsd",
    "Doublon 02.00": "doublons.xsd",
    "Recherche 02.00": "recherche.xsd",
    "GPEvenement 02.00": "gp-evenement.xsd",
    "GPTypeEvenement 02.00": "gp-type-evenement.xsd",
    "WS DemandeLogement": "DemandeLogementImplService.wsdl",
    "WS GestionPartageeEVT": "GestionPartageeEVTImplService.wsdl",
    "WS RechercheDemande": "RechercheDemandeImplService.wsdl",
}
TREES = {**read_trees("xsd"), **read_trees("wsdl")}
EXPECTED: dict[str, Model] = {document: Facts.of(document).read() for document in FILES}


@pytest.mark.parametrize("document", FILES)
def test_every_element_type_order_cardinality_facet_choice_and_form_is_as_the_facts_say(
    document: str,
) -> None:
    assert differences(EXPECTED[document], Xsd(FILES[document], TREES).read()) == []


@pytest.mark.parametrize(("document", "paths"), [("InterfaceNuu 02.01", 337), ("InterfaceNuu 02.00", 331)])
def test_the_walk_covers_all_the_paths_of_a_demande(document: str, paths: int) -> None:
    """document-tree §1 counts them."""
    assert sum(path.startswith("/interfaceNuu") for path in EXPECTED[document]) == paths


@pytest.mark.parametrize("row", read_facts("schemas.csv"), ids=lambda row: row["schema_version_doc"])
def test_namespaces_forms_and_roots_are_as_the_facts_say(row: dict[str, str]) -> None:
    others = {"Domains": "domains.xsd", "XmlMime": "xmlmime.xsd"}
    name = FILES.get(row["schema_version_doc"]) or others[row["schema_version_doc"]]
    schema = TREES[name]
    assert schema.get("targetNamespace") == row["targetNamespace"]
    assert schema.get("elementFormDefault") == row["elementFormDefault"]
    assert schema.get("attributeFormDefault") == row["attributeFormDefault"]
    own = [element.get("name") for element in schema.findall(f"{XS}element")]
    assert own == row["global_elements"].split()


def test_the_shared_types_of_the_services_keep_their_names() -> None:
    """Clients generated from the WSDL carry them; those of the documents are free."""
    expected = Facts.of("XmlMime").types("base64Binary", "hexBinary", "codeElement")
    assert (
        differences(expected, Xsd("xmlmime.xsd", TREES).types("base64Binary", "hexBinary", "codeElement"))
        == []
    )
    globals_ = {a.get("name") for a in TREES["xmlmime.xsd"].findall(f"{XS}attribute")}
    assert globals_ == {"contentType", "expectedContentTypes"}


def test_no_construct_that_the_facts_exclude_is_used() -> None:
    """interface README: no nillable, mixed, wildcard, enumeration, default, import, substitution…"""
    names = {"any", "anyAttribute", "enumeration", "import", "redefine", "all", "union", "list", "override"}
    attributes = {"nillable", "mixed", "default", "substitutionGroup", "abstract", "block", "final", "form"}
    for file, schema in TREES.items():
        if file == "ReceptionDistributionService.wsdl":  # ours alone
            continue
        for node in schema.iter(etree.Element):
            assert str(node.tag).removeprefix(XS) not in names, file
            assert not attributes & set(node.attrib), file


def test_every_element_carries_french_documentation() -> None:
    for file, schema in TREES.items():
        assert schema.get("{http://www.w3.org/XML/1998/namespace}lang") == "fr", file
        for element in schema.iter(f"{XS}element"):
            text = element.findtext(f"{XS}annotation/{XS}documentation") or ""
            assert len(text) > 5, (file, element.get("name"))
            assert text.rstrip().endswith((".", "…", ")")), (file, element.get("name"))


def test_the_names_of_the_dates_are_those_of_the_schemas() -> None:
    """schemas.documents trims blanks around them and around nothing else."""
    documents = [d for d in FILES if not d.startswith("WS")]
    found = {
        path.rpartition("/")[2]: node.base in ("xs:date", "xs:dateTime")
        for document in documents
        for path, node in EXPECTED[document].items()
    }
    assert {name for name, dated in found.items() if dated} == DATE_NAMES
    for document in documents:
        for path, node in EXPECTED[document].items():
            if path.rpartition("/")[2] in DATE_NAMES:
                assert node.base in ("xs:date", "xs:dateTime"), path


# --- the walk can fail ---------------------------------------------------------------------------


def _rename(node: etree._Element) -> None:
    node.set("name", node.get("name", "") + "X")


def _toggle_min(node: etree._Element) -> None:
    node.set("minOccurs", "1" if node.get("minOccurs") == "0" else "0")


def _toggle_max(node: etree._Element) -> None:
    node.set("maxOccurs", "1" if node.get("maxOccurs") == "unbounded" else "unbounded")


def _remove(node: etree._Element) -> None:
    parent = node.getparent()
    assert parent is not None
    parent.remove(node)


def _duplicate(node: etree._Element) -> None:
    node.addnext(copy.deepcopy(node))


def _swap(node: etree._Element) -> None:
    following = node.getnext()
    assert following is not None
    following.addnext(node)


def _retype(node: etree._Element) -> None:
    node.set("type", "xs:anyURI")


def _change_value(node: etree._Element) -> None:
    node.set("value", node.get("value", "") + "1")


def _add_facet(node: etree._Element) -> None:
    etree.SubElement(node, f"{XS}enumeration", value="1")


def _change_base(node: etree._Element) -> None:
    node.set("base", "xs:token")


def _toggle_use(node: etree._Element) -> None:
    node.set("use", "optional" if node.get("use") == "required" else "required")


def _fix(node: etree._Element) -> None:
    node.set("fixed", node.get("fixed", "") + "1")


def _change_form(node: etree._Element) -> None:
    other = (
        "unqualified"
        if node.getroottree().getroot().get("elementFormDefault") == "qualified"
        else "qualified"
    )
    node.set("form", other)


LOCAL = f".//{XS}sequence/{XS}element"
MUTATIONS = {
    "rename": (_rename, LOCAL),
    "min": (_toggle_min, f"{LOCAL}|.//{XS}choice"),
    "max": (_toggle_max, f"{LOCAL}|.//{XS}choice"),
    "remove": (_remove, f"{LOCAL}|.//{XS}attribute[@ref]|.//{XS}choice"),
    "duplicate": (_duplicate, LOCAL),
    "swap": (_swap, f"{LOCAL}[following-sibling::*[1]]|.//{XS}choice/{XS}group[1]"),
    "retype": (_retype, LOCAL),
    "facet": (_change_value, f".//{XS}restriction/*"),
    "new facet": (_add_facet, f".//{XS}restriction"),
    "base": (_change_base, f".//{XS}restriction|.//{XS}extension"),
    "use": (_toggle_use, f".//{XS}complexType/{XS}attribute|.//{XS}extension/{XS}attribute"),
    "fixed": (_fix, f".//{XS}complexType/{XS}attribute"),
    "form": (_change_form, LOCAL),
}
# By file, the documents that together reach all its components.
REACHED_BY = {
    **{file: (document,) for document, file in FILES.items()},
    "demande-commun.xsd": ("InterfaceNuu 02.01",),
    "domains.xsd": ("Recherche 02.00", "GPEvenement 02.00", "GPTypeEvenement 02.00"),
}


def _targets(schema: etree._Element, expression: str) -> list[etree._Element]:
    expression = expression.replace(XS, "xs:")
    found = schema.xpath(expression, namespaces={"xs": XS.strip("{}")})
    assert isinstance(found, list)
    return [node for node in found if isinstance(node, etree._Element)]


@settings(max_examples=250, deadline=None)
@given(
    file=st.sampled_from(sorted(REACHED_BY)),
    mutation=st.sampled_from(sorted(MUTATIONS)),
    where=st.integers(min_value=0, max_value=10**6),
)
def test_any_single_change_of_a_schema_is_seen(file: str, mutation: str, where: int) -> None:
    """Any one change of any component, in any file, makes the walk go red."""
    mutate, expression = MUTATIONS[mutation]
    trees = {**TREES, file: copy.deepcopy(TREES[file])}
    targets = _targets(trees[file], expression)
    if not targets:
        return
    mutate(targets[where % len(targets)])
    assert any(
        differences(EXPECTED[document], Xsd(FILES[document], trees).read()) for document in REACHED_BY[file]
    )


def test_components_of_domains_are_all_used() -> None:
    """A type that nothing reaches would escape the walk."""
    used = {
        node.get(attribute, "").rpartition(":")[2]
        for schema in TREES.values()
        for node in schema.iter(etree.Element)
        for attribute in ("type", "base", "ref")
        if node.get(attribute)
    }
    for file, schema in TREES.items():
        if file == "xmlmime.xsd":  # hexBinary and expectedContentTypes are facts, used by nothing
            continue
        for component in schema.iterchildren(f"{XS}complexType", f"{XS}simpleType", f"{XS}group"):
            assert component.get("name") in used, (file, component.get("name"))
