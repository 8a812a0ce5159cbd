"""The table of services is the contract, no more and no less; the contract is served as the file is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from lxml import etree

from registry.anomalies import Anomalie
from schemas.contract import operations, wsdl_source, xsd_bytes
from soap.description import Champ, Service
from soap.services import (
    DEMANDE_LOGEMENT,
    GESTION_PARTAGEE,
    RECHERCHE_DEMANDE,
    SERVICES,
    choose_operation,
)
from tests.soap.conftest import Hub

WSDL = {"w": "http://schemas.xmlsoap.org/wsdl/", "x": "http://www.w3.org/2001/XMLSchema"}
SOAP12 = "{http://schemas.xmlsoap.org/wsdl/soap12/}"
WS = "http://ws.metier.nuu.application.i2/"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.nom)
def test_operations_are_those_of_the_wsdl(service: Service) -> None:
    """Names, actions, wrappers, in the order of the contract."""
    ours = [(o.nom, o.action, o.parametres.element, o.reponse.element) for o in service.operations.values()]
    theirs = [(o.name, o.action, o.request, o.response) for o in operations(service.nom)]
    assert ours == theirs


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.nom)
def test_fields_are_those_of_the_wsdl(service: Service) -> None:
    """Children of each wrapper: order, type, optional or not."""
    root = etree.fromstring(wsdl_source(service.nom))
    types = {node.get("name"): node for node in root.iterfind(".//x:schema/x:complexType", WSDL)}
    for operation in service.operations.values():
        for message in (operation.parametres, operation.reponse):
            element = root.find(f".//x:schema/x:element[@name='{message.element}']", WSDL)
            assert element is not None
            kind = element.find("x:complexType", WSDL)
            if kind is None:
                kind = types[element.get("type", "").rpartition(":")[2]]
            assert _ours(message.champs) == _theirs(kind), message.element


def _ours(champs: Sequence[Champ]) -> list[object]:
    return [
        (champ.nom, champ.type.rpartition(":")[2], champ.facultatif, _ours(champ.champs)) for champ in champs
    ]


def _theirs(kind: etree._Element) -> list[object]:
    """Only a group may be repeated, and has its children inline."""
    found: list[object] = []
    for node in kind.iterfind("x:sequence/x:element", WSDL):
        inline = node.find("x:complexType", WSDL)
        assert node.get("maxOccurs") == (None if inline is None else "unbounded")
        children = [] if inline is None else _theirs(inline)
        typed = node.get("type", "").rpartition(":")[2]
        found.append((node.get("name"), typed, node.get("minOccurs") == "0", children))
    return found


def test_every_address_that_a_partner_may_have() -> None:
    """[SOA-4] interface/services, Addresses: own names, the official paths, the one of the reference
    client."""
    chemins = [chemin for service in SERVICES for chemin in service.chemins()]
    assert len(chemins) == len(set(chemins)) == 42
    assert {
        "/nuu/services/DemandeLogement/",
        "/nuu-ws/services/GestionPartageeEVTImplService/",
        "/nuu-ws/services/RechercheDemandeImplService/",
        "/services/DemandeLogementImplService/",
        "/services/DemandeLogementImplService",
    } <= set(chemins)


@pytest.mark.parametrize(
    ("service", "actions", "element", "expected"),
    [
        (DEMANDE_LOGEMENT, [f"{WS}getDoublons"], "rechercheDoublonsParametres", "getDoublons"),
        (DEMANDE_LOGEMENT, ["getDoublons"], "rechercheDoublonsParametres", "getDoublons"),
        (DEMANDE_LOGEMENT, [], "rechercheDoublonsParametres", "getDoublons"),
        (DEMANDE_LOGEMENT, ["getDoublons", "getNumUnique"], "rechercheDoublonsParametres", "getDoublons"),
        (RECHERCHE_DEMANDE, [], "fichierXmlParametres", "rechercheDemandeMulticritere"),
        (GESTION_PARTAGEE, ["ajouterEvenementDemande"], "fichierXmlParametres", "ajouterEvenementDemande"),
        (GESTION_PARTAGEE, [], "fichierXmlParametres", "SOA031"),
        (DEMANDE_LOGEMENT, [], "autre", "SOA030"),
        (DEMANDE_LOGEMENT, ["rechercheDemandeMulticritere"], "fichierXmlParametres", "SOA030"),
        (DEMANDE_LOGEMENT, ["http://ailleurs/getDoublons"], "rechercheDoublonsParametres", "SOA030"),
        (DEMANDE_LOGEMENT, ["getNumUnique"], "rechercheDoublonsParametres", "SOA032"),
    ],
)
def test_dispatch(service: Service, actions: list[str], element: str, expected: str) -> None:
    """[SOA-11] The action decides; the wrapper does when it can; they must agree."""
    found = choose_operation(service, actions, f"{{{WS}}}{element}")
    assert (found.code if isinstance(found, Anomalie) else found.nom) == expected


@pytest.mark.parametrize("client", [None, "INCON", "G1104"])
@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.nom)
async def test_wsdl_is_public_and_has_the_address_of_the_caller(
    hub: Hub, service: Service, client: str | None
) -> None:
    """[SOA-3] Readable before any certificate is there; the address is the one used, whatever alias that
    was."""
    for chemin in service.chemins():
        answer = await hub.send("GET", f"{chemin}?wsdl", client=client)
        assert answer.statut == 200
        root = etree.fromstring(answer.corps)
        (address,) = root.iter(f"{SOAP12}address")
        assert address.get("location") == hub.adresse + chemin
        address.set("location", "")
        reference = etree.fromstring(wsdl_source(service.nom))
        next(reference.iter(f"{SOAP12}address")).set("location", "")
        assert etree.tostring(root, method="c14n") == etree.tostring(reference, method="c14n")


async def test_the_contract_that_partners_serve_is_public_too(hub: Hub) -> None:
    """docs/guide-partenaire.md: a partner reads here what it has to serve; the hub does not serve it."""
    chemin = "/services/ReceptionDistributionService"
    answer = await hub.send("GET", f"{chemin}?wsdl", client=None)
    assert (answer.statut, answer.corps) == (200, wsdl_source("ReceptionDistributionService"))
    assert (await hub.send("GET", f"{chemin}/xmlmime.xsd", client=None)).corps == xsd_bytes("xmlmime.xsd")
    assert (await hub.send("POST", f"{chemin}/", b"x")).statut == 405


@pytest.mark.parametrize("query", ["?WSDL", "?wsdl=1", "?Wsdl&x=y"])
async def test_wsdl_in_any_case(hub: Hub, query: str) -> None:
    assert (await hub.send("GET", "/services/DemandeLogementImplService" + query, client=None)).statut == 200


@pytest.mark.parametrize(
    "chemin",
    [
        "/services/xmlmime.xsd",
        "/services/DemandeLogementImplService/xmlmime.xsd",
        "/nuu-ws/services/xmlmime.xsd",
        "/services/DemandeLogementImplService?xsd=xmlmime.xsd",
    ],
)
async def test_included_schema_is_where_the_relative_address_leads(hub: Hub, chemin: str) -> None:
    """[SOA-3]"""
    answer = await hub.send("GET", chemin, client=None)
    assert (answer.statut, answer.corps) == (200, xsd_bytes("xmlmime.xsd"))


async def test_other_schemas_are_not_reached_by_the_query(hub: Hub) -> None:
    chemin = "/services/DemandeLogementImplService?xsd=../../pyproject.toml"
    assert (await hub.send("GET", chemin)).statut == 405


@pytest.mark.parametrize("host", ['x"/><evil', "a b", "é", "a" * 300])
async def test_a_host_that_is_none_is_not_echoed(hub: Hub, host: str) -> None:
    chemin = "/services/DemandeLogementImplService?wsdl"
    answer = await hub.send("GET", chemin, headers={"Host": host.encode("latin-1").decode("latin-1")})
    (address,) = etree.fromstring(answer.corps).iter(f"{SOAP12}address")
    assert address.get("location") == "https://localhost/services/DemandeLogementImplService"
