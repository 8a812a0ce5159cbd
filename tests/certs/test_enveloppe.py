"""Encrypted messages: what we write others decrypt, what others write we decrypt, and failures look alike."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.algorithmes import PROFILS
from certs.ber import Limites
from certs.chiffrement import encrypt_for
from certs.cms import MAX_DESTINATAIRES, MotifCms, RefusCms
from certs.enveloppe import Dechiffre, decrypt, encrypt
from certs.paire import Paire
from tests.certs.identites import INSTANT, elliptique, pem_of_key, rsa_de

CONTENU = "Content-Type: application/pkcs7-mime\r\n\r\nété\r\n".encode()
PAIRES = {"EC": elliptique, "RSA": rsa_de}


def opened(octets: bytes, *trousseau: Paire, profil: str = "compatible") -> Dechiffre:
    found = decrypt(octets, trousseau, profil=PROFILS[profil])
    assert isinstance(found, Dechiffre), found
    return found


def refused(octets: bytes, *trousseau: Paire, profil: str = "compatible") -> RefusCms:
    found = decrypt(octets, trousseau, profil=PROFILS[profil])
    assert isinstance(found, RefusCms), found
    return found


def openssl(*arguments: str | Path, data: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", "cms", *map(str, arguments)], input=data, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dossier = tmp_path_factory.mktemp("identites")
    for nom, make in PAIRES.items():
        (dossier / f"{nom}.pem").write_bytes(make().certificat.pem)
        (dossier / f"{nom}.key").write_bytes(pem_of_key(make().cle))
    return dossier


@pytest.mark.parametrize("profil", PROFILS)
def test_ce_que_nous_chiffrons_se_dechiffre(profil: str, dossier: Path) -> None:
    """[CER-20] By each recipient, with our code and with openssl."""
    paires = [elliptique(), rsa_de()]
    octets = encrypt(CONTENU, [paire.certificat for paire in paires], PROFILS[profil])
    assert CONTENU not in octets
    for paire in paires:
        found = opened(octets, paire)
        assert found.octets_non_verifies == CONTENU
        assert found.destinataire == paire.certificat
    message = dossier / f"{profil}.der"
    message.write_bytes(octets)
    for cle in PAIRES:
        clair = openssl(
            "-decrypt", "-binary", "-inform", "DER", "-in", message,
            "-recip", dossier / f"{cle}.pem", "-inkey", dossier / f"{cle}.key",
        )  # fmt: skip
        assert clair == CONTENU


CHIFFRES = ["-aes128", "-aes192", "-aes256", "-aes-128-gcm", "-aes-256-gcm"]
DESTINATAIRES = {
    "EC": [],
    "EC sha256": ["-keyopt", "ecdh_kdf_md:sha256"],
    "EC cofacteur": ["-keyopt", "ecdh_kdf_md:sha384", "-keyopt", "ecdh_cofactor_mode:1"],
    "RSA": [],
    "RSA OAEP": ["-keyopt", "rsa_padding_mode:oaep"],
    "RSA OAEP sha256": ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"],
}


@pytest.mark.parametrize("chiffre", CHIFFRES)
@pytest.mark.parametrize("destinataire", DESTINATAIRES)
@pytest.mark.parametrize("forme", [[], ["-stream"], ["-keyid"]], ids=lambda forme: " ".join(forme) or "der")
def test_ce_que_chiffre_openssl_se_dechiffre(
    chiffre: str, destinataire: str, forme: list[str], dossier: Path
) -> None:
    """[CER-21] AES-CBC and AES-GCM by PKCS#1, OAEP and ECDH; indefinite lengths; key identifiers."""
    cle = destinataire.split()[0]
    octets = openssl(
        "-encrypt", "-binary", "-outform", "DER", chiffre, *forme,
        "-recip", dossier / f"{cle}.pem", *DESTINATAIRES[destinataire], data=CONTENU,
    )  # fmt: skip
    found = opened(octets, rsa_de(), elliptique())
    assert found.octets_non_verifies == CONTENU
    assert found.destinataire == PAIRES[cle]().certificat


def test_autres_destinataires_de_toute_espece(dossier: Path) -> None:
    """[CER-22] A password, a shared key, and a guichet that is not us: ours is found among them."""
    octets = openssl(
        "-encrypt", "-binary", "-outform", "DER", "-aes256", "-pwri_password", "secret",
        "-secretkey", "00112233445566778899aabbccddeeff", "-secretkeyid", "ab",
        "-recip", dossier / "EC.pem", "-recip", dossier / "RSA.pem", data=CONTENU,
    )  # fmt: skip
    for paire in (elliptique(), rsa_de()):
        assert opened(octets, elliptique("autre"), paire).octets_non_verifies == CONTENU


