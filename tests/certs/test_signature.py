"""Signed messages: what we write others verify, what others write we verify, and nothing forged passes."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import algos, cms, core
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.algorithmes import PROFILS
from certs.cms import MotifCms, RefusCms
from certs.paire import Paire
from certs.signature import ContenuVerifie, SigneNonVerifie, read_signed, sign, verify_signature
from tests.certs.identites import AUTORITE, INSTANT, elliptique, pem_of_key, rsa_de, stranger

CONTENU = "Content-Type: text/xml\r\n\r\n<a>été</a>\r\n".encode()
PAIRES = {"EC": elliptique, "RSA": rsa_de}


def verified(octets: bytes, contenu: bytes | None = None, profil: str = "compatible") -> ContenuVerifie:
    found = verify_signature(octets, contenu, profil=PROFILS[profil])
    assert isinstance(found, ContenuVerifie), found
    return found


def refused(octets: bytes, contenu: bytes | None = None, profil: str = "compatible") -> RefusCms:
    found = verify_signature(octets, contenu, profil=PROFILS[profil])
    assert isinstance(found, RefusCms), found
    return found


def openssl(*arguments: str | Path, data: bytes = b"") -> bytes:
    # Fixed program and arguments of the tests.
    done = subprocess.run(["openssl", "cms", *map(str, arguments)], input=data, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dossier = tmp_path_factory.mktemp("identites")
    (dossier / "ca.pem").write_bytes(AUTORITE.pem)
    for nom, make in PAIRES.items():
        (dossier / f"{nom}.pem").write_bytes(make().certificat.pem)
        (dossier / f"{nom}.key").write_bytes(pem_of_key(make().cle))
    return dossier


@pytest.mark.parametrize("cle", PAIRES)
@pytest.mark.parametrize("profil", PROFILS)
@pytest.mark.parametrize("detache", [False, True])
def test_ce_que_nous_signons_se_verifie(cle: str, profil: str, detache: bool, dossier: Path) -> None:
    """[CER-10] By us, and by openssl."""
    paire = PAIRES[cle]()
    octets = sign(CONTENU, [paire], instant=INSTANT, profil=PROFILS[profil], detache=detache)
    found = verified(octets, CONTENU if detache else None)
    assert found.octets == CONTENU
    assert found.signataire == paire.certificat
    assert found.signe_le == INSTANT
    assert found.certificats == (paire.certificat, *paire.chaine)
    message = dossier / f"{cle}-{profil}-{detache}.der"
    message.write_bytes(octets)
    arguments = ["-verify", "-binary", "-inform", "DER", "-in", message, "-CAfile", dossier / "ca.pem"]
    if detache:
        (dossier / "contenu").write_bytes(CONTENU)
        arguments += ["-content", dossier / "contenu"]
    assert openssl(*arguments, "-purpose", "any") == CONTENU


@pytest.mark.parametrize("cle", PAIRES)
@pytest.mark.parametrize(
    "options",
    [
        ["-nodetach"],
        ["-nodetach", "-stream"],
        ["-nodetach", "-keyid"],
        ["-nodetach", "-md", "sha512"],
        ["-nodetach", "-cades"],
        ["-nodetach", "-nosmimecap"],
        [],
    ],
    ids=lambda options: " ".join(options) or "détachée",
)
def test_ce_que_signe_openssl_se_verifie(cle: str, options: list[str], dossier: Path) -> None:
    """[CER-11] Indefinite lengths, key identifiers, other digests."""
    octets = openssl(
        "-sign", "-binary", "-outform", "DER", "-signer", dossier / f"{cle}.pem",
        "-inkey", dossier / f"{cle}.key", *options, data=CONTENU,
    )  # fmt: skip
    found = verified(octets, None if "-nodetach" in options else CONTENU)
    assert found.octets == CONTENU
    assert found.signataire == PAIRES[cle]().certificat


def test_pss_d_openssl(dossier: Path) -> None:
    """[CER-11] RSASSA-PSS with the parameters of openssl."""
    for salt in ("digest", "max"):
        octets = openssl(
            "-sign", "-binary", "-nodetach", "-outform", "DER", "-signer", dossier / "RSA.pem",
            "-inkey", dossier / "RSA.key", "-keyopt", "rsa_padding_mode:pss",
            "-keyopt", f"rsa_pss_saltlen:{salt}", data=CONTENU,
        )  # fmt: skip
        assert verified(octets).algorithme == "rsa-pss sha256"


def test_signature_de_cryptography() -> None:
    """[CER-11] Another writer, with its own order of attributes."""
    paire = rsa_de()
    octets = (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(CONTENU)
        .add_signer(x509.load_der_x509_certificate(paire.certificat.der), paire.cle, hashes.SHA384())
        .sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])
    )
    assert verified(octets).algorithme == "rsa-pkcs1 sha384"


def test_contenu_n_est_donne_qu_apres_verification() -> None:
    """[CER-14] What is read tells who is announced; nothing public of it is the content."""
    lu = read_signed(sign(CONTENU, [elliptique()], instant=INSTANT))
    assert isinstance(lu, SigneNonVerifie)
    assert lu.annonce == elliptique().certificat
    public = {name for name in dir(lu) if not name.startswith("_")}
    assert public == {"annonce", "certificats", "verify"}
    assert "été" not in repr(lu)
    assert isinstance(lu.verify(), ContenuVerifie)


def test_faussaire() -> None:
    """[CER-14] The certificate of another, with a key of one's own."""
    for paire in (elliptique(), rsa_de()):
        forged = stranger(paire)
        octets = sign(CONTENU, [forged], instant=INSTANT)
        assert refused(octets).motif in {MotifCms.SIGNATURE, MotifCms.ALGORITHME}
    swapped = sign(CONTENU, [stranger(elliptique())], instant=INSTANT)
    assert refused(swapped).motif is MotifCms.SIGNATURE


