"""The published WSDL are those of the facts (interface/services), save the address."""

from __future__ import annotations

from pathlib import Path

import pytest
import zeep
from lxml import etree

from schemas import contract
from schemas.contract import (
    NAMESPACE_SERVICES,
    OWN_SERVICES,
    PARTNER_SERVICES,
    RECEPTION_DISTRIBUTION,
    SERVICES,
    message_schema,
    operations,
    wsdl_bytes,
    wsdl_source,
    xsd_bytes,
    xsd_names,
)
from schemas.validation import validate_with
from tests.schemas.modele import SCHEMAS, read_facts

W = "{http://schemas.xmlsoap.org/wsdl/}"
S = "{http://schemas.xmlsoap.org/wsdl/soap12/}"
WS = NAMESPACE_SERVICES
FACTS = read_facts("services.csv")
ALL = SERVICES + OWN_SERVICES + PARTNER_SERVICES


def one(root: etree._Element, path: str) -> etree._Element:
    (found,) = root.findall(path)
    return found


def local(element: etree._Element, attribute: str) -> str:
    return element.get(attribute, "").rpartition(":")[2]


@pytest.mark.parametrize("service", SERVICES)
def test_names_operations_actions_and_messages_are_as_the_facts_say(service: str) -> None:
    root = etree.fromstring(wsdl_source(service))
    messages = {
        m.get("name"): (one(m, f"{W}part").get("name"), local(one(m, f"{W}part"), "element"))
        for m in root.findall(f"{W}message")
    }
    port = one(root, f"{W}service/{W}port")
    binding = one(root, f"{W}binding")
    port_type = one(root, f"{W}portType")
    found = []
    for operation in port_type.findall(f"{W}operation"):
        bound = one(binding, f"{W}operation[@name='{operation.get('name')}']")
        request = local(one(operation, f"{W}input"), "message")
        response = local(one(operation, f"{W}output"), "message")
        assert messages[request][0] == "parameters"
        assert messages[response][0] == "return"
        found.append(
            {
                "service": one(root, f"{W}service").get("name"),
                "definitions": root.get("name"),
                "port": port.get("name"),
                "binding": binding.get("name"),
                "port_type": port_type.get("name"),
                "operation": operation.get("name"),
                "action": one(bound, f"{S}operation").get("soapAction"),
                "request_message": request,
                "request_element": messages[request][1],
                "response_message": response,
                "response_element": messages[response][1],
            }
        )
    assert found == [row for row in FACTS if row["service"] == service]
    assert len(binding.findall(f"{W}operation")) == len(found)
    assert local(port, "binding") == binding.get("name")
    assert local(binding, "type") == port_type.get("name")


@pytest.mark.parametrize("service", ALL)
def test_the_binding_is_soap_12_document_literal_without_header_fault_or_policy(service: str) -> None:
    """interface/services « Common to the three services »; ours follows the same style."""
    root = etree.fromstring(wsdl_source(service))
    assert root.get("targetNamespace") == WS
    binding = one(root, f"{W}binding/{S}binding")
    assert binding.get("style") == "document"
    assert binding.get("transport") == "http://schemas.xmlsoap.org/soap/http"
    assert {body.get("use") for body in root.iter(f"{S}body")} == {"literal"}
    tags = {str(node.tag) for node in root.iter(etree.Element)}
    assert not tags & {f"{W}fault", f"{S}fault", f"{S}header", f"{W}import"}
    assert {tag.partition("}")[0] for tag in tags} == {
        "{http://schemas.xmlsoap.org/wsdl/",
        "{http://schemas.xmlsoap.org/wsdl/soap12/",
        "{http://www.w3.org/2001/XMLSchema",
    }


def test_the_exception_is_a_message_that_no_operation_uses() -> None:
    root = etree.fromstring(wsdl_source("DemandeLogementImplService"))
    message = one(root, f"{W}message[@name='demandeLogementException']")
    assert one(message, f"{W}part").attrib == {"name": "parameters", "element": "ws:demandeLogementException"}
    used = {local(node, "message") for node in root.iter(f"{W}input", f"{W}output")}
    assert "demandeLogementException" not in used


@pytest.mark.parametrize("service", ALL)
def test_only_the_address_changes(service: str) -> None:
    address = "https://hub.exemple.fr:8443/nuu/services/x/?a=1&b=<2>"
    published = etree.fromstring(wsdl_bytes(service, address))
    location = one(published, f"{W}service/{W}port/{S}address")
    assert location.get("location") == address
    source = etree.fromstring(wsdl_source(service))
    location.set("location", one(source, f"{W}service/{W}port/{S}address").get("location", ""))
    assert etree.tostring(published, method="c14n") == etree.tostring(source, method="c14n")


