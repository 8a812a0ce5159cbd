"""The cases of NIST's Public Key Interoperability Test Suite (PKITS 1.0.1, sections 4.1 to 4.16).

The certificates and lists are those of the package `cryptography-vectors`. A case is an end certificate with
its expected outcome, which its name gives, and for the cases on policies, the settings of the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import cryptography_vectors
from asn1crypto import x509

from certs.chemin import Ancres, Lcr, Politiques, read_lcr
from certs.lecture import Certificat, read_certificat

RACINE: Final = "TrustAnchorRootCertificate"
DOSSIER: Final = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data"


@dataclass(frozen=True)
class Cas:
    """One case: file of the end certificate without its suffix, what must come out, and the settings."""

    fichier: str
    valide: bool
    politiques: Politiques = field(default_factory=Politiques)
    rang: int = 1

    def __str__(self) -> str:
        return f"{self.fichier.removesuffix('EE')}-{self.rang}"


def _nist(*numbers: int) -> frozenset[str]:
    return frozenset(f"2.16.840.1.101.3.2.1.48.{number}" for number in numbers)


def _de(*numbers: int, **options: bool) -> Politiques:
    return Politiques(admises=_nist(*numbers), **options)


TOUTES: Final = Politiques()
EXPLICITE: Final = Politiques(explicite=True)

REGLAGES: Final[dict[str, tuple[tuple[Politiques, bool], ...]]] = {
    # 4.8 Certificate policies
    # 4.1.1 and 4.8.1 share this one.
    "ValidCertificatePathTest1EE": (
        (TOUTES, True),
        (EXPLICITE, True),
        (_de(1, explicite=True), True),
        (_de(2, explicite=True), False),
        (_de(1, 2, explicite=True), True),
    ),
    "AllCertificatesNoPoliciesTest2EE": ((TOUTES, True), (EXPLICITE, False)),
    "DifferentPoliciesTest3EE": ((TOUTES, True), (EXPLICITE, False), (_de(1, 2, explicite=True), False)),
    "DifferentPoliciesTest4EE": ((TOUTES, False),),
    "DifferentPoliciesTest5EE": ((TOUTES, False),),
    "OverlappingPoliciesTest6EE": ((TOUTES, True), (_de(1), True), (_de(2), False)),
    "DifferentPoliciesTest7EE": ((TOUTES, False),),
    "DifferentPoliciesTest8EE": ((TOUTES, False),),
    "DifferentPoliciesTest9EE": ((TOUTES, False),),
    "AllCertificatesSamePoliciesTest10EE": ((TOUTES, True), (_de(1), True), (_de(2), True)),
    "AllCertificatesanyPolicyTest11EE": ((TOUTES, True), (_de(1), True)),
    "DifferentPoliciesTest12EE": ((TOUTES, False),),
    "AllCertificatesSamePoliciesTest13EE": ((_de(1), True), (_de(2), True), (_de(3), True)),
    "AnyPolicyTest14EE": ((_de(1), True), (_de(2), False)),
    "UserNoticeQualifierTest15EE": ((TOUTES, True),),
    "UserNoticeQualifierTest16EE": ((TOUTES, True),),
    "UserNoticeQualifierTest17EE": ((TOUTES, True),),
    "UserNoticeQualifierTest18EE": ((_de(1), True), (_de(2), True)),
    "UserNoticeQualifierTest19EE": ((TOUTES, True),),
    "CPSPointerQualifierTest20EE": ((TOUTES, True),),
    # 4.10 Policy mappings
    "ValidPolicyMappingTest1EE": (
        (_de(1), True),
        (_de(2), False),
        (_de(1, sans_equivalence=True), False),
    ),
    "InvalidPolicyMappingTest2EE": ((TOUTES, False), (Politiques(sans_equivalence=True), False)),
    "ValidPolicyMappingTest3EE": ((_de(1), False), (_de(2), True)),
    "ValidPolicyMappingTest5EE": ((_de(1), True), (_de(6), False)),
    "ValidPolicyMappingTest6EE": ((_de(1), True), (_de(6), False)),
    "ValidPolicyMappingTest12EE": ((_de(1), True), (_de(2), True)),
    # 4.12 Inhibit any policy
    "inhibitAnyPolicyTest3EE": ((TOUTES, True), (Politiques(sans_quelconque=True), False)),
}


def cases() -> Iterator[Cas]:
    """Every case of the document."""
    for path in sorted((DOSSIER / "certs").glob("*EE.crt")):
        name = path.stem
        settings = REGLAGES.get(name, ((TOUTES, name.startswith("Valid")),))
        for rank, (politiques, valide) in enumerate(settings, 1):
            yield Cas(name, valide, politiques, rank)


@cache
def certificates() -> dict[str, Certificat]:
    """The certificates that can be read at all, by the name of their file."""
    read = {path.stem: read_certificat(path.read_bytes()) for path in (DOSSIER / "certs").glob("*.crt")}
    return {name: each for name, each in read.items() if isinstance(each, Certificat)}


@cache
@cache
def _parsed(name: str) -> x509.Certificate:
    return x509.Certificate.load(certificates()[name].der)


@cache
def _by_subject() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name in certificates():
        if not name.endswith("EE"):
            subject = _parsed(name).subject.hashable
            found[subject] = (*found.get(subject, ()), name)
    return found


def authorities(name: str) -> tuple[str, ...]:
    """What the directory of PKITS has for an end certificate: its issuers, theirs, and the issuers of lists
    that their distribution points name."""
    found: list[str] = []
    todo = [name]
    while todo:
        certificate = _parsed(todo.pop())
        wanted = {certificate.issuer.hashable, *_list_issuers(certificate)}
        new = [each for subject in wanted for each in _by_subject().get(subject, ()) if each not in found]
        found += new
        todo += new
    return tuple(each for each in found if each != RACINE)


def _list_issuers(certificate: x509.Certificate) -> set[str]:
    return {
        general.chosen.hashable
        for point in certificate.crl_distribution_points_value or ()
        for general in point["crl_issuer"] or ()
    }


@cache
def lists() -> dict[str, Lcr]:
    read = {path.stem: read_lcr(path.read_bytes()) for path in (DOSSIER / "crls").glob("*.crl")}
    return {name: each for name, each in read.items() if each is not None}


def signed_octets(courrier: bytes) -> bytes:
    """The first part of a clear-signed mail, in its canonical form (RFC 8551 §3.1.1)."""
    boundary = b"--" + re.search(rb'boundary="([^"]+)"', courrier)[1]  # type: ignore[index]
    part = courrier.split(b"\n" + boundary)[1].removeprefix(b"\n")
    return re.sub(rb"\r?\n", b"\r\n", part)


def anchors() -> Ancres:
    return Ancres.of([certificates()[RACINE]])