def test_contenu_modifie() -> None:
    """[CER-14] Opaque or detached."""
    octets = sign(CONTENU, [elliptique()], instant=INSTANT)
    assert refused(octets.replace("été".encode(), b"hiver")).motif is MotifCms.CONTENU_MODIFIE
    detached = sign(CONTENU, [elliptique()], instant=INSTANT, detache=True)
    assert refused(detached, CONTENU + b"\r\n").motif is MotifCms.CONTENU_MODIFIE
    assert refused(detached).motif is MotifCms.CONTENU
    assert refused(octets, CONTENU).motif is MotifCms.CONTENU


def _altered(octets: bytes, change: object) -> bytes:
    """The message with its signer changed by `change`, unsigned bytes included."""
    info = cms.ContentInfo.load(octets)
    assert callable(change)
    change(info["content"])
    dumped = info.dump(force=True)
    assert isinstance(dumped, bytes)
    return dumped


def _sign_attributes(content: cms.SignedData, attributes: list[dict[str, object]]) -> None:
    """Give these signed attributes and a right signature of them."""
    signer = content["signer_infos"][0]
    signer["signed_attrs"] = cms.CMSAttributes(attributes)
    signed = b"\x31" + signer["signed_attrs"].dump()[1:]
    cle = elliptique().cle
    assert isinstance(cle, ec.EllipticCurvePrivateKey)
    signer["signature"] = cle.sign(signed, ec.ECDSA(hashes.SHA256()))


def _digest() -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(CONTENU)
    return digest.finalize()


TYPE = {"type": "content_type", "values": ["data"]}
EMPREINTE = {"type": "message_digest", "values": [_digest()]}
AUTRE_CERTIFICAT = {
    "type": "signing_certificate_v2",
    "values": [{"certs": [{"cert_hash": b"\0" * 32}]}],
}
PROTECTION = {
    "type": "cms_algorithm_protection",
    "values": [
        cms.CMSAlgorithmProtection(
            {
                "digest_algorithm": {"algorithm": "sha256"},
                "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"}),
            }
        )
    ],
}


