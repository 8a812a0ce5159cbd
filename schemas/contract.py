"""What the services publish: WSDL with the address of the caller, schemas, operations as data.

The files are the contract; nothing here is generated from code. ``xmlmime.xsd`` lies beside the WSDL, which
include it by that relative name, on disk as over HTTP.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

from lxml import etree

NAMESPACE_SERVICES: Final = "http://ws.metier.nuu.application.i2/"

DEMANDE_LOGEMENT: Final = "DemandeLogementImplService"
GESTION_PARTAGEE: Final = "GestionPartageeEVTImplService"
RECHERCHE_DEMANDE: Final = "RechercheDemandeImplService"
RECEPTION_DISTRIBUTION: Final = "ReceptionDistributionService"
DOSSIER_UNIQUE: Final = "DossierUniqueImplService"
DISTRIBUTIONS: Final = "DistributionsImplService"
PORTAIL: Final = "PortailImplService"

SERVICES: Final = (DEMANDE_LOGEMENT, GESTION_PARTAGEE, RECHERCHE_DEMANDE)
"""The published services, as the official interface has them."""

OWN_SERVICES: Final = (DOSSIER_UNIQUE, DISTRIBUTIONS, PORTAIL)
"""The services that the hub serves beside them, in the same style."""

PARTNER_SERVICES: Final = (RECEPTION_DISTRIBUTION,)
"""The service that partners serve and the hub calls."""

_WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
_SOAP12: Final = "http://schemas.xmlsoap.org/wsdl/soap12/"
_XS: Final = "http://www.w3.org/2001/XMLSchema"

_compiled = threading.local()


@dataclass(frozen=True, slots=True)
class OperationWsdl:
    """One operation of a WSDL.

    name: short name; action: full SOAP action. request, response: local names of the wrapper elements, in
    `NAMESPACE_SERVICES`.
    """

    name: str
    action: str
    request: str
    response: str


@cache
def wsdl_source(service: str) -> bytes:
    """Return the WSDL of `service` as it is in the repository. Raises KeyError for an unknown service."""
    if service not in SERVICES + OWN_SERVICES + PARTNER_SERVICES:
        raise KeyError(service)
    return (_folder("wsdl") / f"{service}.wsdl").read_bytes()


@lru_cache(maxsize=32)  # callers choose the address: bounded
def wsdl_bytes(service: str, address: str) -> bytes:
    """Return the WSDL of `service` with `address` as the address of its port.

    Raises KeyError for an unknown service, ValueError for an address with control characters.
    """
    root = etree.fromstring(wsdl_source(service))
    for location in root.iter(f"{{{_SOAP12}}}address"):
        location.set("location", address)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


@cache
def _published() -> dict[str, Path]:
    files = [*_folder("xsd").glob("*.xsd"), *_folder("wsdl").glob("*.xsd")]
    return {file.name: file for file in sorted(files)}


def xsd_names() -> tuple[str, ...]:
    """Return the names of the published schemas, with ``.xsd``."""
    return tuple(_published())


@cache
def xsd_bytes(name: str) -> bytes:
    """Return the published schema `name`, for instance ``xmlmime.xsd``. Raises KeyError for any other name.

    The name is looked up among the published ones, never joined to a path.
    """
    return _published()[name].read_bytes()


@cache
def operations(service: str) -> tuple[OperationWsdl, ...]:
    """Return the operations of `service` in the order of its WSDL. Raises KeyError for an unknown service."""
    root = etree.fromstring(wsdl_source(service))
    elements = {
        message.get("name"): _local(message.find(f"{{{_WSDL}}}part"), "element")
        for message in root.iter(f"{{{_WSDL}}}message")
    }
    actions = {
        parent.get("name"): operation.get("soapAction", "")
        for operation in root.iter(f"{{{_SOAP12}}}operation")
        if (parent := operation.getparent()) is not None
    }
    return tuple(
        OperationWsdl(
            name=operation.get("name", ""),
            action=actions[operation.get("name")],
            request=elements[_local(operation.find(f"{{{_WSDL}}}input"), "message")],
            response=elements[_local(operation.find(f"{{{_WSDL}}}output"), "message")],
        )
        for operation in root.iterfind(f"{{{_WSDL}}}portType/{{{_WSDL}}}operation")
    )


def message_schema(service: str) -> etree.XMLSchema:
    """Return the compiled schema of the messages of `service` (its wrapper elements), one per thread.

    A message holds base64 where the wire had ``xop:Include``. Use it with `schemas.validation.validate_with`.
    Raises KeyError for an unknown service.
    """
    cached: dict[str, etree.XMLSchema] = _compiled.__dict__.setdefault("messages", {})
    schema = cached.get(service)
    if schema is None:
        # The base address makes the relative inclusion of xmlmime.xsd resolve to our own file.
        base = (_folder("wsdl") / f"{service}.wsdl").as_uri()
        root = etree.fromstring(wsdl_source(service), base_url=base)
        inline = root.find(f"{{{_WSDL}}}types/{{{_XS}}}schema")
        assert inline is not None
        schema = cached[service] = etree.XMLSchema(inline)
    return schema


def _folder(name: str) -> Path:
    # The program runs from its own environment, never from a zip: the resources are files.
    return Path(str(resources.files("schemas").joinpath(name)))


def _local(element: etree._Element | None, attribute: str) -> str:
    assert element is not None
    return element.get(attribute, "").rpartition(":")[2]
