"""Calling any published operation with zeep, which knows the address of the WSDL alone; MTOM included."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import requests
import zeep
from lxml import etree
from zeep.xsd import CompoundValue

from schemas import contract

XOP = "http://www.w3.org/2004/08/xop/include"
RECU = "{http://nuu.application.i2/}"
WSDL = Path(contract.__file__).with_name("wsdl")
SERVICE_OF = {
    operation.name: place.stem
    for place in sorted(WSDL.glob("*.wsdl"))
    for operation in contract.operations(place.stem)
}
"""Service of each operation of each WSDL of the folder: no two have the same name."""


class Mtom(zeep.Transport):
    """Sends the files of a request as parts (MTOM, XOP), which zeep itself cannot do; zeep reads the answer.

    types: Content-Type of the answers, in order.
    """

    def __init__(self, session: requests.Session) -> None:
        super().__init__(session=session)
        self.types: list[str] = []

    def post_xml(self, address: str, envelope: etree._Element, headers: dict[str, str]) -> requests.Response:
        parts = [_part(f"<{name}>", "application/octet-stream", data) for name, data in _take(envelope)]
        soap, _, parametres = headers["Content-Type"].partition(";")
        root = _part(
            "<racine>", f'application/xop+xml; charset=utf-8; type="{soap}"', etree.tostring(envelope)
        )
        boundary = uuid.uuid4().hex
        body = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in (root, *parts))
        # Several operations share a wrapper: the action tells them apart.
        action = parametres.partition('action="')[2].partition('"')[0]
        packed = (
            f'multipart/related; type="application/xop+xml"; start="<racine>"; start-info="{soap}"; '
            f'boundary="{boundary}"; action="{action}"'
        )
        answer = self.post(address, body + f"--{boundary}--\r\n".encode(), {"Content-Type": packed})
        assert isinstance(answer, requests.Response)
        self.types.append(answer.headers["Content-Type"])
        return answer


@cache
def files() -> frozenset[str]:
    """Names of the elements that hold a file, in any WSDL."""
    found = set()
    for place in WSDL.glob("*.wsdl"):
        for element in etree.fromstring(place.read_bytes()).iter("{http://www.w3.org/2001/XMLSchema}element"):
            if element.get("type", "").endswith(":base64Binary"):
                found.add(element.get("name", ""))
    return frozenset(found)


def _take(envelope: etree._Element) -> list[tuple[str, bytes]]:
    """Put a reference in the place of each file; the files, by Content-ID."""
    taken = []
    for element in envelope.iter(*files()):
        name = f"{len(taken)}@client"
        taken.append((name, base64.b64decode(element.text or "")))
        element.text = None
        etree.SubElement(element, f"{{{XOP}}}Include", href=f"cid:{name}")
    return taken


def _part(identifier: str, kind: str, data: bytes) -> bytes:
    headers = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {identifier}\r\n\r\n"
    return headers.encode() + data


@dataclass
class Appels:
    """The calls of the guichets to the hub, and to the partner that receives.

    hub: its base address. reception: that of the service of the partner. dossier: folder of the certificates,
    by code of guichet. mtom: how files leave. acceptees: operations that were answered without a refusal.
    """

    hub: str
    reception: str
    dossier: Path
    mtom: bool
    acceptees: set[str] = field(default_factory=set)
    _clients: dict[tuple[str, str, bool], tuple[Any, zeep.Transport]] = field(default_factory=dict)

    def close(self) -> None:
        for _, transport in self._clients.values():
            transport.session.close()

    def call(self, operation: str, *, guichet: str = "G1104", **champs: object) -> Any:
        """The answer, which must not be a refusal; zeep gives an answer of one field as that field. Raises
        zeep.exceptions.Fault."""
        proxy, transport = self._client(SERVICE_OF[operation], guichet)
        answer = getattr(proxy, operation)(**champs)
        if isinstance(transport, Mtom):
            assert transport.types[-1].startswith("multipart/related"), transport.types
        for name in answer if isinstance(answer, CompoundValue) else ():
            contenu = content(answer, name)
            assert b"listeAnomalie" not in contenu, contenu.decode()
        self.acceptees.add(operation)
        return answer

    def _client(self, service: str, guichet: str) -> tuple[Any, zeep.Transport]:
        key = (service, guichet, self.mtom)
        if key not in self._clients:
            session = requests.Session()
            session.trust_env = False  # REQUESTS_CA_BUNDLE would win over `verify`
            folder = self.dossier / guichet
            session.cert = (str(folder / "cert.pem"), str(folder / "key.pem"))
            session.verify = str(folder / "ca.pem")
            transport = Mtom(session) if self.mtom else zeep.Transport(session=session)
            partenaire = service in contract.PARTNER_SERVICES
            address = self.reception if partenaire else f"{self.hub}/services/{service}"
            self._clients[key] = zeep.Client(f"{address}?wsdl", transport=transport).service, transport
        return self._clients[key]


def content(answer: Any, name: str) -> bytes:
    """The file of that field of an answer; empty when the field is not one, or has none."""
    found = getattr(answer[name], "_value_1", None)
    return found if isinstance(found, bytes) else b""


def text_of(document: bytes, name: str) -> str:
    """Text of the first element of this name in a document."""
    return etree.fromstring(document).findtext(f".//{RECU}{name}") or ""