@pytest.mark.parametrize(
    ("attributs", "motif"),
    [
        ([TYPE, EMPREINTE], None),
        ([TYPE], MotifCms.ATTRIBUTS),
        ([EMPREINTE], MotifCms.ATTRIBUTS),
        ([TYPE, EMPREINTE, EMPREINTE], MotifCms.ATTRIBUTS),
        ([TYPE, {"type": "message_digest", "values": [_digest(), b"x"]}], MotifCms.ATTRIBUTS),
        ([{"type": "content_type", "values": ["signed_data"]}, EMPREINTE], MotifCms.ATTRIBUTS),
        ([TYPE, EMPREINTE, AUTRE_CERTIFICAT], MotifCms.ATTRIBUTS),
        ([TYPE, EMPREINTE, PROTECTION], MotifCms.ATTRIBUTS),
        ([TYPE, {"type": "message_digest", "values": [b"\0" * 32]}], MotifCms.CONTENU_MODIFIE),
    ],
)
def test_attributs_signes(attributs: list[dict[str, object]], motif: MotifCms | None) -> None:
    """[CER-15] Rightly signed, and yet wrong: each rule of RFC 5652 §11, RFC 5035 and RFC 6211."""
    octets = sign(CONTENU, [elliptique()], instant=INSTANT)
    altered = _altered(octets, lambda content: _sign_attributes(content, attributs))
    found = verify_signature(altered)
    assert motif is None or (isinstance(found, RefusCms) and found.motif is motif)
    assert motif is not None or isinstance(found, ContenuVerifie)


def test_sans_attribut_signe_rien_n_est_cru(dossier: Path) -> None:
    """[CER-15] RFC 5652 §5.4: such a signature could be that of another content."""
    octets = openssl(
        "-sign", "-binary", "-nodetach", "-noattr", "-outform", "DER", "-signer", dossier / "EC.pem",
        "-inkey", dossier / "EC.key", data=CONTENU,
    )  # fmt: skip
    assert refused(octets).motif is MotifCms.ATTRIBUTS


def test_un_seul_signataire() -> None:
    """[CER-16] Neither two, nor none."""
    two = sign(CONTENU, [elliptique(), rsa_de()], instant=INSTANT)
    assert refused(two).motif is MotifCms.SIGNATAIRES
    none = _altered(two, lambda content: content.__setitem__("signer_infos", []))
    assert refused(none).motif is MotifCms.SIGNATAIRES
    five = sign(CONTENU, [elliptique()] * 5, instant=INSTANT)
    assert refused(five).motif is MotifCms.NOMBRE


def test_trop_de_certificats() -> None:
    """[CER-13] Sixteen at most."""
    chaine = tuple(elliptique(f"G{number}").certificat for number in range(1, 17))
    octets = sign(CONTENU, [replace(elliptique(), chaine=chaine[:15])], instant=INSTANT)
    assert len(verified(octets).certificats) == 16
    octets = sign(CONTENU, [replace(elliptique(), chaine=chaine)], instant=INSTANT)
    assert refused(octets).motif is MotifCms.NOMBRE


def test_certificat_du_signataire_non_joint(dossier: Path) -> None:
    """[CER-11] Then it must be one of those that are known."""
    octets = openssl(
        "-sign", "-binary", "-nodetach", "-nocerts", "-outform", "DER", "-signer", dossier / "EC.pem",
        "-inkey", dossier / "EC.key", data=CONTENU,
    )  # fmt: skip
    assert refused(octets).motif is MotifCms.CERTIFICAT_ABSENT
    connus = [rsa_de().certificat, elliptique().certificat]
    found = verify_signature(octets, connus=connus)
    assert isinstance(found, ContenuVerifie)
    assert found.signataire == elliptique().certificat
    assert found.certificats == ()


