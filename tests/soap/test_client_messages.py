"""The two messages of the push, against what zeep makes of them from the WSDL."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import pytest
import zeep
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from zeep.transports import Transport

from dispatching.transport import Accuse, Echec, Envoi, Statut
from schemas import contract
from schemas.parser import ENVELOPE_LIMITS, parse
from soap.client import OPERATION, _Messages
from soap.faults import NS_SOAP

BASE = "https://contrat.invalid/"
MESSAGES = _Messages()
XML_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)


class _Contract(Transport):
    """Gives zeep our own files for any address, and no network."""

    def load(self, url: str) -> bytes:
        name = url.removeprefix(BASE)
        service = name.removesuffix(".wsdl")
        return contract.wsdl_source(service) if service != name else contract.xsd_bytes(name)


@pytest.fixture(scope="module")
def client() -> Any:
    return zeep.Client(f"{BASE}{contract.RECEPTION_DISTRIBUTION}.wsdl", transport=_Contract())


def _envoi(identifier: uuid.UUID, sequence: int, nom: str, contenu: bytes) -> Envoi:
    return Envoi(identifier, 1, "G0002", sequence, "0590726000001G1104", "https://g/", nom, contenu)


@given(st.uuids(), st.integers(1, 2**63 - 1), XML_TEXT, st.binary(max_size=300))
def test_what_is_written_is_what_zeep_writes(
    client: Any, identifier: uuid.UUID, sequence: int, nom: str, contenu: bytes
) -> None:
    """The same elements, in the same order, with the same texts."""
    expected = client.create_message(
        client.service,
        OPERATION,
        idDistribution=str(identifier),
        sequence=sequence,
        nomFichierDemande=nom,
        fichierDemande={"_value_1": contenu},
    )
    written = parse(MESSAGES.write(_envoi(identifier, sequence, nom, contenu)), ENVELOPE_LIMITS)
    assert isinstance(written, etree._Element)
    assert _told(written) == _told(expected)
    assert contract.message_schema(contract.RECEPTION_DISTRIBUTION).validate(etree.ElementTree(written[0][0]))


def _told(root: etree._Element) -> list[tuple[str, str, dict[str, str]]]:
    return [(str(each.tag), each.text or "", dict(each.attrib)) for each in root.iter()]


ENVOI = _envoi(uuid.UUID(int=7), 1, "DEM.xml", b"<demande/>")
IDENTIFIANT = str(ENVOI.id)
EMPREINTE = hashlib.sha256(ENVOI.contenu).hexdigest()
_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema"'


@given(
    st.sampled_from(["", "s:", "soapenv:"]),
    st.sampled_from(["", "ws:", "n:"]),
    st.sampled_from(
        [IDENTIFIANT, f" {IDENTIFIANT}", f"{IDENTIFIANT}\n", "", f"<![CDATA[{IDENTIFIANT}]]>", "x"]
    ),
    st.sampled_from(["RECU", "DEJA_RECU", "<!-- oui -->RECU", "RE<!-- -->CU", "recu", " RECU"]),
    st.sampled_from([EMPREINTE, EMPREINTE.upper(), "0" * 64, f"<![CDATA[{EMPREINTE[:9]}]]>{EMPREINTE[9:]}"]),
    st.sampled_from(["", ' xsi:type="xs:string"', ' a="1"']),
    st.sampled_from(["", "<{s}Header/>", "\n  "]),
)
def test_what_is_read_is_what_zeep_reads(
    client: Any,
    soap: str,
    ws: str,
    identifiant: str,
    statut: str,
    empreinte: str,
    attribute: str,
    before: str,
) -> None:
    """[DST-12] Whatever way an acknowledgement is written: accepted when zeep reads the three right values in
    a message of the contract, and refused otherwise."""
    data = (
        f'<{soap}Envelope xmlns{":" * bool(soap)}{soap[:-1]}="{NS_SOAP}" {_XSI}>'
        f"{before.format(s=soap)}<{soap}Body>"
        f'<{ws}distributionReponse xmlns{":" * bool(ws)}{ws[:-1]}="{contract.NAMESPACE_SERVICES}">'
        f'<idDistribution{attribute} xmlns="">{identifiant}</idDistribution>'
        f'<statut xmlns="">{statut}</statut>'
        f'<empreinte xmlns="">{empreinte}</empreinte>'
        f"</{ws}distributionReponse></{soap}Body></{soap}Envelope>"
    ).encode()
    found = MESSAGES.read(ENVOI, 200, data)
    root = parse(data, ENVELOPE_LIMITS)
    assert isinstance(root, etree._Element)
    content = root[-1][0]
    if not contract.message_schema(contract.RECEPTION_DISTRIBUTION).validate(etree.ElementTree(content)):
        assert isinstance(found, Echec)
        return
    (port,) = client.wsdl.services[contract.RECEPTION_DISTRIBUTION].ports.values()
    read = port.binding.get(OPERATION).process_reply(root)
    right = (read.idDistribution, read.empreinte) == (IDENTIFIANT, EMPREINTE)
    assert found == Accuse(Statut(read.statut)) if right else isinstance(found, Echec)


def test_the_usual_acknowledgement_is_read(client: Any) -> None:
    """The comparison above is not one of refusals only."""
    data = (
        f'<s:Envelope xmlns:s="{NS_SOAP}"><s:Body><w:distributionReponse'
        f' xmlns:w="{contract.NAMESPACE_SERVICES}"><idDistribution>{IDENTIFIANT}</idDistribution>'
        f"<statut>RECU</statut><empreinte>{EMPREINTE}</empreinte></w:distributionReponse></s:Body></s:Envelope>"
    ).encode()
    assert MESSAGES.read(ENVOI, 200, data) == Accuse(Statut.RECU)