def test_the_included_schema_lies_beside_the_wsdl() -> None:
    for service in ALL:
        source = etree.fromstring(wsdl_source(service))
        include = one(source, ".//{http://www.w3.org/2001/XMLSchema}include")
        assert include.get("schemaLocation") == "xmlmime.xsd"
    assert xsd_bytes("xmlmime.xsd") == (SCHEMAS / "wsdl" / "xmlmime.xsd").read_bytes()


def test_all_schemas_are_published_and_nothing_else() -> None:
    files = {path.name for folder in ("xsd", "wsdl") for path in (SCHEMAS / folder).glob("*.xsd")}
    assert set(xsd_names()) == files
    for name in ("../codes.py", "/etc/passwd", "DemandeLogementImplService.wsdl", ""):
        with pytest.raises(KeyError):
            xsd_bytes(name)
    for name in ("../xsd/domains", "Inconnu", ""):
        with pytest.raises(KeyError):
            wsdl_source(name)


@pytest.mark.parametrize("service", ALL)
def test_zeep_reads_the_published_wsdl_alone(service: str, tmp_path: Path) -> None:
    (tmp_path / "x.wsdl").write_bytes(wsdl_bytes(service, "https://localhost:1/"))
    (tmp_path / "xmlmime.xsd").write_bytes(xsd_bytes("xmlmime.xsd"))
    client = zeep.Client(str(tmp_path / "x.wsdl"))
    (bound,) = client.wsdl.bindings.values()
    assert list(bound._operations) == [operation.name for operation in operations(service)]


def envelope_body(name: str, children: str) -> etree._Element:
    return etree.fromstring(f'<ws:{name} xmlns:ws="{WS}">{children}</ws:{name}>')


NUM_UNIQUE = """<nomFichierDemande>DEM.xml</nomFichierDemande><fichierDemande>PGEvPg==</fichierDemande>
<nomCertificat/><certificat ws:contentType="application/x-x509-ca-cert"/>"""


@pytest.mark.parametrize(
    ("children", "valid"),
    [
        (NUM_UNIQUE, True),
        (NUM_UNIQUE + "<complet>1</complet>", True),
        (NUM_UNIQUE.replace("<nomCertificat/>", ""), False),
        (NUM_UNIQUE.replace("ws:contentType", "contentType"), False),
        (NUM_UNIQUE.replace("nomCertificat", "ws:nomCertificat"), False),
        (NUM_UNIQUE.replace("PGEvPg==", "?"), True),  # libxml2 passes stray characters: decode strictly
        (NUM_UNIQUE.replace("application/x-x509-ca-cert", "ab"), False),
    ],
)
def test_messages_are_validated_under_the_inline_schema(children: str, valid: bool) -> None:
    """Wrappers are qualified, their children are not; contentType is qualified (interface/services)."""
    schema = message_schema("DemandeLogementImplService")
    assert (validate_with(schema, envelope_body("numUniqueParametres", children)) == ()) is valid


@pytest.mark.parametrize(
    ("statut", "empreinte", "valid"),
    [
        ("RECU", "0" * 64, True),
        ("DEJA_RECU", "f" * 64, True),
        ("REFUSE", "0" * 64, False),
        ("RECU", "F" * 64, False),
        ("RECU", "0" * 63, False),
    ],
)
def test_an_acknowledgement_has_a_known_status_and_a_fingerprint(
    statut: str, empreinte: str, valid: bool
) -> None:
    children = (
        f"""<idDistribution>a</idDistribution><statut>{statut}</statut><empreinte>{empreinte}</empreinte>"""
    )
    found = validate_with(
        message_schema(RECEPTION_DISTRIBUTION), envelope_body("distributionReponse", children)
    )
    assert (found == ()) is valid
    if statut == "REFUSE":
        assert (found[0].rule, found[0].expected) == ("XSD-LISTE", "l'une de : RECU, DEJA_RECU")


def test_services_are_named_once() -> None:
    assert SERVICES == (
        "DemandeLogementImplService",
        "GestionPartageeEVTImplService",
        "RechercheDemandeImplService",
    )
    names = {path.stem for path in (SCHEMAS / "wsdl").glob("*.wsdl")}
    assert names == set(ALL)
    assert {contract.DEMANDE_LOGEMENT, contract.GESTION_PARTAGEE, contract.RECHERCHE_DEMANDE} == set(SERVICES)
