"""The rehearsal proves what works and names what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.algorithmes import PROFILS
from certs.paire import Paire, load_paire
from certs.repetition import Acteur, Epreuve, Serveur, rehearse_mail, rehearse_tls
from certs.trousseau import UsageRotation
from tests.certs.identites import AUTORITE, INSTANT, elliptique, rsa_de, stranger


@pytest.fixture(scope="module")
def serveur(tmp_path_factory: pytest.TempPathFactory) -> Serveur:
    dossier = tmp_path_factory.mktemp("serveur")
    AUTORITE.issue_serveur(now=INSTANT).write(dossier)
    return Serveur(dossier / "cert.pem", dossier / "key.pem", dossier / "ca.pem")


def mail(echangeur: Paire, partenaire: Paire, profil: str = "compatible") -> dict[str, Epreuve]:
    found = rehearse_mail(
        Acteur(echangeur, echangeur), Acteur(partenaire, partenaire), PROFILS[profil], instant=INSTANT
    )
    return {each.nom: each for each in found}


@pytest.mark.parametrize("profil", PROFILS)
def test_tout_est_prouve(serveur: Serveur, profil: str) -> None:
    """[CER-55] Six uses and TLS, with either kind of key on either side."""
    for echangeur, partenaire in ((elliptique("E"), rsa_de()), (rsa_de(), elliptique())):
        found = mail(echangeur, partenaire, profil)
        assert found.keys() == set(UsageRotation)
        assert all(each.reussie for each in found.values()), found
        assert rehearse_tls(serveur, partenaire, instant=INSTANT) == Epreuve(
            "tls", True, "le serveur a reconnu l'empreinte"
        )


def test_ce_qui_ne_marche_pas_est_nomme() -> None:
    """[CER-55] A key that is not that of its certificate: found at the signature, not at the switch."""
    partenaire = elliptique()
    found = rehearse_mail(
        Acteur(stranger(elliptique("E")), elliptique("E")),
        Acteur(partenaire, partenaire),
        PROFILS["compatible"],
        instant=INSTANT,
    )
    failed = [each.nom for each in found if not each.reussie]
    assert failed == [
        UsageRotation.SIGNER_SORTANT,
        UsageRotation.VERIFIER_ACCUSE,
        UsageRotation.SIGNER_ACCUSE,
    ]


def test_mauvais_usage_et_mauvaise_date(serveur: Serveur) -> None:
    """[CER-55] A server certificate cannot sign; one that ended does nothing."""
    made = AUTORITE.issue_guichet("G1", now=INSTANT, usages=[ExtendedKeyUsageOID.SERVER_AUTH])
    only_server = load_paire(made.chaine, made.cle)
    found = mail(elliptique("E"), only_server)
    assert not found[UsageRotation.VERIFIER_ENTRANT].reussie
    assert "usage" in found[UsageRotation.VERIFIER_ENTRANT].detail
    assert found[UsageRotation.CHIFFRER_SORTANT].reussie
    assert not rehearse_tls(serveur, only_server, instant=INSTANT).reussie
    late = INSTANT + timedelta(days=900)
    assert not rehearse_tls(serveur, elliptique(), instant=late).reussie


def test_tls_d_une_cle_qui_n_est_pas_la_sienne(serveur: Serveur, tmp_path: Path) -> None:
    """[CER-55] The handshake is real: a key that is not that of the certificate fails it."""
    forged = replace(elliptique(), cle=elliptique("autre").cle)
    epreuve = rehearse_tls(serveur, forged, instant=INSTANT)
    assert not epreuve.reussie
    absent = replace(serveur, cle=tmp_path / "absente.pem")
    assert not rehearse_tls(absent, elliptique(), instant=INSTANT).reussie
