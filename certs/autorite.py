"""A certificate authority of our own, for demonstration, tests and small sites.

It issues the certificate of the server and those of the guichets. Keys are on P-256: generating an RSA key
costs 100 times more and partners' stacks all read it. A production site pins the certificates of the
partners' own authorities instead (`echangeur certificat enregistrer`).

The instant is always passed in; lifetimes and serials are parameters, so that tests can issue an expired or
a not yet valid certificate without waiting.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DUREE_AUTORITE: Final = timedelta(days=3650)
DUREE_SERVEUR: Final = timedelta(days=397)
"""Longest lifetime that browsers accept for a server certificate (CA/Browser Forum BR 6.3.2)."""
DUREE_GUICHET: Final = timedelta(days=730)
MARGE: Final = timedelta(minutes=5)
"""Certificates are valid from five minutes before: a partner's clock may be a little late."""

FICHIER_AUTORITE: Final = "ca.pem"
FICHIER_CLE_AUTORITE: Final = "ca.key.pem"

Serie = Callable[[], int]
"""Gives the serial of the next certificate; positive, at most 159 bits (RFC 5280 §4.1.2.2)."""


@dataclass(frozen=True, slots=True)
class Identite:
    """A certificate with its private key, as PEM files hold them.

    certificat: the leaf alone. chaine: the leaf followed by its authority. cle: PKCS#8, not encrypted.
    """

    certificat: bytes
    chaine: bytes
    cle: bytes
    autorite: bytes

    def write(self, dossier: Path) -> None:
        """Write cert.pem (full chain), key.pem (readable by its owner only) and ca.pem in `dossier`."""
        dossier.mkdir(parents=True, exist_ok=True)
        (dossier / "cert.pem").write_bytes(self.chaine)
        write_secret(dossier / "key.pem", self.cle)
        (dossier / "ca.pem").write_bytes(self.autorite)


@dataclass(frozen=True, slots=True)
class Autorite:
    """An authority able to issue. Build with `create_autorite` or `load_autorite`."""

    certificat: x509.Certificate
    cle: ec.EllipticCurvePrivateKey
    serie: Serie = x509.random_serial_number

    @property
    def pem(self) -> bytes:
        """The certificate of the authority: what others must trust."""
        return self.certificat.public_bytes(Encoding.PEM)

    def write(self, dossier: Path) -> None:
        """Write ca.pem and ca.key.pem (readable by its owner only)."""
        dossier.mkdir(parents=True, exist_ok=True)
        (dossier / FICHIER_AUTORITE).write_bytes(self.pem)
        write_secret(dossier / FICHIER_CLE_AUTORITE, _pem_of_key(self.cle))

    def issue_serveur(
        self,
        hotes: Sequence[str] = ("localhost", "127.0.0.1"),
        *,
        now: datetime,
        duree: timedelta = DUREE_SERVEUR,
    ) -> Identite:
        """A server certificate for these names and addresses. Raises ValueError when there is none."""
        if not hotes:
            raise ValueError("un certificat de serveur porte au moins un nom ou une adresse")
        names = [_general_name(hote) for hote in hotes]
        return self._issue(
            [x509.NameAttribute(NameOID.COMMON_NAME, hotes[0])],
            (ExtendedKeyUsageOID.SERVER_AUTH,),
            now=now,
            duree=duree,
            names=names,
        )

    def issue_guichet(
        self,
        code: str,
        *,
        now: datetime,
        nom: str = "",
        siren: str = "",
        duree: timedelta = DUREE_GUICHET,
        usages: Sequence[x509.ObjectIdentifier] = (
            ExtendedKeyUsageOID.CLIENT_AUTH,
            ExtendedKeyUsageOID.SERVER_AUTH,
        ),
    ) -> Identite:
        """The certificate of a guichet: client towards the hub, and server for its reception endpoint.

        The names are for humans; only the fingerprint, once registered, gives it rights. It carries
        localhost and 127.0.0.1 because this authority serves demonstrations on loopback.
        """
        subject = [x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")]
        if nom:
            # X.520 caps an organization name at 64 characters.
            subject.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, nom[:64]))
        if siren:
            subject.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"0002 {siren}"))
        subject.append(x509.NameAttribute(NameOID.COMMON_NAME, code))
        return self._issue(
            subject,
            usages,
            now=now,
            duree=duree,
            names=[_general_name("localhost"), _general_name("127.0.0.1")],
        )

    def _issue(
        self,
        subject: list[x509.NameAttribute[str]],
        usages: Sequence[x509.ObjectIdentifier],
        *,
        now: datetime,
        duree: timedelta,
        names: list[x509.GeneralName],
    ) -> Identite:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(subject))
            .issuer_name(self.certificat.subject)
            .public_key(key.public_key())
            .serial_number(self.serie())
            .not_valid_before(now - MARGE)
            .not_valid_after(now + duree)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.cle.public_key()), critical=False
            )
            .sign(self.cle, hashes.SHA256())
        )
        leaf = certificate.public_bytes(Encoding.PEM)
        return Identite(leaf, leaf + self.pem, _pem_of_key(key), self.pem)


def create_autorite(
    nom: str = "Autorité de démonstration de l'échangeur",
    *,
    now: datetime,
    duree: timedelta = DUREE_AUTORITE,
    serie: Serie = x509.random_serial_number,
) -> Autorite:
    """A new self-signed authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, nom)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serie())
        .not_valid_before(now - MARGE)
        .not_valid_after(now + duree)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Autorite(certificate, key, serie)


def load_autorite(dossier: Path, *, serie: Serie = x509.random_serial_number) -> Autorite:
    """The authority kept in `dossier` by `Autorite.write`.

    Raises FileNotFoundError when it is not there, ValueError when the files are not an authority on P-256.
    """
    certificate = x509.load_pem_x509_certificate((dossier / FICHIER_AUTORITE).read_bytes())
    key = load_pem_private_key((dossier / FICHIER_CLE_AUTORITE).read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("la clé de l'autorité n'est pas sur courbe elliptique")  # noqa: TRY004 - a bad file
    return Autorite(certificate, key, serie)


def write_secret(path: Path, data: bytes) -> None:
    """Write a private file: created with mode 0600, so that it is never readable by others, even briefly."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _general_name(hote: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(hote))
    except ValueError:
        return x509.DNSName(hote)


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
