"""A certificate authority of our own, for demonstration, tests and small sites.

It issues the certificate of the server and those of the guichets. Keys are on P-256 unless told otherwise:
generating an RSA key costs 100 times more and partners' stacks all read it. A production site pins the
certificates of the partners' own authorities instead (`echangeur certificat enregistrer`).

The instant is always passed in; lifetimes and serials are parameters, so that tests can issue an expired or
a not yet valid certificate without waiting.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.paire import ClePrivee
from certs.verification import MIN_EC, MIN_RSA

P256: Final = "p256"
CLES: Final[dict[str, int | ec.EllipticCurve]] = {
    P256: ec.SECP256R1(),
    "p384": ec.SECP384R1(),
    "rsa2048": 2048,
    "rsa3072": 3072,
    "rsa4096": 4096,
}
"""Kinds of keys that the authority makes, by name."""

DUREE_AUTORITE: Final = timedelta(days=3650)
DUREE_SERVEUR: Final = timedelta(days=397)
"""Longest lifetime that browsers accept for a server certificate (CA/Browser Forum BR 6.3.2)."""
DUREE_GUICHET: Final = timedelta(days=730)
MARGE: Final = timedelta(minutes=5)
"""Certificates are valid from five minutes before: a partner's clock may be a little late."""

DUREE_LCR: Final = timedelta(days=7)

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
        """Write cert.pem (full chain), key.pem (readable by its owner only), then ca.pem, in `dossier`."""
        dossier.mkdir(parents=True, exist_ok=True)
        (dossier / "cert.pem").write_bytes(self.chaine)
        write_secret(dossier / "key.pem", self.cle)
        (dossier / "ca.pem").write_bytes(self.autorite)


@dataclass(frozen=True, slots=True)
class Autorite:
    """An authority able to issue. Build with `create_autorite` or `load_autorite`."""

    certificat: x509.Certificate
    cle: ClePrivee
    serie: Serie = x509.random_serial_number
    chaine: tuple[x509.Certificate, ...] = ()
    """The authorities above it, root excluded: given with what it issues."""

    @property
    def pem(self) -> bytes:
        """The certificate of the authority: what others must trust."""
        return self.certificat.public_bytes(Encoding.PEM)

    def key_pem(self) -> bytes:
        """Its private key, PKCS#8, not encrypted."""
        return pem_of_key(self.cle)

    def write(self, dossier: Path) -> None:
        """Write ca.pem and ca.key.pem (readable by its owner only)."""
        dossier.mkdir(parents=True, exist_ok=True)
        (dossier / FICHIER_AUTORITE).write_bytes(self.pem)
        write_secret(dossier / FICHIER_CLE_AUTORITE, self.key_pem())

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
        names = [general_name(hote) for hote in hotes]
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
        cle: str = P256,
    ) -> Identite:
        """The certificate of a guichet: client towards the hub, and server for its reception endpoint.

        The names are for humans; only the fingerprint, once registered, gives it rights. It carries
        localhost and 127.0.0.1 because this authority serves demonstrations on loopback.
        """
        return self._issue(
            subject_of(code, nom, siren),
            usages,
            now=now,
            duree=duree,
            names=[general_name("localhost"), general_name("127.0.0.1")],
            cle=cle,
        )

    def issue_demande(
        self,
        demande: bytes,
        code: str,
        *,
        now: datetime,
        nom: str = "",
        siren: str = "",
        duree: timedelta = DUREE_GUICHET,
        usages: Sequence[x509.ObjectIdentifier] = (
            ExtendedKeyUsageOID.CLIENT_AUTH,
            ExtendedKeyUsageOID.EMAIL_PROTECTION,
        ),
    ) -> bytes:
        """The certificate of a guichet for the key of its request (PKCS#10, PEM or DER), as a PEM chain: the
        private key never leaves the guichet.

        Of the request only the key counts; we say the names. Raises ValueError (French) when it is not one,
        was not signed with that key, or holds a key that is too weak.
        """
        try:
            csr = (
                x509.load_pem_x509_csr(demande)
                if b"-----BEGIN" in demande
                else x509.load_der_x509_csr(demande)
            )
            key = csr.public_key()
            signed = csr.is_signature_valid
        except (ValueError, UnsupportedAlgorithm):
            raise ValueError("Le fichier n'est pas une demande de certificat (PKCS#10) lisible.") from None
        if not signed:
            raise ValueError("La demande n'est pas signée avec la clé qu'elle contient.")
        strong = (isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA) or (
            isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size >= MIN_EC
        )
        if not strong:
            raise ValueError("La clé de la demande n'est ni RSA d'au moins 2048 bits, ni P-256 ou plus.")
        assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
        signed_certificate = self._sign(
            key, subject_of(code, nom, siren), usages, du=now - MARGE, au=now + duree, names=[]
        )
        return _pem_chain(signed_certificate, self)

    def issued(self, pem: bytes) -> bool:
        """Whether this authority signed a certificate (PEM): its name, and its key."""
        certificat = x509.load_pem_x509_certificate(pem)
        try:
            certificat.verify_directly_issued_by(self.certificat)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def list_revoked(
        self, revoques: Mapping[int, datetime], *, now: datetime, numero: int, duree: timedelta = DUREE_LCR
    ) -> bytes:
        """Its revocation list (RFC 5280 §5), in DER: the serials with the instants of their revocation."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificat.subject)
            .last_update(now)
            .next_update(now + duree)
            .add_extension(x509.CRLNumber(numero), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.cle.public_key()), critical=False
            )
        )
        for serie, instant in sorted(revoques.items()):
            entry = x509.RevokedCertificateBuilder().serial_number(serie).revocation_date(instant)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.cle, hashes.SHA256()).public_bytes(Encoding.DER)

    def _issue(
        self,
        subject: list[x509.NameAttribute[str]],
        usages: Sequence[x509.ObjectIdentifier],
        *,
        now: datetime,
        duree: timedelta,
        names: list[x509.GeneralName],
        cle: str = P256,
    ) -> Identite:
        key = generate_key(cle)
        certificate = self._sign(
            key.public_key(), subject, usages, du=now - MARGE, au=now + duree, names=names
        )
        leaf = certificate.public_bytes(Encoding.PEM)
        return Identite(leaf, _pem_chain(certificate, self), pem_of_key(key), self.pem)

    def _sign(
        self,
        key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
        subject: list[x509.NameAttribute[str]],
        usages: Sequence[x509.ObjectIdentifier],
        *,
        du: datetime,
        au: datetime,
        names: list[x509.GeneralName],
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(subject))
            .issuer_name(self.certificat.subject)
            .public_key(key)
            .serial_number(self.serie())
            .not_valid_before(du)
            .not_valid_after(au)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(ca=False, rsa_key=isinstance(key, rsa.RSAPublicKey)), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.cle.public_key()), critical=False
            )
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.cle, hashes.SHA256())


def create_autorite(
    nom: str = "Autorité de démonstration de l'échangeur",
    *,
    now: datetime,
    duree: timedelta = DUREE_AUTORITE,
    serie: Serie = x509.random_serial_number,
    cle: str = P256,
    emetteur: Autorite | None = None,
    delegue: bool = False,
) -> Autorite:
    """A new authority, self-signed or issued by `emetteur`; delegue: it may certify other authorities."""
    key = generate_key(cle)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, nom)])
    signer = key if emetteur is None else emetteur.cle
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if emetteur is None else emetteur.certificat.subject)
        .public_key(key.public_key())
        .serial_number(serie())
        .not_valid_before(now - MARGE)
        .not_valid_after(now + duree)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None if delegue else 0), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if emetteur is not None:
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(emetteur.cle.public_key()), critical=False
        )
    certificate = builder.sign(signer, hashes.SHA256())
    above = () if emetteur is None or _is_root(emetteur) else (emetteur.certificat, *emetteur.chaine)
    return Autorite(certificate, key, serie, above)


def _is_root(autorite: Autorite) -> bool:
    return autorite.certificat.subject == autorite.certificat.issuer


def load_autorite(dossier: Path, *, serie: Serie = x509.random_serial_number) -> Autorite:
    """The authority kept in `dossier` by `Autorite.write`.

    Raises FileNotFoundError when it is not there, ValueError when the files are not an authority.
    """
    return read_autorite(dossier / FICHIER_AUTORITE, dossier / FICHIER_CLE_AUTORITE, serie=serie)


def read_autorite(certificat: Path, cle: Path, *, serie: Serie = x509.random_serial_number) -> Autorite:
    """The authority of two PEM files. Raises as `load_autorite`."""
    certificate = x509.load_pem_x509_certificate(certificat.read_bytes())
    key = load_pem_private_key(cle.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("la clé de l'autorité n'est ni RSA, ni elliptique")  # noqa: TRY004 - a bad file
    return Autorite(certificate, key, serie)


def write_secret(path: Path, data: bytes) -> None:
    """Write a private file: created with mode 0600, so that it is never readable by others, even briefly."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def generate_key(nom: str) -> ClePrivee:
    """A new private key of one of CLES. Raises KeyError for another name."""
    match CLES[nom]:
        case int() as bits:
            return rsa.generate_private_key(65537, bits)
        case courbe:
            return ec.generate_private_key(courbe)


