"""The partners of the demonstration: their guichets, filters, certificates, and their endpoints."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from certs import tls
from conformance.client_reference import ClientReference
from conformance.client_wsdl import ClientWsdl
from conformance.partenaire_reference import PartenaireReference, Reception
from echangeur.demo.scenario import Partenaire
from echangeur.instance import Instance
from filters.store import VersionFiltre, save_filtre
from registry.certificats import CertificatEpingle, pin_certificat
from registry.guichets import Guichet
from registry.guichets_store import add_guichet

Told = Callable[[Partenaire, Reception], None]


@dataclass(frozen=True, slots=True)
class Preparation:
    """Certificates of the partners on disk, made by the authority of the instance."""

    instance: Instance
    dossier: Path

    def folder(self, partenaire: Partenaire) -> Path:
        """Where cert.pem, key.pem and ca.pem of this partner are."""
        return self.dossier / partenaire.code

    def issue(self, partenaire: Partenaire, now: datetime) -> bytes:
        """Issue and write the certificate of a partner; returns it, in PEM."""
        autorite = self.instance.load_autorite()
        identite = autorite.issue_guichet(
            partenaire.code, now=now, nom=partenaire.nom, siren=partenaire.siren
        )
        identite.write(self.folder(partenaire))
        return identite.certificat

    def register(self, conn: Connection, partenaire: Partenaire, adresse: str, now: datetime) -> None:
        """Register guichet, certificate and filters, as the commands do. Raises RuntimeError on a refusal."""
        certificat = self.issue(partenaire, now)
        _accepted(add_guichet(conn, partenaire.guichet(adresse), instant=now), Guichet)
        _accepted(pin_certificat(conn, partenaire.code, certificat, instant=now), CertificatEpingle)
        for filtre in partenaire.filtres:
            _accepted(save_filtre(conn, partenaire.code, filtre, instant=now), VersionFiltre)

    def client(self, partenaire: Partenaire, adresse: str) -> ClientReference:
        """The reference client of this partner."""
        folder = self.folder(partenaire)
        context = tls.client_context(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
        return ClientReference(adresse, context, nom_certificat=f"CER{partenaire.code}-202601010000.pem")

    def soap(self, partenaire: Partenaire, adresse: str) -> ClientWsdl:
        """The ordinary SOAP client of this partner."""
        folder = self.folder(partenaire)
        return ClientWsdl(adresse, folder / "cert.pem", folder / "key.pem", folder / "ca.pem")

    async def receiver(self, stack: AsyncExitStack, partenaire: Partenaire, told: Told, now: datetime) -> str:
        """Start the reception endpoint of this partner until the stack ends; returns its address.

        It has a server certificate of its own: the one that speaks for the guichet is not needed yet.
        """
        folder = self.folder(partenaire) / "reception"
        self.instance.load_autorite().issue_serveur(now=now).write(folder)
        context = tls.server_context(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
        endpoint = PartenaireReference(context, sur_reception=lambda reception: told(partenaire, reception))
        adresse = await endpoint.start("localhost")
        stack.push_async_callback(endpoint.stop)
        return adresse


def _accepted(result: object, wanted: type) -> None:
    if not isinstance(result, wanted):
        raise RuntimeError(f"préparation refusée : {result}")  # noqa: TRY004 - a refusal, not a wrong type
