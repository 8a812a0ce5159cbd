"""The question put to an OCSP responder about one certificate (RFC 6960 §4.1). Its answer is judged with the
path (`certs.chemin`)."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from certs.lecture import Certificat


def ask_about(certificat: Certificat, emetteur: Certificat) -> bytes:
    """The request in DER, without a nonce: responders that publish their answers in advance ignore it.

    SHA-1 only names the issuer here, and is the one that every responder knows (RFC 5019 §2.1.1).
    """
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        x509.load_der_x509_certificate(certificat.der),
        x509.load_der_x509_certificate(emetteur.der),
        hashes.SHA1(),  # noqa: S303
    )
    return builder.build().public_bytes(Encoding.DER)
