"""Revocation in its states, several authorities, bounds, and the memory of verdicts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from certs.autorite import Autorite, create_autorite
from certs.chemin import Ancres, Exigence, Lcr, ReponseOcsp, Revocation, read_lcr, read_ocsp, validate
from certs.lecture import Certificat, read_certificat
from certs.verification import Motif

INSTANT = datetime(2026, 11, 28, 12, tzinfo=UTC)
JOUR = timedelta(days=1)
AUTORITE = create_autorite("Autorité d'essai", now=INSTANT - 10 * JOUR)
AUTRE = create_autorite("Autre autorité", now=INSTANT - 10 * JOUR)


def leaf(autorite: Autorite = AUTORITE) -> Certificat:
    lu = read_certificat(autorite.issue_guichet("G1104", now=INSTANT - 9 * JOUR).certificat)
    assert isinstance(lu, Certificat)
    return lu


def anchors(*autorites: Autorite) -> Ancres:
    lus = [read_certificat(each.pem) for each in autorites or (AUTORITE,)]
    return Ancres.of([lu for lu in lus if isinstance(lu, Certificat)])


def crl(
    *series: int,
    du: datetime = INSTANT - JOUR,
    au: datetime | None = INSTANT + JOUR,
    autorite: Autorite = AUTORITE,
    cle: ec.EllipticCurvePrivateKey | None = None,
) -> Lcr:
    builder = x509.CertificateRevocationListBuilder().issuer_name(autorite.certificat.subject)
    builder = builder.last_update(du).next_update(au or INSTANT + JOUR)
    for serie in series:
        entry = x509.RevokedCertificateBuilder().serial_number(serie).revocation_date(INSTANT - JOUR)
        builder = builder.add_revoked_certificate(entry.build())
    lue = read_lcr(builder.sign(cle or autorite.cle, hashes.SHA256()).public_bytes(Encoding.DER))
    assert lue is not None
    return lue


def motif(certificat: Certificat, revocation: Revocation, at: datetime = INSTANT) -> Motif:
    return validate(certificat, [], anchors(), at=at, revocation=revocation).motif


def test_plusieurs_autorites() -> None:
    """[CER-31] Each certificate leads to its own; the others do not vouch for it."""
    for autorite in (AUTORITE, AUTRE):
        assert validate(leaf(autorite), [], anchors(AUTORITE, AUTRE), at=INSTANT).accepte
    assert validate(leaf(AUTRE), [], anchors(AUTORITE), at=INSTANT).motif is Motif.EMETTEUR_INCONNU
    assert validate(leaf(), [], Ancres.of([]), at=INSTANT).motif is Motif.EMETTEUR_INCONNU


def test_ancre_bornee_par_son_propre_certificat() -> None:
    """[CER-31] An authority that expired vouches for nobody any more."""
    late = INSTANT + timedelta(days=3650)
    lu = read_certificat(AUTORITE.issue_guichet("G1104", now=late).certificat)
    assert isinstance(lu, Certificat)
    verdict = validate(lu, [], anchors(), at=late)
    assert verdict.motif is Motif.EXPIRE
    assert "autorité" in verdict.texte


def test_revocation_en_ses_etats() -> None:
    """[CER-32] [CER-33] Demanded or not, good, revoked, stale, forged, absent; with a grace or without."""
    certificat = leaf()
    exigee = Exigence.EXIGEE
    assert motif(certificat, Revocation(Exigence.AUCUNE)) is Motif.VALIDE
    assert motif(certificat, Revocation(exigee)) is Motif.REVOCATION_INDETERMINEE
    assert motif(certificat, Revocation(exigee, (crl(),))) is Motif.VALIDE
    assert motif(certificat, Revocation(exigee, (crl(7),))) is Motif.VALIDE
    assert motif(certificat, Revocation(exigee, (crl(certificat.serie),))) is Motif.REVOQUE
    forged = crl(cle=ec.generate_private_key(ec.SECP256R1()))
    assert motif(certificat, Revocation(exigee, (forged,))) is Motif.REVOCATION_INDETERMINEE
    assert motif(certificat, Revocation(exigee, (crl(autorite=AUTRE),))) is Motif.REVOCATION_INDETERMINEE
    stale = crl(au=INSTANT - timedelta(hours=1))
    assert motif(certificat, Revocation(exigee, (stale,))) is Motif.REVOCATION_PERIMEE
    two_hours, half = timedelta(hours=2), timedelta(minutes=30)
    assert motif(certificat, Revocation(exigee, (stale,), grace=two_hours)) is Motif.VALIDE
    assert motif(certificat, Revocation(exigee, (stale,), grace=half)) is Motif.REVOCATION_PERIMEE
    revoked = crl(certificat.serie, au=INSTANT - timedelta(hours=1))
    assert motif(certificat, Revocation(exigee, (revoked,), grace=two_hours)) is Motif.REVOQUE


def test_suspendu_n_est_pas_refuse() -> None:
    """[CER-33] Undetermined and stale wait; revoked does not."""
    stale = crl(au=INSTANT - JOUR / 2)
    verdict = validate(leaf(), [], anchors(), at=INSTANT, revocation=Revocation(Exigence.EXIGEE, (stale,)))
    assert (verdict.suspendu, verdict.accepte) == (True, False)
    assert "27/11/2026" in verdict.constat or "28/11/2026 00:00" in verdict.constat
    gone = crl(leaf().serie)
    assert not validate(
        leaf(), [], anchors(), at=INSTANT, revocation=Revocation(Exigence.EXIGEE, (gone,))
    ).suspendu


def test_grace_de_plusieurs_listes() -> None:
    """[CER-33] The grace of a short-lived list is not that of a long-lived one beside it."""
    short = crl(du=INSTANT - 3 * JOUR, au=INSTANT - 2 * JOUR)
    long = crl(autorite=AUTRE, du=INSTANT - 3 * JOUR, au=INSTANT + 90 * JOUR)
    revocation = Revocation(Exigence.EXIGEE, (short, long), grace=timedelta(hours=1))
    assert motif(leaf(), revocation) is Motif.REVOCATION_PERIMEE


def test_rafraichir_a_la_moitie_de_la_vie() -> None:
    """[CER-33] A list is fetched again at half of its life."""
    assert crl(du=INSTANT, au=INSTANT + 8 * JOUR).a_rafraichir_le == INSTANT + 4 * JOUR


def leaf_with_responder() -> Certificat:
    """A certificate that says where to ask: the library asks of no other."""
    url = x509.UniformResourceIdentifier("http://ocsp.essai.test/")
    access = x509.AccessDescription(x509.oid.AuthorityInformationAccessOID.OCSP, url)
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "G1226")]))
        .issuer_name(AUTORITE.certificat.subject)
        .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(INSTANT - JOUR)
        .not_valid_after(INSTANT + JOUR)
        .add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        .sign(AUTORITE.cle, hashes.SHA256())
    )
    lu = read_certificat(built.public_bytes(Encoding.DER))
    assert isinstance(lu, Certificat)
    return lu


def answer(
    certificat: Certificat,
    status: ocsp.OCSPCertStatus,
    *,
    signataire: Autorite = AUTORITE,
    au: datetime = INSTANT + JOUR,
) -> ReponseOcsp:
    revoked = INSTANT - JOUR if status is ocsp.OCSPCertStatus.REVOKED else None
    built = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            x509.load_der_x509_certificate(certificat.der),
            AUTORITE.certificat,
            hashes.SHA256(),
            status,
            INSTANT - JOUR,
            au,
            revoked,
            None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, signataire.certificat)
        .sign(signataire.cle, hashes.SHA256())
    )
    lue = read_ocsp(built.public_bytes(Encoding.DER))
    assert lue is not None
    return lue


def test_reponse_ocsp() -> None:
    """[CER-32] Good, revoked, of another certificate, stale, and signed by somebody else."""
    certificat, good = leaf_with_responder(), ocsp.OCSPCertStatus.GOOD
    cases = {
        Motif.VALIDE: answer(certificat, good),
        Motif.REVOQUE: answer(certificat, ocsp.OCSPCertStatus.REVOKED),
    }
    for expected, response in cases.items():
        assert motif(certificat, Revocation(Exigence.EXIGEE, ocsp=(response,))) is expected
    others = [
        answer(leaf_with_responder(), good),
        answer(certificat, good, au=INSTANT - JOUR / 2),
        answer(certificat, good, signataire=AUTRE),
        answer(certificat, ocsp.OCSPCertStatus.UNKNOWN),
    ]
    for response in others:
        verdict = validate(
            certificat, [], anchors(), at=INSTANT, revocation=Revocation(Exigence.EXIGEE, ocsp=(response,))
        )
        assert verdict.suspendu, verdict


def cross_signed(count: int) -> list[Certificat]:
    """Authorities of one name, all certified by each other, none by an anchor: paths without end."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(count)]
    nom = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bombe")])
    found = []
    for rank, cle in enumerate(keys):
        built = (
            x509.CertificateBuilder()
            .subject_name(nom)
            .issuer_name(nom)
            .public_key(cle.public_key())
            .serial_number(rank + 1)
            .not_valid_before(INSTANT - JOUR)
            .not_valid_after(INSTANT + JOUR)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(keys[rank - 1], hashes.SHA256())
        )
        lu = read_certificat(built.public_bytes(Encoding.DER))
        assert isinstance(lu, Certificat)
        found.append(lu)
    return found


def test_bombe_de_chemins() -> None:
    """[CER-34] 14 factorial paths: a refusal after a bounded number of steps, whatever the machine."""
    bomb = cross_signed(15)
    verdict = validate(bomb[0], bomb[1:], anchors(), at=INSTANT)
    assert verdict.motif is Motif.TROP_COMPLEXE
    assert validate(bomb[0], bomb * 2, anchors(), at=INSTANT).motif is Motif.TROP_COMPLEXE


@given(st.binary(max_size=200))
def test_octets_quelconques(data: bytes) -> None:
    """[CER-34] Fuzz: neither a list nor a response, and nothing raised."""
    assert read_lcr(data) is None
    assert read_ocsp(data) is None


def test_liste_trop_grande() -> None:
    assert read_lcr(bytes(17 * 1024 * 1024)) is None