def test_a_l_essai_quand_rien_ne_nous_designe() -> None:
    """[CER-22] A certificate renewed with its key: the message still designates the former one."""
    for paire in (elliptique(), rsa_de()):
        renouvele = replace(paire, certificat=elliptique("renouvele").certificat)
        octets = encrypt(CONTENU, [paire.certificat], PROFILS["moderne"])
        assert opened(octets, elliptique("autre"), renouvele).octets_non_verifies == CONTENU


def test_a_l_essai_le_bruit_ne_cache_pas_le_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """[CER-22] Under a wrong key tried first, one message of 256 decrypts to noise, padding and all."""
    paire = rsa_de()
    octets = encrypt(CONTENU, [paire.certificat])
    renouvele = replace(paire, certificat=rsa_de(code="renouvele").certificat)
    mauvaise = rsa_de(code="autre")

    def noise(rang: int) -> Dechiffre | RefusCms:
        cle = rang.to_bytes(32, "big")
        monkeypatch.setattr("certs.enveloppe.secrets.token_bytes", lambda octets: cle[-octets:])
        return decrypt(octets, [mauvaise])

    bruit = next(found for found in map(noise, range(100_000)) if isinstance(found, Dechiffre))
    assert bruit.octets_non_verifies != CONTENU
    assert opened(octets, mauvaise, renouvele).octets_non_verifies == CONTENU


def test_trousseau_de_plusieurs_cles() -> None:
    """[CER-22] A key withdrawn from use, and kept, still decrypts."""
    trousseau = [elliptique("G1"), elliptique("G2"), elliptique("G3")]
    octets = encrypt(CONTENU, [trousseau[2].certificat])
    assert opened(octets, *trousseau).destinataire == trousseau[2].certificat


