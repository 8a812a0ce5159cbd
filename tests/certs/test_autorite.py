"""The test authorities: described by a file, good and bad on purpose, and what others read of them."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from certs.autorite import create_autorite, export_p12, subject_of
from certs.chemin import Ancres, Exigence, Lcr, Revocation, read_lcr, validate
from certs.lecture import Certificat, read_certificat, read_chaine
from certs.pki import Description, build_pki, read_description
from certs.verification import Motif, Usage, Verdict, verify

NOW = datetime.now(UTC).replace(microsecond=0)

DESCRIPTION = """
[autorites.racine]
nom = "Racine d'essai"
[autorites.delegue]
emetteur = "racine"
[autorites.etrangere]
cle = "rsa2048"

[certificats.bon]
emetteur = "delegue"
code = "G1104"
siren = "552046484"
[certificats.suivant]
emetteur = "delegue"
code = "G1104"
depuis = -10
[certificats.expire]
emetteur = "delegue"
depuis = 400
jours = 365
[certificats.revoque]
emetteur = "delegue"
revoque = 3
[certificats.autre-usage]
emetteur = "delegue"
usages = ["code"]
[certificats.etranger]
emetteur = "etrangere"
cle = "rsa2048"
"""


def _read(path: Path) -> tuple[Certificat, ...]:
    chaine = read_chaine(path.read_bytes())
    assert isinstance(chaine, tuple)
    return chaine


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dossier = tmp_path_factory.mktemp("pki")
    assert len(build_pki(read_description(DESCRIPTION), dossier, now=NOW)) == 9
    return dossier


def judge(pki: Path, nom: str) -> Verdict:
    feuille, *chaine = _read(pki / nom / "cert.pem")
    alone = verify(feuille, Usage.CLIENT, at=NOW)
    if not alone.accepte:
        return alone
    lists = [read_lcr((pki / "autorites" / f"{each}.crl").read_bytes()) for each in ("racine", "delegue")]
    return validate(
        feuille,
        chaine,
        Ancres.of(_read(pki / "autorites" / "racine.pem")),
        at=NOW,
        revocation=Revocation(Exigence.EXIGEE, tuple(each for each in lists if isinstance(each, Lcr))),
    )


@pytest.mark.parametrize(
    ("nom", "motif"),
    [
        ("bon", Motif.VALIDE),
        ("suivant", Motif.PAS_ENCORE_VALIDE),
        ("expire", Motif.EXPIRE),
        ("revoque", Motif.REVOQUE),
        ("autre-usage", Motif.USAGE),
        ("etranger", Motif.EMETTEUR_INCONNU),
    ],
)
def test_chaque_certificat_est_ce_qu_il_doit_etre(pki: Path, nom: str, motif: Motif) -> None:
    """[CER-60] Each fault that a partner must meet, and the good one beside it."""
    verdict = judge(pki, nom)
    assert verdict.motif is motif, verdict


def test_chaine_jusqu_a_la_racine_exclue_ou_non(pki: Path) -> None:
    """[CER-60] An intermediate authority is given with what it issued."""
    assert [each.emetteur for each in _read(pki / "bon" / "cert.pem")] == ["CN=delegue", "CN=Racine d'essai"]
    assert _read(pki / "bon" / "cert.pem")[0].siren == "552046484"


@pytest.mark.foreign
def test_p12_se_lit_ailleurs(pki: Path) -> None:
    """[CER-61] openssl reads the PKCS#12 of an elliptic key and of an RSA key."""
    for nom in ("bon", "etranger"):
        done = subprocess.run(
            ["openssl", "pkcs12", "-in", pki / nom / "identite.p12", "-passin", "pass:essai", "-nodes"],
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(b"BEGIN CERTIFICATE") >= 2
        assert b"PRIVATE KEY" in done.stdout


def test_p12_sans_mot_de_passe() -> None:
    identite = create_autorite(now=NOW).issue_guichet("G1104", now=NOW)
    with pytest.raises(ValueError, match="mot de passe"):
        export_p12(identite, "G1104", b"")


@pytest.mark.parametrize(
    ("texte", "motif"),
    [
        ("x", "TOML"),
        ("[autre]", "à la racine"),
        ("autorites = 3", "des tables"),
        ("[autorites.a]\ncouleur = 1", "autorites.a : clé inconnue couleur"),
        ("[autorites.a]\njours = 'x'", "int attendu, str trouvé"),
        ("[autorites.a]\nemetteur = 'b'", "« b » n'est pas décrite avant"),
        ("[autorites.'../a']", "lettres, chiffres"),
        ("[certificats.c]", "emetteur manque"),
        ("[certificats.c]\nemetteur = 'a'", "« a » n'est pas décrite avant"),
        ("[autorites.a]\n[certificats.c]\nemetteur='a'\nusages='client'", "une liste de textes"),
        ("[autorites.a]\n[certificats.c]\nemetteur='a'\nusages=['vol']", "usage inconnu"),
        ("[autorites.a]\ncle = 'rsa512'", "l'un de"),
    ],
)
def test_description_mal_faite(texte: str, motif: str) -> None:
    """What is not understood is said, with its place."""
    with pytest.raises(ValueError, match=motif):
        read_description(texte)


def test_description_vide() -> None:
    assert read_description("") == Description({}, {})


def _request(cle: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Président de la République")])
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .sign(cle, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


def test_demande_de_certificat() -> None:
    """[CER-62] The key of the request and our names: not those that the request asks for."""
    autorite = create_autorite(now=NOW)
    cle = ec.generate_private_key(ec.SECP256R1())
    demande = _request(cle)
    der = x509.load_pem_x509_csr(demande).public_bytes(Encoding.DER)
    for each in (demande, der):
        chaine = read_chaine(autorite.issue_demande(each, "G1104", now=NOW, nom="Logis"))
        assert isinstance(chaine, tuple)
        assert chaine[0].sujet == x509.Name(subject_of("G1104", "Logis")).rfc4514_string()
        held = x509.load_der_x509_certificate(chaine[0].der).public_key()
        assert held == cle.public_key()
        for usage in (Usage.CLIENT, Usage.SIGNATURE, Usage.CHIFFREMENT):
            assert verify(chaine[0], usage, at=NOW).accepte
    broken = bytearray(der)
    broken[-1] ^= 1
    with pytest.raises(ValueError, match="n'est pas signée"):
        autorite.issue_demande(bytes(broken), "G1104", now=NOW)
    with pytest.raises(ValueError, match="2048 bits"):
        autorite.issue_demande(_request(rsa.generate_private_key(65537, 1024)), "G1104", now=NOW)
    for each in (b"", b"bonjour", b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"):
        with pytest.raises(ValueError, match="PKCS#10"):
            autorite.issue_demande(each, "G1104", now=NOW)


def test_liste_de_revocation_d_une_autorite() -> None:
    """[CER-63] Its number, its dates, its entries; and the path of a certificate that is on it is refused."""
    autorite = create_autorite(now=NOW)
    lu = read_certificat(autorite.issue_guichet("G1104", now=NOW).certificat)
    assert isinstance(lu, Certificat)
    lcr = read_lcr(autorite.list_revoked({lu.serie: NOW, 7: NOW}, now=NOW, numero=42))
    assert lcr is not None
    assert (lcr.numero, lcr.entrees) == (42, 2)
    assert (lcr.publiee_le, lcr.prochaine_le) == (NOW, NOW + timedelta(days=7))