def test_algorithmes_anciens_selon_le_profil(dossier: Path) -> None:
    """[CER-17] SHA-1 and RSA-1024: only from a partner flagged by the operator."""
    octets = openssl(
        "-sign", "-binary", "-nodetach", "-outform", "DER", "-md", "sha1", "-signer", dossier / "RSA.pem",
        "-inkey", dossier / "RSA.key", data=CONTENU,
    )  # fmt: skip
    refusal = refused(octets)
    assert refusal.motif is MotifCms.ALGORITHME
    assert "sha1" in refusal.constat
    assert verified(octets, profil="ancien").algorithme == "rsa-pkcs1 sha1"
    weak = sign(CONTENU, [rsa_de(1024)], instant=INSTANT)
    refusal = refused(weak)
    assert (refusal.motif, refusal.constat) == (MotifCms.CLE_FAIBLE, "RSA 1024 bits")
    assert verified(weak, profil="ancien")
    weak = sign(CONTENU, [rsa_de(1024)], instant=INSTANT, profil=PROFILS["moderne"])
    assert refused(weak).motif is MotifCms.CLE_FAIBLE


def test_md5_n_est_admis_de_personne(dossier: Path) -> None:
    """[CER-17] It has no line in the table."""
    octets = openssl(
        "-sign", "-binary", "-nodetach", "-outform", "DER", "-md", "md5", "-signer", dossier / "RSA.pem",
        "-inkey", dossier / "RSA.key", data=CONTENU,
    )  # fmt: skip
    for profil in PROFILS:
        assert refused(octets, profil=profil).motif is MotifCms.ALGORITHME


def test_signature_de_longue_date() -> None:
    """Signing times from 2050 on are GeneralizedTime."""
    instant = INSTANT + timedelta(days=366 * 40)
    assert verified(sign(CONTENU, [elliptique()], instant=instant)).signe_le == instant


@settings(deadline=None)
@given(st.binary(max_size=2000), st.sampled_from(sorted(PROFILS)))
def test_aller_retour(data: bytes, profil: str) -> None:
    """[CER-10] Any content comes back byte for byte, with its SHA-256."""
    octets = sign(data, [elliptique()], instant=INSTANT, profil=PROFILS[profil])
    assert verified(octets).octets == data


MESSAGES = [sign(CONTENU, [make()], instant=INSTANT) for make in (elliptique, rsa_de)]


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(MESSAGES),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=3),
)
def test_mutations(octets: bytes, changes: list[tuple[int, int]]) -> None:
    """[CER-14] Whatever is changed, what comes out is what was signed, by who signed it."""
    mutated = bytearray(octets)
    for position, value in changes:
        mutated[position % len(mutated)] = value
    found = verify_signature(bytes(mutated))
    if isinstance(found, ContenuVerifie):
        assert found.octets == CONTENU
        assert found.signataire in {elliptique().certificat, rsa_de().certificat}


@given(st.binary(max_size=300))
def test_octets_quelconques(data: bytes) -> None:
    """[CER-13] Fuzz: a value, whatever comes."""
    assert isinstance(verify_signature(data), RefusCms)


def test_nature(dossier: Path) -> None:
    """Something else of CMS is named for what it is."""
    octets = cms.ContentInfo({"content_type": "data", "content": core.OctetString(b"x")}).dump()
    refusal = refused(octets)
    assert (refusal.motif, refusal.constat) == (MotifCms.NATURE, "message en clair")


def test_sans_signataire_rien_n_est_signe() -> None:
    with pytest.raises(ValueError, match="au moins un signataire"):
        sign(CONTENU, [], instant=INSTANT)


def test_paire_ne_montre_pas_sa_cle() -> None:
    paire: Paire = elliptique()
    assert repr(paire) == f"Paire({paire.certificat.empreinte})"