def subject_of(code: str, nom: str = "", siren: str = "") -> list[x509.NameAttribute[str]]:
    """The name of a guichet as administrations write it: evidence for people, nothing more."""
    subject = [x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")]
    if nom:
        # X.520 caps an organization name at 64 characters.
        subject.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, nom[:64]))
    if siren:
        subject.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"0002 {siren}"))
    subject.append(x509.NameAttribute(NameOID.COMMON_NAME, code))
    return subject


def export_p12(identite: Identite, nom: str, mot_de_passe: bytes) -> bytes:
    """The identity as PKCS#12 (RFC 7292), chain included: read by OpenSSL 3, NSS and Java. Raises ValueError
    for an empty password."""
    if not mot_de_passe:
        raise ValueError("un fichier PKCS#12 a un mot de passe")
    leaf, *above = x509.load_pem_x509_certificates(identite.chaine)
    key = load_pem_private_key(identite.cle, password=None)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return pkcs12.serialize_key_and_certificates(
        nom.encode("utf-8"), key, leaf, above, BestAvailableEncryption(mot_de_passe)
    )


def _pem_chain(certificate: x509.Certificate, autorite: Autorite) -> bytes:
    chain = (certificate, autorite.certificat, *autorite.chaine)
    return b"".join(each.public_bytes(Encoding.PEM) for each in chain)


def pem_of_key(key: ClePrivee) -> bytes:
    """PKCS#8, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def general_name(hote: str) -> x509.GeneralName:
    """Of a host, or of an address."""
    try:
        return x509.IPAddress(ipaddress.ip_address(hote))
    except ValueError:
        return x509.DNSName(hote)


def _key_usage(*, ca: bool, rsa_key: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=rsa_key and not ca,
        data_encipherment=False,
        key_agreement=not rsa_key and not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
