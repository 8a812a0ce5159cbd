"""Verdicts on certificates at an explicit instant, and the encryption that depends on them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.autorite import MARGE, create_autorite
from certs.chiffrement import RaisonRefus, encrypt_for
from certs.lecture import Certificat, Cle, read_certificat
from certs.verification import Motif, Usage, verify

INSTANT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
AUTORITE = create_autorite(now=INSTANT)


def certificat(**options: object) -> Certificat:
    identite = AUTORITE.issue_guichet("G1104", now=INSTANT, duree=timedelta(days=1), **options)  # type: ignore[arg-type]
    lu = read_certificat(identite.certificat)
    assert isinstance(lu, Certificat)
    return lu


@pytest.mark.parametrize(
    ("at", "motif"),
    [
        (INSTANT, Motif.VALIDE),
        (INSTANT - MARGE, Motif.VALIDE),
        (INSTANT - MARGE - timedelta(seconds=1), Motif.PAS_ENCORE_VALIDE),
        (INSTANT + timedelta(days=1), Motif.VALIDE),
        (INSTANT + timedelta(days=1, seconds=1), Motif.EXPIRE),
    ],
)
def test_dates_comprises(at: datetime, motif: Motif) -> None:
    """RFC 5280 §4.1.2.5: both bounds are included."""
    assert verify(certificat(), Usage.CLIENT, at=at).motif is motif


@pytest.mark.parametrize(
    ("cle", "accepte"),
    [
        (Cle("RSA", 1024), False),
        (Cle("RSA", 2048), True),
        (Cle("EC", 224, "secp224r1"), False),
        (Cle("EC", 256, "secp256r1"), True),
        (Cle("ED25519", 256), True),
        (Cle("DSA", 3072), False),
        (Cle("AUTRE", 0), False),
    ],
)
def test_force_de_la_cle(cle: Cle, accepte: bool) -> None:
    verdict = verify(dataclasses.replace(certificat(), cle=cle), Usage.CLIENT, at=INSTANT)
    assert verdict.accepte is accepte
    assert accepte or verdict.motif is Motif.CLE_FAIBLE


def test_usage_etendu() -> None:
    serveur = certificat(usages=[ExtendedKeyUsageOID.SERVER_AUTH])
    assert verify(serveur, Usage.CLIENT, at=INSTANT).motif is Motif.USAGE
    assert verify(serveur, Usage.SERVEUR, at=INSTANT).accepte
    libre = dataclasses.replace(serveur, usages=None)
    assert verify(libre, Usage.CLIENT, at=INSTANT).accepte


def test_certificat_d_autorite_n_est_pas_celui_d_un_partenaire() -> None:
    lu = read_certificat(AUTORITE.pem)
    assert isinstance(lu, Certificat)
    assert verify(lu, Usage.CLIENT, at=INSTANT).motif is Motif.AUTORITE


@pytest.fixture(scope="module")
def cle_rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def certificat_rsa(cle: rsa.RSAPrivateKey, *, chiffre: bool = True) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "G1226")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=chiffre,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(cle.public_key())
        .serial_number(7)
        .not_valid_before(INSTANT)
        .not_valid_after(INSTANT + timedelta(days=1))
        .add_extension(usage, critical=True)
        .sign(cle, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


def test_fichier_chiffre_se_dechiffre_octet_pour_octet(cle_rsa: rsa.RSAPrivateKey) -> None:
    pem = certificat_rsa(cle_rsa)
    data = "<a>é\r\n\n</a>".encode()
    chiffre = encrypt_for(pem, data, at=INSTANT)
    assert isinstance(chiffre, bytes)
    assert data not in chiffre
    clair = pkcs7.pkcs7_decrypt_der(chiffre, x509.load_pem_x509_certificate(pem), cle_rsa, [])
    assert clair == data


def test_refus_de_chiffrer_disent_pourquoi(cle_rsa: rsa.RSAPrivateKey) -> None:
    cases = {
        "CERT-FORME": encrypt_for(b"bonjour", b"x", at=INSTANT),
        "CERT-EXPIRE": encrypt_for(certificat_rsa(cle_rsa), b"x", at=INSTANT + timedelta(days=2)),
        "CERT-USAGE": encrypt_for(certificat_rsa(cle_rsa, chiffre=False), b"x", at=INSTANT),
    }
    for code, refus in cases.items():
        assert isinstance(refus, RaisonRefus)
        assert refus.code == code
        assert refus.texte