def test_un_echec_ne_dit_pas_lequel() -> None:
    """[CER-23] Wrong key, padding, wrap, tag, content: one answer outward, the cause inside."""
    rsa_paire, ec_paire = rsa_de(), elliptique()
    answers = set()
    causes = set()
    for profil in ("moderne", "compatible"):
        for paire in (rsa_paire, ec_paire):
            octets = encrypt(CONTENU, [paire.certificat], PROFILS[profil])
            for position in (len(octets) - 1, len(octets) - 20, octets.index(b"\x04\x82\x01\x00") + 9
                             if paire is rsa_paire else len(octets) // 2):  # fmt: skip
                broken = bytearray(octets)
                broken[position] ^= 0x55
                found = decrypt(bytes(broken), [paire], profil=PROFILS[profil])
                if isinstance(found, RefusCms) and found.motif is MotifCms.DECHIFFREMENT:
                    answers.add(replace(found, detail=""))
                    causes.add(found.detail)
    stranger = refused(encrypt(CONTENU, [ec_paire.certificat]), elliptique("autre"))
    answers.add(replace(stranger, detail=""))
    answers.add(replace(refused(encrypt(CONTENU, [ec_paire.certificat])), detail=""))
    assert len(answers) == 1
    assert len(causes) > 2
    assert next(iter(answers)).motif is MotifCms.DECHIFFREMENT


def _with_key(octets: bytes, encrypted_key: bytes) -> bytes:
    """The same message with another encrypted content key."""
    info = cms.ContentInfo.load(octets)
    ktri = info["content"]["recipient_infos"][0].chosen
    ktri["encrypted_key"] = encrypted_key
    dumped = info.dump(force=True)
    assert isinstance(dumped, bytes)
    return dumped


def test_pas_d_oracle_de_bleichenbacher() -> None:
    """[CER-23] A bad PKCS#1 padding goes on with a random key, and fails where a bad content fails."""
    paire = rsa_de()
    assert isinstance(paire.cle, rsa.RSAPrivateKey)
    octets = encrypt(CONTENU, [paire.certificat])
    public = paire.cle.public_key()
    keys = {
        "padding": b"\x01" * 256,
        "taille": public.encrypt(b"k" * 24, padding.PKCS1v15()),
        "autre": public.encrypt(b"k" * 32, padding.PKCS1v15()),
    }
    for key in keys.values():
        for _ in range(3):
            found = decrypt(_with_key(octets, key), [paire])
            # One random key in 256 ends in a padding of CBC that looks right: noise, that nobody signed.
            if isinstance(found, RefusCms):
                assert found.motif is MotifCms.DECHIFFREMENT
                # Failed on the content, after the key.
                assert "padding" in found.detail.lower()


def test_algorithmes_anciens_selon_le_profil(dossier: Path) -> None:
    """[CER-17] 3DES, what `openssl cms` 3.0 sends unless told otherwise: only from a flagged partner."""
    octets = openssl(
        "-encrypt", "-binary", "-outform", "DER", "-des3", "-recip", dossier / "RSA.pem", data=CONTENU
    )
    refusal = refused(octets, rsa_de())
    assert refusal.motif is MotifCms.ALGORITHME
    assert "3des-cbc" in refusal.constat
    assert opened(octets, rsa_de(), profil="ancien").octets_non_verifies == CONTENU


def test_rc2_n_est_admis_de_personne(dossier: Path) -> None:
    """[CER-17] It has no line in the table."""
    octets = encrypt(CONTENU, [rsa_de().certificat])
    info = cms.ContentInfo.load(octets)
    info["content"]["encrypted_content_info"]["content_encryption_algorithm"] = {
        "algorithm": "rc2",
        "parameters": {"rc2_parameter_version": 58, "iv": b"12345678"},
    }
    for profil in PROFILS:
        assert refused(info.dump(force=True), rsa_de(), profil=profil).motif is MotifCms.ALGORITHME


def test_sceau_tronque() -> None:
    """[CER-23] A tag shorter than 12 octets is no tag (RFC 5084 §3.2)."""
    octets = encrypt(CONTENU, [elliptique().certificat], PROFILS["moderne"])
    info = cms.ContentInfo.load(octets)
    content = info["content"]
    content["mac"] = content["mac"].native[:4]
    assert refused(info.dump(force=True), elliptique()).motif is MotifCms.FORME


def test_bornes() -> None:
    """[CER-13] Recipients and octets."""
    certificats = [elliptique().certificat] * (MAX_DESTINATAIRES + 1)
    assert refused(encrypt(b"", certificats), elliptique()).motif is MotifCms.NOMBRE
    assert opened(encrypt(CONTENU, certificats[1:]), elliptique())
    petit = decrypt(encrypt(CONTENU, certificats[:1]), [elliptique()], limites=Limites(octets=50))
    assert isinstance(petit, RefusCms)
    assert petit.motif is MotifCms.FORME


def test_reponse_chiffree_pour_une_courbe() -> None:
    """[CER-24] The file of an answer is encrypted by the same code: an elliptic recipient reads it too."""
    for paire in (elliptique(), rsa_de()):
        octets = encrypt_for(paire.certificat.pem, CONTENU, at=INSTANT)
        assert isinstance(octets, bytes)
        assert opened(octets, paire).octets_non_verifies == CONTENU


def test_sans_destinataire_rien_n_est_chiffre() -> None:
    with pytest.raises(ValueError, match="au moins un destinataire"):
        encrypt(CONTENU, [])


@settings(deadline=None)
@given(st.binary(max_size=2000), st.sampled_from(sorted(PROFILS)), st.sampled_from(sorted(PAIRES)))
def test_aller_retour(data: bytes, profil: str, cle: str) -> None:
    """[CER-20] Any content, any profile, either kind of key."""
    paire = PAIRES[cle]()
    assert opened(encrypt(data, [paire.certificat], PROFILS[profil]), paire).octets_non_verifies == data


MESSAGES = [encrypt(CONTENU, [elliptique().certificat], profil) for profil in PROFILS.values()]


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(MESSAGES),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 255)), min_size=1, max_size=3),
)
def test_mutations(octets: bytes, changes: list[tuple[int, int]]) -> None:
    """[CER-13] Only values come out; and of an authenticated message, only what was put in."""
    mutated = bytearray(octets)
    for position, value in changes:
        mutated[position % len(mutated)] = value
    found = decrypt(bytes(mutated), [elliptique()])
    if isinstance(found, Dechiffre) and found.algorithmes.endswith("gcm"):
        assert found.octets_non_verifies == CONTENU


def test_point_hors_de_la_courbe() -> None:
    """[CER-23] An invalid curve attack is one more failure that says nothing."""
    octets = encrypt(CONTENU, [elliptique().certificat])
    cle = elliptique().cle
    assert isinstance(cle, ec.EllipticCurvePrivateKey)
    info = cms.ContentInfo.load(octets)
    kari = info["content"]["recipient_infos"][0].chosen
    key = kari["originator"].chosen
    key["public_key"] = type(key["public_key"])(b"\x04" + b"\x01" * 64)
    assert refused(info.dump(force=True), elliptique()).motif is MotifCms.DECHIFFREMENT
