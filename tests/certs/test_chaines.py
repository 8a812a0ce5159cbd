"""Chains drawn by hundreds: our verdict is that of `openssl verify`, and each has its own reason."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certs.chemin import Ancres, Exigence, Revocation, read_lcr, validate
from certs.lecture import Certificat, read_certificat
from certs.verification import Motif

pytestmark = [pytest.mark.slow, pytest.mark.foreign]

INSTANT = datetime(2026, 11, 28, 12, tzinfo=UTC)
DEBUT, FIN = INSTANT - timedelta(days=100), INSTANT + timedelta(days=100)

DEFAUTS = {
    "": Motif.VALIDE,
    "expire": Motif.EXPIRE,
    "pas encore": Motif.PAS_ENCORE_VALIDE,
    "signature": Motif.CHEMIN,
    "longueur": Motif.CHEMIN,
    "pas autorite": Motif.CHEMIN,
    "usage": Motif.CHEMIN,
    "nom hors": Motif.CHEMIN,
    "nom exclu": Motif.CHEMIN,
    "nom admis": Motif.VALIDE,
    "critique": Motif.CHEMIN,
    "maillon absent": Motif.EMETTEUR_INCONNU,
    "autre racine": Motif.EMETTEUR_INCONNU,
    "revoque": Motif.REVOQUE,
    "revoque demain": Motif.VALIDE,
    "liste perimee": Motif.REVOCATION_PERIMEE,
    "liste a venir": Motif.REVOCATION_INDETERMINEE,
    "liste absente": Motif.REVOCATION_INDETERMINEE,
    "liste forgee": Motif.REVOCATION_INDETERMINEE,
}

DIFFERENCES = {
    "revoque demain": "openssl counts a revocation whose date is to come; RFC 5280 §5.3.3 gives the date at "
    "which it takes effect, and a verdict is at an instant",
}
"""Where openssl decides otherwise, and why we keep our verdict."""


@dataclass(frozen=True)
class Chaine:
    """A root, `niveaux` intermediates and a leaf; `defaut` sits at `rang` (0: the leaf)."""

    niveaux: int
    defaut: str
    rang: int
    courbe: str

    def __str__(self) -> str:
        return f"{self.niveaux}-{self.defaut or 'saine'}-{self.rang}-{self.courbe}".replace(" ", "_")


# Faults that only an authority can have.
D_AUTORITE = {
    "longueur", "pas autorite", "usage", "nom hors", "nom exclu", "nom admis", "maillon absent",
}  # fmt: skip


def chaines() -> Iterator[Chaine]:
    for niveaux, defaut, rang, courbe in product(range(4), DEFAUTS, range(4), ("p256", "p384")):
        if rang > niveaux or (defaut in D_AUTORITE and rang == 0):
            continue
        if defaut == "longueur" and rang < 2:
            continue
        if defaut in {"", "autre racine"} and rang:
            continue
        if courbe == "p384" and rang != niveaux:
            continue
        yield Chaine(niveaux, defaut, rang, courbe)


CHAINES = tuple(chaines())


@cache
def key(courbe: str, rang: int) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1() if courbe == "p256" else ec.SECP384R1())


def name(rang: int) -> x509.Name:
    common = "feuille" if rang == 0 else f"autorité {rang}"
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Essais"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, common),
        ]
    )


def usage(*, ca: bool, sign: bool = True) -> x509.KeyUsage:
    return x509.KeyUsage(not ca, False, False, False, not ca, ca and sign, ca, False, False)


def certificate(chaine: Chaine, rang: int) -> x509.Certificate:
    """The certificate of a rank; the root is the last."""
    defaut = chaine.defaut if rang == chaine.rang else ""
    root = rang == chaine.niveaux + 1
    emetteur = rang if root else rang + 1
    signer = key(chaine.courbe, 99 if defaut == "signature" else emetteur)
    du, au = DEBUT, FIN
    if defaut == "expire":
        au = INSTANT - timedelta(seconds=1)
    if defaut == "pas encore":
        du = INSTANT + timedelta(seconds=1)
    public = key(chaine.courbe, rang).public_key()
    ca = rang > 0 and defaut != "pas autorite"
    longueur = rang - 2 if defaut == "longueur" else None
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(rang))
        .issuer_name(name(emetteur))
        .public_key(public)
        .serial_number(1000 + rang)
        .not_valid_before(du)
        .not_valid_after(au)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=longueur if ca else None), critical=True)
        .add_extension(usage(ca=rang > 0, sign=defaut != "usage"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key(chaine.courbe, emetteur).public_key()),
            critical=False,
        )
    )
    if rang == 0:
        names = x509.SubjectAlternativeName([x509.DNSName("guichet.essai.test")])
        builder = builder.add_extension(names, critical=False)
    if defaut.startswith("nom "):
        tree = [x509.DNSName("essai.test" if defaut != "nom hors" else "ailleurs.test")]
        permitted = None if defaut == "nom exclu" else tree
        builder = builder.add_extension(
            x509.NameConstraints(permitted, tree if defaut == "nom exclu" else None), critical=True
        )
    if defaut == "critique":
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
        builder = builder.add_extension(unknown, critical=True)
    return builder.sign(signer, hashes.SHA256())


def crl(chaine: Chaine, rang: int) -> x509.CertificateRevocationList | None:
    """The list of the authority of a rank, which says of the rank below."""
    defaut = chaine.defaut if rang == chaine.rang + 1 else ""
    if defaut == "liste absente":
        return None
    du, au = INSTANT - timedelta(days=3), INSTANT + timedelta(days=3)
    if defaut == "liste perimee":
        au = INSTANT - timedelta(seconds=1)
    if defaut == "liste a venir":
        du = INSTANT + timedelta(seconds=1)
    builder = x509.CertificateRevocationListBuilder().issuer_name(name(rang)).last_update(du).next_update(au)
    if defaut.startswith("revoque"):
        date = INSTANT + timedelta(days=1 if defaut == "revoque demain" else -1)
        revoked = (
            x509.RevokedCertificateBuilder()
            .serial_number(1000 + rang - 1)
            .revocation_date(date)
            .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
        )
        builder = builder.add_revoked_certificate(revoked.build())
    return builder.sign(key(chaine.courbe, 99 if defaut == "liste forgee" else rang), hashes.SHA256())


def read(one: x509.Certificate) -> Certificat:
    lu = read_certificat(one.public_bytes(Encoding.DER))
    assert isinstance(lu, Certificat)
    return lu


def test_elles_sont_au_moins_deux_cents() -> None:
    assert len(CHAINES) >= 200
    assert {chaine.defaut for chaine in CHAINES} == DEFAUTS.keys()


@pytest.mark.parametrize("chaine", CHAINES, ids=str)
def test_meme_verdict_qu_openssl(chaine: Chaine, tmp_path: Path) -> None:
    """[CER-30] [CER-31] Names, constraints, uses, lists and times; and the reason is the right one."""
    certificates = [certificate(chaine, rang) for rang in range(chaine.niveaux + 2)]
    lists = [each for rang in range(1, chaine.niveaux + 2) if (each := crl(chaine, rang)) is not None]
    feuille, *autorites, racine = certificates
    if chaine.defaut == "maillon absent":
        del autorites[chaine.rang - 1]
    if chaine.defaut == "autre racine":
        racine = certificate(Chaine(7, "", 0, chaine.courbe), 8)
    lues = [lue for each in lists if (lue := read_lcr(each.public_bytes(Encoding.DER))) is not None]
    assert len(lues) == len(lists)
    verdict = validate(
        read(feuille),
        [read(each) for each in autorites],
        Ancres.of([read(racine)]),
        at=INSTANT,
        revocation=Revocation(Exigence.EXIGEE, tuple(lues)),
    )
    assert verdict.motif is DEFAUTS[chaine.defaut], verdict
    assert (verdict.accepte, verdict.texte != "") == (DEFAUTS[chaine.defaut] is Motif.VALIDE, True)
    expected = openssl_accepts(tmp_path, feuille, autorites, racine, lists)
    assert verdict.accepte is (expected or chaine.defaut in DIFFERENCES)


def openssl_accepts(
    folder: Path,
    feuille: x509.Certificate,
    autorites: list[x509.Certificate],
    racine: x509.Certificate,
    lists: list[x509.CertificateRevocationList],
) -> bool:
    (folder / "feuille.pem").write_bytes(feuille.public_bytes(Encoding.PEM))
    (folder / "racine.pem").write_bytes(racine.public_bytes(Encoding.PEM))
    arguments = ["-CAfile", "racine.pem", "-attime", str(int(INSTANT.timestamp())), "-crl_check_all"]
    for option, items in (("-untrusted", autorites), ("-CRLfile", lists)):
        if items:
            data = b"".join(each.public_bytes(Encoding.PEM) for each in items)  # type: ignore[attr-defined]
            (folder / option).write_bytes(data)
            arguments += [option, f"./{option}"]
    done = subprocess.run(["openssl", "verify", *arguments, "feuille.pem"], cwd=folder, capture_output=True)
    return done.returncode == 0
