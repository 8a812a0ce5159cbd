"""The hub's keys through a rotation: nothing that comes in is lost, whatever day each side changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.autorite import create_autorite
from certs.enveloppe import Dechiffre, decrypt, encrypt
from certs.paire import Paire, load_paire
from certs.trousseau import (
    CONSERVATION,
    SIX_USAGES,
    EtatCle,
    Trousseau,
    UsageCle,
    UsageRotation,
    keep,
    load_trousseau,
    save,
)

INSTANT = datetime(2026, 11, 28, 12, tzinfo=UTC)
JOUR = timedelta(days=1)
AUTORITE = create_autorite(now=INSTANT)


def pair(nom: str = "ECHANGEUR") -> Paire:
    identite = AUTORITE.issue_guichet(nom, now=INSTANT)
    return load_paire(identite.chaine, identite.cle)


ANCIENNE, NOUVELLE = pair(), pair()
TOUT = (UsageCle.SIGNATURE, UsageCle.CHIFFREMENT)


def first(*usages: UsageCle) -> Trousseau:
    prepared = Trousseau().prepare(ANCIENNE, usages or TOUT, instant=INSTANT)
    return prepared.basculer(ANCIENNE.certificat.empreinte, instant=INSTANT)


def shown(trousseau: Trousseau) -> list[object]:
    """What can be compared: private keys are equal to themselves alone."""
    return [
        (c.empreinte, c.usages, c.prepare_le, c.actif_le, c.retire_le, c.paire.cle.private_numbers())
        for c in trousseau.clefs
    ]


def test_chaque_usage_a_sa_regle() -> None:
    """[CER-51] Six uses: what comes in is accepted with all, what goes out is made with one."""
    assert SIX_USAGES.keys() == set(UsageRotation)
    dechiffrer, signer = UsageRotation.DECHIFFRER_ENTRANT, UsageRotation.SIGNER_SORTANT
    trousseau = first()
    assert trousseau.pour(dechiffrer, INSTANT) == trousseau.pour(signer, INSTANT) == (ANCIENNE,)
    trousseau = trousseau.prepare(NOUVELLE, TOUT, instant=INSTANT + JOUR)
    assert trousseau.pour(dechiffrer, INSTANT + JOUR) == (ANCIENNE, NOUVELLE)
    assert trousseau.pour(signer, INSTANT + JOUR) == (ANCIENNE,)
    trousseau = trousseau.basculer(NOUVELLE.certificat.empreinte, instant=INSTANT + 10 * JOUR)
    assert trousseau.pour(dechiffrer, INSTANT + 10 * JOUR) == (NOUVELLE, ANCIENNE)
    assert trousseau.pour(signer, INSTANT + 10 * JOUR) == (NOUVELLE,)
    assert trousseau.pour(UsageRotation.SIGNER_ACCUSE, INSTANT + 10 * JOUR) == (NOUVELLE,)
    assert trousseau.pour(UsageRotation.CHIFFRER_SORTANT, INSTANT) == ()


@settings(deadline=None, max_examples=60)
@given(
    prepare=st.integers(0, 20),
    bascule=st.integers(0, 20),
    partenaire=st.integers(-20, 20),
    envoi=st.integers(0, 60),
    trajet=st.integers(0, CONSERVATION.days),
)
def test_rotation_sans_message_perdu(
    prepare: int, bascule: int, partenaire: int, envoi: int, trajet: int
) -> None:
    """[CER-52] Whatever the day the partner follows, from the announce to the switch, and however long a
    message travels, it is decrypted."""
    prepare_le = INSTANT + prepare * JOUR
    bascule_le = prepare_le + bascule * JOUR
    # A partner changes at the earliest when told, at the latest when the former key is no longer announced.
    suit_le = min(max(prepare_le, bascule_le + partenaire * JOUR), bascule_le)
    envoi_le = INSTANT + envoi * JOUR
    cle = NOUVELLE if envoi_le >= suit_le else ANCIENNE
    recu_le = envoi_le + trajet * JOUR

    trousseau = first()
    if recu_le >= prepare_le:
        trousseau = trousseau.prepare(NOUVELLE, TOUT, instant=prepare_le)
    if recu_le >= bascule_le:
        trousseau = trousseau.basculer(NOUVELLE.certificat.empreinte, instant=bascule_le)
    trousseau, _ = trousseau.purger(recu_le)
    message = encrypt(b"x", [cle.certificat])
    found = decrypt(message, trousseau.pour(UsageRotation.DECHIFFRER_ENTRANT, recu_le))
    assert isinstance(found, Dechiffre), (suit_le, envoi_le, recu_le)


def test_cle_remplacee_est_gardee_puis_detruite(tmp_path: Path) -> None:
    """[CER-53] Thirty days, then neither in the keyring nor on disk."""
    trousseau = Trousseau()
    made = [keep(tmp_path, AUTORITE.issue_guichet("ECHANGEUR", now=INSTANT)) for _ in range(2)]
    for rank, paire in enumerate(made):
        trousseau = trousseau.prepare(paire, TOUT, instant=INSTANT)
        trousseau = trousseau.basculer(paire.certificat.empreinte, instant=INSTANT + rank * JOUR)
    save(tmp_path, trousseau)
    assert shown(load_trousseau(tmp_path)) == shown(trousseau)
    last = INSTANT + JOUR + CONSERVATION
    assert trousseau.purger(last) == (trousseau, ())
    purge, (finie,) = trousseau.purger(last + timedelta(seconds=1))
    assert finie.empreinte == made[0].certificat.empreinte
    save(tmp_path, purge)
    assert not (tmp_path / finie.empreinte).exists()
    assert shown(load_trousseau(tmp_path)) == shown(purge)
    assert [each.etat for each in purge.clefs] == [EtatCle.ACTIF]


def test_premieres_cles_d_une_instance(tmp_path: Path) -> None:
    """One folder for the signature, one for each key that decrypts; kept in its own place from the first
    rotation on."""
    for folder in ("signature", "chiffrement/1"):
        AUTORITE.issue_guichet("ECHANGEUR", now=INSTANT).write(tmp_path / folder)
    trousseau = load_trousseau(tmp_path)
    assert {each.etat for each in trousseau.clefs} == {EtatCle.ACTIF}
    assert len(trousseau.pour(UsageRotation.SIGNER_SORTANT, INSTANT)) == 1
    assert len(trousseau.pour(UsageRotation.DECHIFFRER_ENTRANT, INSTANT)) == 1
    save(tmp_path, trousseau)
    assert {each.empreinte for each in load_trousseau(tmp_path).clefs} == {
        each.empreinte for each in trousseau.clefs
    }
    assert load_trousseau(tmp_path / "ailleurs") == Trousseau()


def test_une_cle_ne_retire_que_ce_qu_elle_remplace() -> None:
    """[CER-51] A new key for the signature leaves the key that decrypts in use."""
    trousseau = first(UsageCle.CHIFFREMENT).prepare(NOUVELLE, [UsageCle.SIGNATURE], instant=INSTANT)
    trousseau = trousseau.basculer(NOUVELLE.certificat.empreinte, instant=INSTANT)
    assert trousseau.pour(UsageRotation.DECHIFFRER_ENTRANT, INSTANT + 90 * JOUR) == (ANCIENNE,)
    active = trousseau.active(UsageCle.SIGNATURE)
    assert active is not None
    assert active.paire == NOUVELLE


def test_basculer_ce_qui_n_est_pas_prepare() -> None:
    for empreinte in ("ab" * 32, ANCIENNE.certificat.empreinte):
        with pytest.raises(ValueError, match="Aucune clé préparée"):
            first().basculer(empreinte, instant=INSTANT)
