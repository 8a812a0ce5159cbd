"""The attestation in the answer of getNumUnique, through the socket (docs/specification, clauses ATT)."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
import requests
import zeep
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID
from sqlalchemy import Engine

from conformance.client_reference import ClientReference
from registry.attestations import Attestations, Politique
from registry.clock import FixedClock
from registry.echanges import Emetteur
from registry.handlers import Traitement
from soap.server import create_app, create_runner
from tests.registry.fabrique import BAILLEUR, DecideurTemoin, generate, horloge
from tests.registry.vies import renewal, sent
from tests.soap.conftest import FauxIdentites, Hub, Pki, stop_hub
from tests.soap.messages import CLAIR, MTOM, inline_num_unique, mtom_num_unique

NOM = "DEMG1226-201708311530-000000.xml"


@pytest.fixture
def clock() -> FixedClock:
    return horloge()


@pytest_asyncio.fixture(params=[Politique.TOUJOURS])
async def reel(
    request: pytest.FixtureRequest, engine: Engine, clock: FixedClock, pki: Pki
) -> AsyncIterator[Hub]:
    """A hub with the real handlers, that adds the attestation as its parameter says."""
    traitement = Traitement(engine, clock, DecideurTemoin())
    attestations = Attestations(engine, politique=request.param)
    await traitement.start()
    await attestations.start()
    empreinte = pki.empreinte(BAILLEUR.code)
    identites = FauxIdentites({empreinte: Emetteur(BAILLEUR, empreinte)})
    runner = create_runner(create_app(traitement, identites, clock, attestations=attestations))
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0, ssl_context=pki.serveur()).start()
    yield Hub(runner.addresses[0][1], pki)
    await stop_hub(runner)
    await attestations.stop()
    await traitement.stop()


def ascii_of(seed: int) -> bytes:
    text = re.sub(r"^\ufeff?<\?xml[^>]*\?>\s*", "", generate(seed).decode("utf-8"))
    return text.encode("ascii", "xmlcharrefreplace")


def with_complet(message: bytes, complet: str) -> bytes:
    return message.replace(
        b"</ws:numUniqueParametres>", f"<complet>{complet}</complet></ws:numUniqueParametres>".encode()
    )


def field(texte: str, nom: str) -> str:
    found = re.search(rf"<{nom}\b[^>]*>(.*?)</{nom}>", texte, re.DOTALL)
    return "" if found is None else found[1]


async def test_reference_client_survives_the_attestation(reel: Hub) -> None:
    """[ATT-10] It decodes the whole answer as UTF-8 and finds its document: the PDF travels in base64."""
    client = ClientReference(
        reel.adresse, reel.pki.client("G1104"), nom_certificat="CERG1226-201708311530.pem"
    )
    read = await asyncio.to_thread(client.num_unique, NOM, ascii_of(1))
    assert not read.erreur
    assert re.fullmatch(r"111\d{4}\d{6}G1104", read.find("demande/demandeLogement/numUnique"))


async def test_mtom_answer_has_the_pdf_in_a_base64_part(reel: Hub) -> None:
    """[ATT-10] A part of its own, application/pdf."""
    answer = await reel.post(mtom_num_unique(ascii_of(1)), MTOM)
    (part,) = re.findall(
        r"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n[^\r]*\r\n\r\n"
        r"([A-Za-z0-9+/=\r\n]+)",
        answer.texte,
    )
    assert base64.b64decode(part).startswith(b"%PDF-1.7")
    assert re.search(r"<nomAttestation>ATTG1104-\d{12}-\d{6}\.pdf</nomAttestation>", answer.texte)


@pytest.mark.parametrize("reel", [Politique.SUR_DEMANDE], indirect=True)
async def test_complet_asks_for_it(reel: Hub) -> None:
    """[ATT-2] Nothing without `complet`; the same file again, with it, gets the attestation [ATT-9]."""
    message = inline_num_unique(ascii_of(1))
    without = await reel.post(message, CLAIR)
    assert "attestation" not in without.texte
    then = await reel.post(with_complet(message, "oui"), CLAIR)
    assert base64.b64decode(field(then.texte, "attestation")).startswith(b"%PDF-1.7")
    assert field(then.texte, "fichierDemande") == field(without.texte, "fichierDemande")
    again = await reel.post(with_complet(message, "1"), CLAIR)
    assert again.texte == then.texte


async def test_renewal_has_one_and_modification_has_none(reel: Hub, clock: FixedClock) -> None:
    """[ATT-1] [ATT-3]"""
    created = await reel.post(inline_num_unique(ascii_of(1)), CLAIR)
    document = base64.b64decode(field(created.texte, "fichierDemande"))
    clock.set(clock.now() + timedelta(days=1))
    renewed = await reel.post(inline_num_unique(renewal(document, "2026-07-02", ecrit=clock.now())), CLAIR)
    assert field(renewed.texte, "nomAttestation").startswith("ATTG1104-202607021130-")
    document = base64.b64decode(field(renewed.texte, "fichierDemande"))
    modified = await reel.post(inline_num_unique(sent(document, "MOD", ecrit=clock.now(), jeton=True)), CLAIR)
    assert modified.statut == 200
    assert b"listeAnomalie" not in base64.b64decode(field(modified.texte, "fichierDemande"))
    assert "nomAttestation" not in modified.texte


async def test_refused_demande_has_none(reel: Hub) -> None:
    """[ATT-1] The second demande of the same person is refused as a doublon."""
    await reel.post(inline_num_unique(ascii_of(1)), CLAIR)
    other = ascii_of(1) + b"\n"
    answer = await reel.post(inline_num_unique(other), CLAIR)
    assert answer.statut == 200
    assert "nomAttestation" not in answer.texte


async def test_certificate_encrypts_the_attestation_too(reel: Hub, clock: FixedClock) -> None:
    """[ATT-11]"""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "G1104")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    message = inline_num_unique(ascii_of(1)).replace(
        b"<certificat/>", b"<certificat>" + base64.b64encode(pem) + b"</certificat>"
    )
    answer = await reel.post(message, CLAIR)
    assert field(answer.texte, "nomAttestation").endswith(".pdf.p7m")
    encrypted = base64.b64decode(field(answer.texte, "attestation"))
    clear = pkcs7.pkcs7_decrypt_der(encrypted, certificate, key, [])
    assert clear.startswith(b"%PDF-1.7")


async def test_zeep_reads_it(reel: Hub) -> None:
    """[ATT-10] A client made from the published WSDL."""
    session = requests.Session()
    session.trust_env = False
    folder = reel.pki.dossier / "G1104"
    session.verify = str(folder / "ca.pem")
    session.cert = (str(folder / "cert.pem"), str(folder / "key.pem"))

    def call() -> tuple[str, bytes]:
        client = zeep.Client(
            f"{reel.adresse}/services/DemandeLogementImplService?wsdl",
            transport=zeep.Transport(session=session),
        )
        proxy = client.create_service(
            "{http://ws.metier.nuu.application.i2/}DemandeLogementImplServiceSoapBinding",
            f"{reel.adresse}/services/DemandeLogementImplService/",
        )
        answer = proxy.getNumUnique(
            nomFichierDemande=NOM,
            fichierDemande=ascii_of(1),
            nomCertificat="",
            certificat=b"",
            complet="oui",
        )
        content = answer.attestation
        return answer.nomAttestation, getattr(content, "_value_1", content)

    try:
        nom, content = await asyncio.to_thread(call)
    finally:
        session.close()
    assert nom.startswith("ATTG1104-")
    assert content.startswith(b"%PDF-1.7")
