"""Real clients against the hub, over mutual TLS: the byte-exact replay of known partners, zeep from the
published WSDL, plain SOAP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
import zeep
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from lxml import etree

from conformance.client_reference import ClientReference
from registry.clock import FixedClock
from registry.echanges import Canal, Fichier, ReponseDoublons
from soap.mtom import MessageRecu, open_message, take_file
from tests.soap.conftest import NOM, Hub
from tests.soap.messages import (
    CLAIR,
    DOCUMENT,
    DOUBLONS,
    MTOM,
    REPONSE,
    WS,
    envelope,
    inline_num_unique,
    mtom_num_unique,
)


def reference(hub: Hub) -> ClientReference:
    return ClientReference(hub.adresse, hub.pki.client("G1104"), nom_certificat="CERG1226-201708311530.pem")


async def test_reference_client_registers(hub: Hub, clock: FixedClock) -> None:
    """interface/wire §2 and §4: the request byte for byte, the answer by text search."""
    read = await asyncio.to_thread(reference(hub).num_unique, "DEMG1226-201708311530-000000.xml", DOCUMENT)
    assert read.document.encode() == REPONSE
    assert hub.traitement.fichiers == [DOCUMENT]
    assert hub.traitement.suite == ["receive", "get_num_unique"]
    received, handled = hub.traitement.echanges
    assert received == handled
    assert (received.canal, received.operation) == (Canal.SOAP, "getNumUnique")
    assert received.recu_le == clock.now()
    assert received.octets.startswith(b"--MIME_BOUNDARY\r\n")
    assert received.octets.endswith(b"--MIME_BOUNDARY--")


async def test_reference_client_reads(hub: Hub) -> None:
    read = await asyncio.to_thread(reference(hub).demande_logement, "1110318016982G1104")
    assert read.document.encode() == REPONSE
    assert hub.traitement.fichiers == [b"1110318016982G1104"]


async def test_reference_client_searches(hub: Hub) -> None:
    """`:listeDoublons` occurs in the document only: neither in a Content-ID nor in the envelope."""
    read = await asyncio.to_thread(reference(hub).doublons, "a.xml", DOCUMENT)
    assert read.document.encode() == DOUBLONS


async def test_no_doublon_is_an_answer_without_file(hub: Hub) -> None:
    hub.traitement.doublons = ReponseDoublons()
    read = await asyncio.to_thread(reference(hub).doublons, "a.xml", DOCUMENT)
    assert not read.document
    assert "rechercheDoublonsReponse" in read.erreur


def zeep_client(hub: Hub) -> zeep.Client:
    session = requests.Session()
    session.trust_env = False  # REQUESTS_CA_BUNDLE would win over `verify`
    folder = hub.pki.dossier / "G1104"
    session.cert = (str(folder / "cert.pem"), str(folder / "key.pem"))
    session.verify = str(folder / "ca.pem")
    transport = zeep.Transport(session=session)
    return zeep.Client(f"{hub.adresse}/services/DemandeLogementImplService?wsdl", transport=transport)


async def test_zeep_from_the_published_wsdl_alone(hub: Hub) -> None:
    """zeep registers, reads and searches, knowing the address of the WSDL only."""

    def talk() -> tuple[object, object, object]:
        client = zeep_client(hub)
        try:
            registered = client.service.getNumUnique(
                nomFichierDemande="a.xml", fichierDemande=DOCUMENT, nomCertificat="", certificat=b""
            )
            found = client.service.getDemandeLogement(
                numUnique="1110318016982G1104", nomCertificat="", certificat=b""
            )
            doublons = client.service.getDoublons(nomFichierDemande="a.xml", fichierDemande=DOCUMENT)
        finally:
            client.transport.session.close()
        return registered, found, doublons

    registered, found, doublons = await asyncio.to_thread(talk)
    assert registered["nomFichierDemande"] == NOM
    assert registered["fichierDemande"]["_value_1"] == REPONSE
    assert found["fichierDemande"]["_value_1"] == REPONSE
    assert doublons["listeDoublons"]["_value_1"] == DOUBLONS
    assert hub.traitement.fichiers == [DOCUMENT, b"1110318016982G1104", DOCUMENT]


async def test_zeep_reads_our_faults(hub: Hub) -> None:
    def talk() -> zeep.exceptions.Fault:
        client = zeep_client(hub)
        client.transport.session.headers["Connection"] = "close"
        try:
            client.service.getDeclarationNouveauDalo(
                nomFichierDalo="a.xml", fichierDalo=b"", nomCertificat="", certificat=b""
            )
        except zeep.exceptions.Fault as fault:
            return fault
        finally:
            client.transport.session.close()
        raise AssertionError("une faute était attendue")

    fault = await asyncio.to_thread(talk)
    assert "ne l'assure pas encore" in fault.message
    assert [code.localname for code in fault.subcodes] == ["SOA033"]


async def test_answer_has_the_form_of_the_request(hub: Hub) -> None:
    """[SOA-10] MTOM only to MTOM, inline base64 otherwise; never compressed; the same correlation
    identifier."""
    plain = await hub.post(inline_num_unique(), CLAIR, headers={"Accept-Encoding": "gzip, deflate"})
    assert plain.statut == 200
    assert plain.entetes["Content-Type"].startswith("application/soap+xml")
    assert base64.b64encode(REPONSE) in plain.corps
    assert "Content-Encoding" not in plain.entetes
    packed = await hub.post(mtom_num_unique(), MTOM, headers={"Accept-Encoding": "gzip, deflate"})
    assert packed.entetes["Content-Type"].startswith("multipart/related")
    assert REPONSE in packed.corps
    assert "Content-Encoding" not in packed.entetes
    assert [str(echange.id) for echange in hub.traitement.echanges[::2]] == [
        plain.entetes["Echange-Id"],
        packed.entetes["Echange-Id"],
    ]
    assert all(uuid.UUID(a.entetes["Echange-Id"]).version == 7 for a in (plain, packed))


async def test_operation_is_told_even_without_action(hub: Hub) -> None:
    """[SOA-11] The exchange is kept before the body is read, hence without operation; the handler gets it
    with."""
    assert (await hub.post(inline_num_unique(), "application/soap+xml")).statut == 200
    assert [echange.operation for echange in hub.traitement.echanges] == ["", "getNumUnique"]


async def test_http_2_of_the_same_connection(hub: Hub) -> None:
    """Keep-alive: two calls of one connection are two exchanges."""
    client = await asyncio.to_thread(zeep_client, hub)
    for _ in range(2):
        await asyncio.to_thread(
            client.service.getDoublons, nomFichierDemande="a.xml", fichierDemande=DOCUMENT
        )
    client.transport.session.close()
    assert len({echange.id for echange in hub.traitement.echanges}) == 2


@pytest.fixture(scope="module")
def destinataire() -> tuple[bytes, x509.Certificate, rsa.RSAPrivateKey]:
    """An encryption certificate valid at the instant of the test clock, in PEM."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Chiffrement G1104")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM), certificate, key


