"""A gestionnaire connects a partner from nothing to its first accepted exchange, in a real Chromium.

The partner is a real one too: it makes its key and its request, receives distributions on its own server, and
calls the SOAP services of a real hub with zeep, which knows nothing but the address of the WSDL, over mutual
TLS.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import requests
import zeep
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import Engine

from certs.autorite import load_autorite
from certs.tls import server_context
from conformance.partenaire_reference import PartenaireReference
from console.moyens import Moyens
from console.profils import ProfilCompte
from dispatching.decision import Distributeur
from echangeur.refus import RefusDuBord
from registry.certificats import Identites
from registry.clock import FixedClock
from registry.handlers import Traitement
from registry.projection import Projection
from schemas.generation import generate_demande
from soap.server import create_app, create_runner
from tests.console.chromium import Pilote
from tests.console.gestes import FACTEURS, Gestes
from tests.console.monde import Monde
from tests.console.moyens import build_moyens

GESTIONNAIRE = (ProfilCompte.GESTIONNAIRE, "059")
CODE = "G0599"


@pytest.fixture
def prise() -> socket.socket:
    """Where the hub listens: its address is written on the sheet before it starts."""
    return socket.create_server(("127.0.0.1", 0))


@pytest.fixture
def moyens(tmp_path: Path, prise: socket.socket) -> Moyens:
    port = prise.getsockname()[1]
    return build_moyens(tmp_path / "instance", services=f"https://localhost:{port}", courrier="")


@pytest_asyncio.fixture
async def hub(
    engine: Engine, clock: FixedClock, monde: Monde, moyens: Moyens, prise: socket.socket
) -> AsyncIterator[str]:
    """The SOAP services on the same database; the base address."""
    clock.set(datetime.now(UTC))  # OpenSSL judges validity by the clock of the machine
    traitement = Traitement(engine, clock, Projection(Distributeur(clock)))
    refus = RefusDuBord(engine, clock)
    await traitement.start()
    refus.start()
    runner = create_runner(create_app(traitement, Identites(engine, clock), clock, refuser=refus.keep))
    await runner.setup()
    files = moyens.serveur
    context = server_context(files.certificat, files.cle, files.autorites, dates_verifiees_au_dessus=True)
    await web.SockSite(runner, prise, ssl_context=context).start()
    yield moyens.services
    await runner.cleanup()
    await refus.stop()
    await traitement.stop()


@dataclass
class Partenaire:
    """The other side: its key never leaves its folder."""

    dossier: Path

    def request(self) -> Path:
        """Make a key and a request for a certificate, as openssl would."""
        self.dossier.mkdir()
        key = ec.generate_private_key(ec.SECP256R1())
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.dossier / "key.pem").write_bytes(secret)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Lille Habitat")])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
        path = self.dossier / "demande.csr"
        path.write_bytes(request.public_bytes(Encoding.PEM))
        return path

    def register(self, wsdl: str, seed: str, guichet: str) -> Any:
        """Register one demande with zeep, which reads the contract at the address of the sheet."""
        session = requests.Session()
        session.trust_env = False  # REQUESTS_CA_BUNDLE would win over `verify`
        session.cert = (str(self.dossier / "cert.pem"), str(self.dossier / "key.pem"))
        session.verify = str(self.dossier / "autorite.pem")
        client = zeep.Client(wsdl, transport=zeep.Transport(session=session))
        le = datetime.now(UTC).date()
        document = generate_demande(seed, guichet=guichet, territoire="059", le=le)
        with session:
            return client.service.getNumUnique(
                nomFichierDemande="DEM.xml", fichierDemande=document, nomCertificat="", certificat=b""
            )


async def test_a_partner_is_connected_from_nothing_to_its_first_accepted_exchange(
    console_navigateur: Pilote, hub: str, moyens: Moyens, tmp_path: Path, record_property: Any
) -> None:
    """[RAC-1] [RAC-8] Under 15 minutes of gestures; what is seen live is what the partner does."""
    partenaire = Partenaire(tmp_path / "partenaire")
    demande = partenaire.request()
    reception = tmp_path / "reception"
    autorite = load_autorite(tmp_path / "instance" / "autorite")
    autorite.issue_serveur(now=datetime.now(UTC)).write(reception)
    receveur = PartenaireReference(
        server_context(reception / "cert.pem", reception / "key.pem", reception / "ca.pem")
    )
    await receveur.start()
    tab = await console_navigateur.open("/", GESTIONNAIRE)
    tab.set_default_timeout(30_000)
    gestes = Gestes(tab)

    # The guichet.
    await gestes.follow("Guichets")
    await gestes.follow("Raccorder un partenaire")
    await gestes.type("Code du guichet", CODE)
    await gestes.type("Nom", "Métropole Habitat")
    await gestes.choose("Type", "EPCI")
    await gestes.type("Commune ou EPCI", "métropole européenne")
    await tab.get_by_label("Métropole Européenne de Lille").wait_for()
    await console_navigateur.capture(tab, "raccordement-1-guichet")
    await gestes.push("Ajouter le guichet")

    # Its channel.
    await tab.get_by_text("Envoi au service du guichet").wait_for()
    await gestes.tick("Envoi au service du guichet (push)")
    await gestes.type("Adresse de réception", receveur.adresse)
    await console_navigateur.capture(tab, "raccordement-2-canal")
    await gestes.push("Enregistrer et continuer")

    # Its certificate: a request signed here.
    await gestes.attach("Fichier du partenaire", demande)
    await console_navigateur.capture(tab, "raccordement-3-certificat")
    await gestes.push("Enregistrer et continuer")
    async with tab.expect_download() as waited:
        await gestes.follow("Prendre le fichier")
    await (await waited.value).save_as(partenaire.dossier / "cert.pem")
    await gestes.follow("Continuer : L'essai de connexion")

    # The trial of its endpoint: nothing is distributed.
    await gestes.push("Essayer cette adresse")
    await tab.get_by_text("le service répond").wait_for()
    await console_navigateur.capture(tab, "raccordement-4-essai")
    assert await console_navigateur.violations(tab) == []
    assert receveur.deliveries == {}

    # What to give to the partner; it reads there the address of the WSDL and takes our authority.
    await gestes.follow("Fiche à transmettre au partenaire")
    wsdl = await tab.get_by_text(re.compile(r"^https://.*/DemandeLogementImplService\?wsdl$")).text_content()
    async with tab.expect_download() as waited:
        await gestes.follow("echangeur-autorite.pem")
    await (await waited.value).save_as(partenaire.dossier / "autorite.pem")
    await console_navigateur.capture(tab, "raccordement-5-fiche")
    await tab.go_back()
    await gestes.follow("Continuer : Le premier échange accepté")
    assert wsdl == f"{hub}/services/DemandeLogementImplService?wsdl"

    # A first call, refused: seen without anything being clicked.
    await tab.get_by_text("En attente ; cette page se met à jour seule").wait_for()
    await asyncio.to_thread(partenaire.register, wsdl, "refusée", "G0591")
    await tab.get_by_text("refusé (GUI101)").wait_for()
    await console_navigateur.capture(tab, "raccordement-6-refus")
    # Then an accepted one.
    await asyncio.to_thread(partenaire.register, wsdl, "acceptée", CODE)
    await tab.get_by_text("Le premier échange accepté : fait").wait_for()
    await console_navigateur.capture(tab, "raccordement-7-accepte")
    await gestes.follow("Continuer")
    await tab.get_by_text("Le guichet est raccordé").wait_for()
    await console_navigateur.capture(tab, "raccordement-8-pret")
    await receveur.stop()

    assert console_navigateur.plaintes == []
    told = (
        f"{gestes.clics} clics, {gestes.choix} pointages de liste, {gestes.touches} touches, "
        f"{gestes.pages} pages : {gestes.secondes:.0f} s ({FACTEURS})"
    )
    print(told)
    record_property("gestes", told)
    assert gestes.secondes < 15 * 60
