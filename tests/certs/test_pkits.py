"""NIST PKITS, whole: path validation, and its signed mails."""

from __future__ import annotations

import email
from datetime import UTC, datetime

import pytest

from certs.algorithmes import PROFILS
from certs.chemin import Exigence, Revocation, validate
from certs.cms import RefusCms
from certs.lecture import Certificat
from certs.signature import ContenuVerifie, verify_signature
from certs.verification import Motif
from tests.certs import pkits

pytestmark = pytest.mark.slow

INSTANT = datetime(2026, 11, 28, tzinfo=UTC)
PROFIL = PROFILS["ancien"]
"""A case has DSA keys with SHA-1."""

EXCEPTIONS = {
    "ValidDSAParameterInheritanceTest5-1": "parameters of a DSA key taken from its issuer: no library reads "
    "such a certificate any more, and nobody issues one",
}
"""Cases that come out otherwise than the document says, each with its reason. None may be a false accept."""

CAS = tuple(pkits.cases())


def test_le_corpus_est_entier() -> None:
    """223 end certificates, with every setting that the document gives them."""
    assert len({cas.fichier for cas in CAS}) == 223
    assert len(CAS) == 247
    assert {str(cas) for cas in CAS} >= EXCEPTIONS.keys()


@pytest.mark.parametrize("cas", CAS, ids=str)
def test_chemin(cas: pkits.Cas) -> None:
    """[CER-30] Each case comes out as NIST says."""
    certificats = pkits.certificates()
    if cas.fichier not in certificats:
        assert not cas.valide or str(cas) in EXCEPTIONS
        return
    assert str(cas) not in EXCEPTIONS
    autorites = pkits.authorities(cas.fichier)
    verdict = validate(
        certificats[cas.fichier],
        [certificats[name] for name in autorites],
        pkits.anchors(),
        at=INSTANT,
        revocation=Revocation(Exigence.EXIGEE, tuple(pkits.lists().values())),
        profil=PROFIL,
        politiques=cas.politiques,
    )
    assert verdict.accepte is cas.valide, verdict
    assert verdict.texte


def test_liste_forgee_dont_l_emetteur_est_en_cours_de_verification() -> None:
    """[CER-33] Named after the case that revealed it: PKITS 4.4.4 beside the lists of 4.5.

    pyhanko-certvalidator 0.33 believes a list whose signature it has not verified, when it meets that list
    while it validates the issuer of another one.
    """
    certificats = pkits.certificates()
    autour = ("BasicSelfIssuedOldKeyCACert", "BasicSelfIssuedNewKeyCACert", "BadCRLSignatureCACert")
    lists = ("BadCRLSignatureCACRL", "BasicSelfIssuedNewKeyCACRL", "BasicSelfIssuedOldKeySelfIssuedCertCRL")
    verdict = validate(
        certificats["InvalidBadCRLSignatureTest4EE"],
        [certificats[name] for name in autour],
        pkits.anchors(),
        at=INSTANT,
        revocation=Revocation(
            Exigence.EXIGEE, tuple(pkits.lists()[name] for name in (*lists, "TrustAnchorRootCRL"))
        ),
    )
    assert verdict.motif is Motif.REVOCATION_INDETERMINEE


COURRIERS = tuple(sorted((pkits.DOSSIER / "smime").glob("*.eml")))
COURRIERS_REFUSES = {
    # The signature of the mail is right; only its path is not. These carry a certificate that is no longer
    # read at all.
    "SignedInvalidNegativeSerialNumberTest15": "serial number below zero (RFC 5280 §4.1.2.2)",
    "SignedValidDSAParameterInheritanceTest5": EXCEPTIONS["ValidDSAParameterInheritanceTest5-1"],
}


@pytest.mark.parametrize("courrier", COURRIERS, ids=lambda path: path.stem)
def test_courrier_signe(courrier: pkits.Path) -> None:
    """[CER-11] Each of the 224 signed mails, by an agent that is not ours."""
    message = email.message_from_bytes(courrier.read_bytes())
    parts = [part for part in message.walk() if "pkcs7" in part.get_content_type()]
    signature = parts[-1].get_payload(decode=True)
    assert isinstance(signature, bytes)
    found = verify_signature(signature, pkits.signed_octets(courrier.read_bytes()), profil=PROFIL)
    if courrier.stem in COURRIERS_REFUSES:
        assert isinstance(found, RefusCms)
        return
    assert isinstance(found, ContenuVerifie), found
    assert isinstance(found.signataire, Certificat)
