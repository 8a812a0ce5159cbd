"""A hub in its own process, with the certificate of one bailleur, and what it kept of the messages."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from tests.bout_en_bout.monde import administer
from tests.bout_en_bout.processus import Serveur

GUICHET = "G1104"
AUTRE = "G1226"
SERVICE = "/services/DemandeLogementImplService"


@dataclass(frozen=True, slots=True)
class Hub:
    """adresse: ``https://127.0.0.1:PORT``; certificats: cert.pem, key.pem and ca.pem of GUICHET, and
    clef.pem, certificate and key in one file as some clients want them."""

    adresse: str
    instance: Path
    certificats: Path

    @property
    def service(self) -> str:
        return self.adresse + SERVICE

    @property
    def wsdl(self) -> str:
        return self.service + "?wsdl"

    def download_contract(self, folder: Path) -> Path:
        """The WSDL and what it includes, as published: without a certificate. Path of the WSDL."""
        context = ssl.create_default_context(cafile=str(self.certificats / "ca.pem"))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        for name, address in (
            ("service.wsdl", self.wsdl),
            ("xmlmime.xsd", f"{self.adresse}/services/xmlmime.xsd"),
        ):
            with opener.open(address, timeout=60) as answer:
                (folder / name).write_bytes(answer.read())
        return folder / "service.wsdl"

    def received(self, numero: str, folder: Path) -> tuple[str, bytes]:
        """The operation and the bytes of the message that registered `numero`, as the hub received them."""
        listed = StringIO()
        with redirect_stdout(listed):
            administer("--instance", self.instance, "echange", "lister", "--json")
        # The first message of a number is the one that registered it; the list starts with the last one.
        found = [item for item in json.loads(listed.getvalue()) if item["numero"] == numero][-1]
        file = folder / "octets"
        administer("--instance", self.instance, "echange", "montrer", found["id"], "--octets", file)
        return found["operation"], file.read_bytes()


@contextmanager
def serve(folder: Path) -> Iterator[Hub]:
    """A hub that serves, with two bailleurs of Île-de-France."""
    instance, certificats = folder / "instance", folder / GUICHET
    administer("init", instance)
    serveur = Serveur(instance)
    try:
        serveur.start()
        for code in (GUICHET, AUTRE):
            words = ("--nom", f"Guichet {code}", "--type", "bailleur", "--territoire", "111")
            administer("--instance", instance, "guichet", "ajouter", code, *words)
        administer("--instance", instance, "certificat", "emettre", GUICHET, "--dossier", certificats)
        pem = (certificats / "cert.pem").read_bytes() + (certificats / "key.pem").read_bytes()
        (certificats / "clef.pem").write_bytes(pem)
        yield Hub(serveur.adresse, instance, certificats)
    finally:
        serveur.close()
