"""Reading a certificate: fingerprint, names, validity, key and uses, as values.

Bytes in, values out. What arrives here was sent by a partner or put in the TLS handshake: everything is
bounded, nothing is trusted. The names are evidence to display; the fingerprint alone decides who speaks.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

MAX_OCTETS: Final = 256 * 1024
"""A chain of 16 certificates of 4 KB in PEM is 90 KB; above this the file is something else."""

MAX_CERTIFICATS: Final = 16
"""Longest chain met in administration is 4 (leaf, two intermediates, root); 16 bounds the parsing time."""

_PEM_START: Final = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class CertificatIllisible:
    """Why the bytes are not a readable certificate. `code` is stable, `message` French, for the sender."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Cle:
    """A public key: `famille` is RSA, EC, ED25519, ED448, DSA or AUTRE; `bits` its size (0 when unknown)."""

    famille: str
    bits: int
    courbe: str = ""


@dataclass(frozen=True, slots=True)
class Certificat:
    """A certificate as read.

    empreinte: SHA-256 of the DER form, 64 lower-case hexadecimal characters.
    sujet, emetteur: distinguished names (RFC 4514).
    siren: 9 digits found in OU ``0002 <SIREN>`` or organizationIdentifier ``NTRFR-<SIREN>``, or empty;
        displayed as evidence, never used to identify.
    valide_du, valide_au: aware, UTC.
    usages: dotted OIDs of the extended key usage; None when the extension is absent.
    chiffre: True when one may encrypt for it: an RSA key whose keyUsage holds keyEncipherment, an elliptic
        one with keyAgreement, or keyUsage absent (RFC 8550 §4.4.2).
    signe: True when it may sign a message (keyUsage absent, digitalSignature or contentCommitment).
    authentifie: True when TLS lets it prove its key: keyUsage absent, digitalSignature or keyAgreement
        (RFC 8446 §4.4.2.2).
    autorite: True for a certificate of authority.
    """

    empreinte: str
    sujet: str
    emetteur: str
    serie: int
    siren: str
    valide_du: datetime
    valide_au: datetime
    cle: Cle
    usages: frozenset[str] | None
    chiffre: bool
    signe: bool
    authentifie: bool
    autorite: bool
    der: bytes = field(repr=False)
    pem: bytes = field(repr=False)


def empreinte_of(der: bytes) -> str:
    """SHA-256 of a certificate in DER: the pin."""
    return hashlib.sha256(der).hexdigest()


def read_chaine(data: bytes) -> tuple[Certificat, ...] | CertificatIllisible:
    """The certificates of a PEM file (leaf first, RFC 8446 §4.4.2) or of one DER certificate."""
    if not data.strip():
        return CertificatIllisible("CERT-VIDE", "Le certificat est vide.")
    if len(data) > MAX_OCTETS:
        return CertificatIllisible(
            "CERT-TAILLE", f"Le certificat dépasse {MAX_OCTETS // 1024} Ko : ce n'est pas un certificat."
        )
    if data.count(_PEM_START) > MAX_CERTIFICATS:
        return CertificatIllisible(
            "CERT-NOMBRE", f"Le fichier contient plus de {MAX_CERTIFICATS} certificats."
        )
    try:
        if _PEM_START in data:
            found = x509.load_pem_x509_certificates(data)
        else:
            found = [x509.load_der_x509_certificate(data)]
        # RFC 5280 §4.1.2.2. The library still reads the others, with a warning.
        if all(certificate.serial_number > 0 for certificate in found):
            return tuple(_read(certificate) for certificate in found)
    except (
        ValueError,
        # Of a name: an attribute of the type that only one of them may have.
        TypeError,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    ):
        # The library's own text may quote the bytes; the sender gets a fixed sentence.
        pass
    return CertificatIllisible(
        "CERT-FORME", "Le fichier n'est pas un certificat X.509 lisible (PEM ou DER attendu)."
    )


def read_certificat(data: bytes) -> Certificat | CertificatIllisible:
    """The first certificate (the leaf) of a PEM chain or DER file."""
    chaine = read_chaine(data)
    return chaine if isinstance(chaine, CertificatIllisible) else chaine[0]


def _read(certificate: x509.Certificate) -> Certificat:
    der = certificate.public_bytes(Encoding.DER)
    extensions = certificate.extensions
    try:
        usages = frozenset(
            oid.dotted_string for oid in extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        )
    except x509.ExtensionNotFound:
        usages = None
    cle = _cle_of(certificate)
    chiffre = cle.famille in {"RSA", "EC"}
    signe = authentifie = True
    try:
        key_usage = extensions.get_extension_for_class(x509.KeyUsage).value
        chiffre = (cle.famille == "RSA" and key_usage.key_encipherment) or (
            cle.famille == "EC" and key_usage.key_agreement
        )
        signe = key_usage.digital_signature or key_usage.content_commitment
        authentifie = key_usage.digital_signature or key_usage.key_agreement
    except x509.ExtensionNotFound:
        pass
    try:
        autorite = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        autorite = False
    return Certificat(
        empreinte=empreinte_of(der),
        sujet=certificate.subject.rfc4514_string(),
        emetteur=certificate.issuer.rfc4514_string(),
        serie=certificate.serial_number,
        siren=_siren_of(certificate.subject),
        valide_du=certificate.not_valid_before_utc,
        valide_au=certificate.not_valid_after_utc,
        cle=cle,
        usages=usages,
        chiffre=chiffre,
        signe=signe,
        authentifie=authentifie,
        autorite=autorite,
        der=der,
        pem=certificate.public_bytes(Encoding.PEM),
    )


def _cle_of(certificate: x509.Certificate) -> Cle:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return Cle("AUTRE", 0)
    match key:
        case rsa.RSAPublicKey():
            return Cle("RSA", key.key_size)
        case ec.EllipticCurvePublicKey():
            return Cle("EC", key.curve.key_size, key.curve.name)
        case ed25519.Ed25519PublicKey():
            return Cle("ED25519", 256)
        case ed448.Ed448PublicKey():
            return Cle("ED448", 456)
        case dsa.DSAPublicKey():
            return Cle("DSA", key.key_size)
        case _:
            return Cle("AUTRE", 8 * len(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)))


def _siren_of(subject: x509.Name) -> str:
    """SIREN as administrations write it: RGS v2 annex A4 for OU, ETSI EN 319 412-1 §5.1.4 for NTRFR-."""
    for attribute in subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME):
        value = str(attribute.value)
        if value.startswith("0002 ") and value[5:14].isdigit() and value[5:14].isascii():
            return value[5:14]
    for attribute in subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER):
        value = str(attribute.value)
        if value.startswith("NTRFR-") and value[6:15].isdigit() and value[6:15].isascii():
            return value[6:15]
    return ""
