"""Certificates that the kit makes: good ones of an authority lent for the trial, and those to be refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.autorite import Autorite, Identite, create_autorite, general_name, pem_of_key
from certs.paire import ClePrivee, Paire


class Genre(StrEnum):
    """What is wrong with a certificate."""

    BON = "renouvelé"
    """Nothing: another one of the same authority."""
    ETRANGER = "étranger"
    """Of an authority that nobody knows."""
    EXPIRE = "expiré"
    FUTUR = "pas encore valide"
    AUTRE_NOM = "autre nom"
    AUTRE_USAGE = "autre usage"
    AUTO_SIGNE = "auto-signé"
    CLE_FAIBLE = "clé faible"
    CHEMIN_LONG = "chemin trop long"
    """Under two authorities, the first of which may not certify another."""


_JOUR: Final = timedelta(days=1)
_LOCAUX: Final = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Trait:
    """The names of a certificate, and what it serves for."""

    code: str
    usage: x509.ObjectIdentifier
    hotes: tuple[str, ...] = _LOCAUX


def server_trait(hote: str) -> Trait:
    """Of the server of that name."""
    return Trait(hote, ExtendedKeyUsageOID.SERVER_AUTH, tuple({hote, *_LOCAUX}))


def client_trait(code: str) -> Trait:
    """Of a caller."""
    return Trait(code, ExtendedKeyUsageOID.CLIENT_AUTH)


def forge(genre: Genre, trait: Trait, autorite: Autorite, *, now: datetime) -> Identite:
    """A certificate of `autorite` (another one where the genre wants it) that is right but for its genre."""
    du, au = now - _JOUR, now + 30 * _JOUR
    usage, names = trait.usage, trait.hotes
    key: ClePrivee = ec.generate_private_key(ec.SECP256R1())
    signers = [autorite]
    match genre:
        case Genre.ETRANGER:
            signers = [create_autorite("Autorité inconnue", now=now)]
        case Genre.EXPIRE:
            du, au = now - 30 * _JOUR, now - _JOUR
        case Genre.FUTUR:
            du, au = now + _JOUR, now + 30 * _JOUR
        case Genre.AUTRE_NOM:
            names = ("autre.example",)
        case Genre.AUTRE_USAGE:
            usage = ExtendedKeyUsageOID.CODE_SIGNING
        case Genre.CLE_FAIBLE:
            # Weak on purpose: it is to be refused.
            key = rsa.generate_private_key(65537, 1024)  # noqa: S505
        case Genre.CHEMIN_LONG:
            above = create_autorite("Intermédiaire", now=now, emetteur=autorite)
            signers = [create_autorite("Sous-autorité", now=now, emetteur=above), above, autorite]
        case Genre.AUTO_SIGNE:
            signers = []
    issuer = (signers[0].certificat.subject, signers[0].cle) if signers else (_name(trait.code), key)
    leaf = _sign(_name(trait.code), usage, names, key, issuer, du, au)
    chain = b"".join(each.public_bytes(Encoding.PEM) for each in (leaf, *(one.certificat for one in signers)))
    return Identite(leaf.public_bytes(Encoding.PEM), chain, pem_of_key(key), autorite.pem)


def self_signed(paire: Paire, *, now: datetime) -> Identite:
    """Another certificate of that very key, under the same name, that vouches for itself."""
    known = x509.load_der_x509_certificate(paire.certificat.der)
    leaf = _renew(known, paire.cle, paire.cle, now)
    pem = leaf.public_bytes(Encoding.PEM)
    return Identite(pem, pem, pem_of_key(paire.cle), pem)


def issued_by_leaf(paire: Paire, *, now: datetime) -> Identite:
    """A certificate that the holder of a certificate gave to another key, as if it were an authority."""
    known = x509.load_der_x509_certificate(paire.certificat.der)
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = _renew(known, key, paire.cle, now)
    pem = leaf.public_bytes(Encoding.PEM)
    return Identite(pem, pem + known.public_bytes(Encoding.PEM), pem_of_key(key), pem)


def _name(code: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, code)])


def _renew(known: x509.Certificate, key: ClePrivee, signer: ClePrivee, now: datetime) -> x509.Certificate:
    issuer = (known.subject, signer)
    usage = ExtendedKeyUsageOID.CLIENT_AUTH
    return _sign(known.subject, usage, _LOCAUX, key, issuer, now - _JOUR, now + 30 * _JOUR)


def _sign(
    subject: x509.Name,
    usage: x509.ObjectIdentifier,
    names: Sequence[str],
    key: ClePrivee,
    issuer: tuple[x509.Name, ClePrivee],
    du: datetime,
    au: datetime,
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(du)
        .not_valid_after(au)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName([general_name(each) for each in names]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer[1].public_key()), critical=False
        )
        .sign(issuer[1], hashes.SHA256())
    )