def with_certificate(pem: bytes) -> bytes:
    return inline_num_unique().replace(
        b"<certificat/>",
        b'<certificat ws:contentType="application/x-x509-ca-cert">'
        + base64.b64encode(pem)
        + b"</certificat>",
    )


async def test_a_certificate_in_the_request_encrypts_the_answer(
    hub: Hub, destinataire: tuple[bytes, x509.Certificate, rsa.RSAPrivateKey]
) -> None:
    """[SOA-20] regles §16: the returned file is encrypted for it. It is binary, hence in base64 within
    MTOM."""
    pem, certificate, key = destinataire
    plain = await hub.post(with_certificate(pem), CLAIR)
    body = etree.fromstring(plain.corps)
    file = body.find(".//fichierDemande")
    assert file is not None
    assert file.get(f"{{{WS}}}contentType") == "application/pkcs7-mime"
    assert body.findtext(".//nomFichierDemande") == NOM + ".p7m"
    clear = pkcs7.pkcs7_decrypt_der(base64.b64decode(file.text or ""), certificate, key, [])
    assert clear == REPONSE


async def test_encrypted_answer_within_mtom_stays_readable_text(
    hub: Hub, destinataire: tuple[bytes, x509.Certificate, rsa.RSAPrivateKey]
) -> None:
    pem, certificate, key = destinataire
    packed = mtom_num_unique().replace(
        b"<certificat/>", b"<certificat>" + base64.b64encode(pem) + b"</certificat>"
    )
    answer = await hub.post(packed, MTOM)
    answer.corps.decode("utf-8")
    message = open_message(answer.entetes["Content-Type"], "", answer.corps)
    assert isinstance(message, MessageRecu)
    file = etree.fromstring(message.racine).find(".//fichierDemande")
    assert file is not None
    encrypted = take_file(file, message.parties)
    assert isinstance(encrypted, bytes)
    assert pkcs7.pkcs7_decrypt_der(encrypted, certificate, key, []) == REPONSE


async def test_unusable_certificate_is_refused_before_anything_is_done(
    hub: Hub, clock: FixedClock, destinataire: tuple[bytes, x509.Certificate, rsa.RSAPrivateKey]
) -> None:
    """[SOA-20]"""
    clock.set(datetime(2028, 1, 1, tzinfo=UTC))
    answer = await hub.post(with_certificate(destinataire[0]), CLAIR)
    assert "SOA040" in answer.texte
    assert hub.traitement.suite == ["receive", "refuse"]


async def test_doublons_with_anomalies_are_carried_by_the_demande(hub: Hub) -> None:
    hub.traitement.doublons = ReponseDoublons(demande=Fichier(NOM, REPONSE))
    body = envelope(
        "<ws:rechercheDoublonsParametres><nomFichierDemande/><fichierDemande/></ws:rechercheDoublonsParametres>"
    )
    answer = await hub.post(body, "application/soap+xml")
    names = [child.tag for child in etree.fromstring(answer.corps)[0][0]]
    assert names == ["nomFichierDemande", "fichierDemande"]


async def test_the_fingerprint_is_that_of_the_certificate_presented(hub: Hub) -> None:
    """[SOA-2] design, decision 7: SHA-256 of the DER, as `openssl x509 -fingerprint -sha256` shows it."""
    await hub.post(mtom_num_unique(), MTOM)
    pem = Path(hub.pki.dossier / "G1104" / "cert.pem").read_text()
    der = base64.b64decode("".join(io.StringIO(pem).read().split("-----")[2].split()))
    assert {e.emetteur.empreinte for e in hub.traitement.echanges} == {hashlib.sha256(der).hexdigest()}
