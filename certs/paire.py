"""A private key with its certificate: what signs and what decrypts."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import load_der_x509_certificate

from certs.lecture import Certificat, CertificatIllisible, read_chaine

ClePrivee = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Paire:
    """A certificate and its private key; chaine: the authorities it is sent with, without the root."""

    certificat: Certificat
    cle: ClePrivee
    chaine: tuple[Certificat, ...] = ()

    def __repr__(self) -> str:
        return f"Paire({self.certificat.empreinte})"


def load_paire(chaine: bytes, cle: bytes, mot_de_passe: bytes | None = None) -> Paire:
    """From PEM: the certificate first, then its authorities; and the key (PKCS#8 or traditional).

    Loading an RSA key of 3072 bits costs 130 ms: load once, keep it. Raises ValueError (French) when the
    files are not a certificate and its own key.
    """
    lu = read_chaine(chaine)
    if isinstance(lu, CertificatIllisible):
        raise ValueError(lu.message)  # noqa: TRY004 - a bad file, not a bad type
    try:
        key = load_pem_private_key(cle, password=mot_de_passe)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("La clé privée n'est pas lisible (PEM attendu, mot de passe éventuel).") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("La clé privée n'est ni RSA ni sur courbe elliptique.")  # noqa: TRY004
    certificat, *autorites = lu
    publique = load_der_x509_certificate(certificat.der).public_key()
    if _spki(publique) != _spki(key.public_key()):
        raise ValueError("La clé privée n'est pas celle du certificat.")
    # A root tells a reader nothing that it may believe.
    utiles = tuple(each for each in autorites if each.sujet != each.emetteur)
    return Paire(certificat, key, utiles)


def _spki(key: object) -> bytes:
    assert hasattr(key, "public_bytes")
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert isinstance(der, bytes)
    return der
