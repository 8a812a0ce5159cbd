"""Who signs and decrypts in the exchanges with foreign agents: a key of each kind, in the forms they want."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import PBES, serialize_key_and_certificates
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.autorite import Autorite
from certs.paire import Paire, load_paire

CLES: Final = ("rsa2048", "rsa3072", "p256")
MOT_DE_PASSE: Final = "transport"

ClePrivee = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Titulaire:
    """A holder: cert.pem, cle.pem, ca.pem, moderne.p12 (PBES2) and ancien.p12 (3DES) in `dossier`."""

    nom: str
    nature: str
    dossier: Path

    @property
    def adresse(self) -> str:
        """What NSS and gpgsm look a recipient up by; in the certificate."""
        return f"{self.nom}@partenaires.example"

    @property
    def certificat(self) -> Path:
        return self.dossier / "cert.pem"

    @property
    def cle(self) -> Path:
        return self.dossier / "cle.pem"

    @property
    def autorite(self) -> Path:
        return self.dossier / "ca.pem"

    @cached_property
    def paire(self) -> Paire:
        """As the hub holds it."""
        return load_paire(self.certificat.read_bytes(), self.cle.read_bytes())


def create_key(nature: str) -> ClePrivee:
    """A new key of one of CLES."""
    if nature == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, int(nature.removeprefix("rsa")))


def create_titulaire(nom: str, nature: str, autorite: Autorite, dossier: Path) -> Titulaire:
    """A holder with one certificate to sign and to be encrypted for."""
    holder = Titulaire(nom, nature, dossier)
    dossier.mkdir()
    key = create_key(nature)
    now = datetime.now(UTC)
    elliptic = isinstance(key, ec.EllipticCurvePrivateKey)
    subject = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Office public de l’habitat"),
        x509.NameAttribute(NameOID.COMMON_NAME, nom),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(autorite.certificat.subject)
        .public_key(key.public_key())
        .serial_number(autorite.serie())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=not elliptic,
                data_encipherment=False,
                key_agreement=elliptic,
                key_cert_sign=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(holder.adresse)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(autorite.cle.public_key()), critical=False
        )
        .sign(autorite.cle, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    holder.certificat.write_bytes(certificate.public_bytes(Encoding.PEM))
    holder.cle.write_bytes(pem)
    holder.autorite.write_bytes(autorite.pem)
    word = MOT_DE_PASSE.encode()
    old = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(2048)
        .key_cert_algorithm(PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1())
        .build(word)
    )
    for name, encryption in (("moderne", BestAvailableEncryption(word)), ("ancien", old)):
        (dossier / f"{name}.p12").write_bytes(
            serialize_key_and_certificates(nom.encode(), key, certificate, [autorite.certificat], encryption)
        )
    return holder
