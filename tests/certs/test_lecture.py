"""Reading certificates, and the test authority that makes them."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.autorite import MARGE, create_autorite, load_autorite
from certs.lecture import (
    MAX_OCTETS,
    Certificat,
    CertificatIllisible,
    empreinte_of,
    read_certificat,
    read_chaine,
)

INSTANT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
AUTORITE = create_autorite(now=INSTANT, serie=count(1).__next__)
IDENTITE = AUTORITE.issue_guichet("G1104", now=INSTANT, nom="Habitat Démonstration", siren="552046484")


def test_certificat_de_guichet_se_relit() -> None:
    chaine = read_chaine(IDENTITE.chaine)
    assert isinstance(chaine, tuple)
    feuille, autorite = chaine
    assert feuille.empreinte == empreinte_of(feuille.der)
    assert feuille.siren == "552046484"
    assert feuille.sujet.startswith("CN=G1104")
    assert feuille.emetteur == autorite.sujet
    assert (feuille.cle.famille, feuille.cle.bits) == ("EC", 256)
    assert (feuille.valide_du, feuille.valide_au) == (INSTANT - MARGE, INSTANT + timedelta(days=730))
    assert autorite.autorite
    assert not feuille.autorite
    assert autorite.serie == 1


def test_der_et_pem_donnent_la_meme_empreinte() -> None:
    pem = read_certificat(IDENTITE.certificat)
    assert isinstance(pem, Certificat)
    der = read_certificat(pem.der)
    assert der == pem


def test_duree_est_un_parametre() -> None:
    """An expired certificate can be issued without waiting."""
    expire = AUTORITE.issue_guichet("G1104", now=INSTANT - timedelta(days=9), duree=timedelta(days=1))
    lu = read_certificat(expire.certificat)
    assert isinstance(lu, Certificat)
    assert lu.valide_au < INSTANT


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"", "CERT-VIDE"),
        (b" \r\n", "CERT-VIDE"),
        (b"x" * (MAX_OCTETS + 1), "CERT-TAILLE"),
        (b"-----BEGIN CERTIFICATE-----\n" * 17, "CERT-NOMBRE"),
        (b"bonjour", "CERT-FORME"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "CERT-FORME"),
    ],
)
def test_octets_qui_ne_sont_pas_un_certificat(octets: bytes, code: str) -> None:
    lu = read_certificat(octets)
    assert isinstance(lu, CertificatIllisible)
    assert lu.code == code


@given(st.binary(max_size=300) | st.tuples(st.integers(0, 600), st.binary(min_size=1, max_size=4)))
def test_octets_quelconques_ne_levent_rien(case: bytes | tuple[int, bytes]) -> None:
    """Fuzz: whatever a partner sends, the answer is a value."""
    if isinstance(case, bytes):
        data = case
    else:
        feuille = read_certificat(IDENTITE.certificat)
        assert isinstance(feuille, Certificat)
        position, patch = case
        data = feuille.der[:position] + patch + feuille.der[position + len(patch) :]
    assert isinstance(read_certificat(data), Certificat | CertificatIllisible)


def test_autorite_se_recharge_et_ses_secrets_sont_prives(tmp_path: Path) -> None:
    AUTORITE.write(tmp_path)
    IDENTITE.write(tmp_path)
    assert load_autorite(tmp_path).pem == AUTORITE.pem
    for name in ("ca.key.pem", "key.pem"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert (tmp_path / "cert.pem").read_bytes() == IDENTITE.chaine


def test_autorite_absente(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_autorite(tmp_path)


def test_serveur_sans_nom_est_refuse() -> None:
    with pytest.raises(ValueError, match="au moins un nom"):
        AUTORITE.issue_serveur((), now=INSTANT)
