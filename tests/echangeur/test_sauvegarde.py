"""Backups and restorations by the command line: what is refused, and what is said."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from certs.autorite import create_autorite
from echangeur.instance import open_instance
from echangeur.lieux import IMAGES
from echangeur.sauvegarde.dossier import outside, pack, unpack
from registry.clock import FixedClock
from registry.database import open_engine
from registry.embedded import EmbeddedPostgres
from tests.echangeur.conftest import Commande

RESERVE = "SELECT dernier FROM compteur_numero WHERE territoire = '*'"


@pytest.fixture
def gardien(tmp_path: Path, horloge: FixedClock) -> Path:
    """Folder of a certificate that may encrypt and sign, and of its key."""
    folder = tmp_path / "gardien"
    create_autorite(now=horloge.now()).issue_guichet("GARDE", now=horloge.now()).write(folder)
    return folder


@pytest.fixture
def copie(instance: Commande, guichet: str, gardien: Path, tmp_path: Path) -> Path:
    """A backup of an instance that has one guichet, and keys that seal second factors."""
    cible, scellement = tmp_path / "copie", tmp_path / "instance" / "console" / "scellement.cles"
    scellement.parent.mkdir(exist_ok=True)
    scellement.write_text("jamais avec la base")
    done = instance("sauvegarde", "faire", cible, "--pour", gardien / "cert.pem")
    assert done.code == 0, done.erreur
    return cible


@pytest.fixture
def vide(postgres: EmbeddedPostgres, administration: Engine, database_url: str) -> Iterator[str]:
    """The address of a database where nothing is."""
    nom = f"{database_url.rpartition('?')[0].rpartition('/')[2]}_vide"
    with administration.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {nom}"))
    yield postgres.url(nom)
    with administration.connect() as conn:
        conn.execute(text(f"DROP DATABASE {nom} WITH (FORCE)"))


def cles(gardien: Path) -> tuple[object, ...]:
    return "--certificat", gardien / "cert.pem", "--cle", gardien / "key.pem"


def test_restauree_dans_une_autre_base(
    commande: Commande, copie: Path, gardien: Path, tmp_path: Path, vide: str, horloge: FixedClock
) -> None:
    """[EXP-22] [EXP-24] The folder with its keys, the base with its rows, and the new address of the base;
    then every number is passed over, even of counters that gave nothing yet."""
    cible = tmp_path / "restauree"
    done = commande("sauvegarde", "restaurer", copie, cible, *cles(gardien), "--base", vide)
    assert done.code == 0, done.erreur
    assert "Le registre est intact." in done.sortie
    assert "sauvegarde reprendre" in done.erreur
    instance = open_instance(cible)
    assert instance.configuration.base.url == vide
    before = open_instance(tmp_path / "instance")
    for name in ("autorite/ca.key.pem", "courrier/signature/key.pem", "serveur/key.pem"):
        assert (cible / name).read_bytes() == (before.dossier / name).read_bytes()
        assert (cible / name).stat().st_mode & 0o777 == 0o600
    assert not (cible / "echangeur.toml.restauration").exists()
    assert not (cible / "console" / "scellement.cles").exists()
    assert str(before.dossier / "console" / "scellement.cles") in done.erreur
    listed = commande("--instance", cible, "guichet", "lister", "--json")
    assert [each["code"] for each in listed.json] == ["G1104"]
    with instance.database() as engine, engine.connect() as conn:
        assert conn.scalar(text(RESERVE)) == 10_000
    done = commande("--instance", cible, "sauvegarde", "reserver", "2026-11-23T09:00:00", "--reserve", 5)
    assert done.code == 0, done.erreur
    with instance.database() as engine, engine.connect() as conn:
        assert conn.scalar(text(RESERVE)) == 10_005
        details = conn.scalars(text("SELECT detail FROM journal WHERE nature = 'REPRISE' ORDER BY sequence"))
        assert [json.loads(each)["reserve"] for each in details] == [10_000, 5]
    assert commande("--instance", cible, "registre", "verifier").code == 0


def test_sans_perte_rien_n_est_passe(
    commande: Commande, copie: Path, gardien: Path, tmp_path: Path, vide: str
) -> None:
    """[EXP-24] Moved to another machine, the hub being stopped: nothing was given that is not there."""
    cible = tmp_path / "restauree"
    words = (*cles(gardien), "--base", vide, "--reserve", 0)
    done = commande("sauvegarde", "restaurer", copie, cible, *words)
    assert done.code == 0, done.erreur
    assert "passés" not in done.sortie
    with open_instance(cible).database() as engine, engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM journal")) == 0


def test_rien_n_est_en_clair(copie: Path, gardien: Path) -> None:
    """[EXP-21] Each file is a message that openssl opens with the key, and nobody without."""
    files = sorted(path for path in copie.iterdir() if path.suffix == ".cms")
    assert {path.name.partition(".")[0] for path in files} == {"base", "dossier"}
    for path in files:
        assert path.stat().st_mode & 0o777 == 0o600
        words = ["openssl", "cms", "-decrypt", "-inform", "DER", "-in", path, "-inkey", gardien / "key.pem"]
        opened = subprocess.run([*words, "-recip", gardien / "cert.pem"], capture_output=True, check=True)
        assert opened.stdout.startswith(b"PGDMP" if path.name.startswith("base") else b"\x1f\x8b")
    octets = b"".join(path.read_bytes() for path in copie.iterdir())
    assert b"PGDMP" not in octets
    assert b"Habitat" not in octets


def test_ce_qui_a_change_se_voit(
    commande: Commande, copie: Path, gardien: Path, tmp_path: Path, vide: str
) -> None:
    """[EXP-21] A bit of a file, a file that is missing, another manifest: said before anything is written."""
    manifeste = copie / "manifeste.json"
    good = commande("sauvegarde", "verifier", copie, "--json")
    assert good.code == 0
    empreinte = good.json["empreinte"]
    assert commande("sauvegarde", "verifier", copie, "--empreinte", empreinte).code == 0
    assert commande("sauvegarde", "verifier", copie, "--empreinte", "00" * 32).code == 2
    base = copie / "base.000001.cms"
    octets = base.read_bytes()
    base.write_bytes(octets[:-1] + bytes([octets[-1] ^ 1]))
    bad = commande("sauvegarde", "verifier", copie)
    assert (bad.code, bad.sortie) == (1, "base.000001.cms n'est plus ce qui a été sauvegardé\n")
    cible = tmp_path / "restauree"
    bad = commande("sauvegarde", "restaurer", copie, cible, *cles(gardien), "--base", vide)
    assert bad.code == 1
    assert not cible.exists()
    base.unlink()
    assert "base.000001.cms manque" in commande("sauvegarde", "verifier", copie).sortie
    base.write_bytes(octets)
    # Rows that are not those that were saved.
    manifeste.write_text(manifeste.read_text().replace('"guichet": 1', '"guichet": 2'))
    bad = commande("sauvegarde", "restaurer", copie, cible, *cles(gardien), "--base", vide)
    assert bad.code == 1
    assert "guichet : 1 ligne(s), 2 sauvegardée(s)" in bad.erreur
    assert not (cible / "echangeur.toml").exists(), "ce n'est pas une instance"
    manifeste.unlink()
    assert "n'est pas une sauvegarde entière" in commande("sauvegarde", "verifier", copie).erreur


def test_refus_de_restaurer(
    commande: Commande, copie: Path, gardien: Path, tmp_path: Path, vide: str, horloge: FixedClock
) -> None:
    """[EXP-22] [EXP-31] Another key; a base or a folder that holds something; a later program."""
    cible, autre = tmp_path / "restauree", tmp_path / "autre"
    create_autorite(now=horloge.now()).issue_guichet("AUTRE", now=horloge.now()).write(autre)
    bad = commande("sauvegarde", "restaurer", copie, cible, *cles(autre), "--base", vide)
    assert (bad.code, "n'ouvre pas" in bad.erreur) == (2, True)
    # Without --base: that of the configuration, which is in use.
    bad = commande("sauvegarde", "restaurer", copie, cible, *cles(gardien))
    assert (bad.code, "n'est pas vide" in bad.erreur) == (2, True)
    bad = commande("sauvegarde", "restaurer", copie, tmp_path / "instance", *cles(gardien), "--base", vide)
    assert (bad.code, "contient déjà une instance" in bad.erreur) == (2, True)
    manifeste = copie / "manifeste.json"
    later = json.loads(manifeste.read_text()) | {"schema": "9999_plus_tard"}
    manifeste.write_text(json.dumps(later))
    bad = commande("sauvegarde", "restaurer", copie, cible, *cles(gardien), "--base", vide)
    assert (bad.code, "9999_plus_tard" in bad.erreur) == (2, True)


def test_refus_de_sauvegarder(
    instance: Commande, copie: Path, gardien: Path, tmp_path: Path, horloge: FixedClock
) -> None:
    """[EXP-21] A backup that nobody could open, or over another."""
    bad = instance("sauvegarde", "faire", copie, "--pour", gardien / "cert.pem")
    assert (bad.code, "n'est pas vide" in bad.erreur) == (2, True)
    bad = instance("sauvegarde", "faire", tmp_path / "b", "--pour", gardien / "key.pem")
    assert bad.code == 2
    horloge.advance(timedelta(days=10_000))
    bad = instance("sauvegarde", "faire", tmp_path / "b", "--pour", gardien / "cert.pem")
    assert bad.code == 2
    assert not (tmp_path / "b").exists()


def test_fichiers_d_ailleurs_sont_nommes(
    instance: Commande, dossier: Path, gardien: Path, tmp_path: Path
) -> None:
    """[EXP-20] What the configuration names outside of the folder is not taken, and is said."""
    fichier = dossier / "echangeur.toml"
    texte = fichier.read_text()
    for avant, apres in (
        ('certificat = "serveur/cert.pem"', 'certificat = "/etc/tls/cert.pem"'),
        ('cle = "serveur/key.pem"', 'cle = "../tls/key.pem"'),
        ('secret = ""', 'secret = "/etc/oidc/secret"'),
        ('signataires = "conformite/signataires.pem"', 'signataires = "/etc/conformite/signataires.pem"'),
        ('autorites = "autorite/ca.pem"', 'autorites = "serveur/../autorite/ca.pem"'),
    ):
        assert avant in texte
        texte = texte.replace(avant, apres, 1)
    fichier.write_text(texte)
    done = instance("sauvegarde", "faire", tmp_path / "copie", "--pour", gardien / "cert.pem", "--json")
    assert done.json["hors_dossier"] == sorted(
        [
            "/etc/conformite/signataires.pem",
            "/etc/oidc/secret",
            "/etc/tls/cert.pem",
            str(dossier / "console" / "scellement.cles"),
            str(tmp_path / "tls" / "key.pem"),
        ]
    )
    assert "à sauvegarder à part : /etc/tls/cert.pem" in done.erreur
    # Whatever way the folder itself is named.
    assert outside(open_instance(dossier / "serveur" / "..")) == tuple(done.json["hors_dossier"])


def test_ce_qui_est_pris_du_dossier(instance: Commande, dossier: Path, tmp_path: Path) -> None:
    """[EXP-20] What links lead to, as files; neither the images, which are made again, nor the keys that seal
    second factors, by whatever way; a link that leads nowhere or turns round hinders no restoration."""
    ailleurs = tmp_path / "ailleurs"
    ailleurs.mkdir()
    cle = dossier / "serveur" / "key.pem"
    octets = cle.read_bytes()
    cle.rename(ailleurs / "key.pem")
    cle.symlink_to(ailleurs / "key.pem")
    (ailleurs / "scellement.cles").write_text("jamais avec la base")
    (dossier / "console").symlink_to(ailleurs)
    (dossier / "autre").symlink_to(dossier / "console" / "scellement.cles")
    (dossier / "serveur" / "boucle").symlink_to(dossier)
    (dossier / "serveur" / "dessus").symlink_to(dossier.parent)
    (ailleurs / "dessus").symlink_to(ailleurs.parent)
    (dossier / "serveur" / "perdu").symlink_to(dossier / "rien")
    (dossier / "serveur" / "soi").symlink_to("soi")
    os.mkfifo(dossier / "serveur" / "tube")
    for image in IMAGES:
        (dossier / image).mkdir()
        (dossier / image / "numeros.col").write_bytes(b"0" * 1000)
    restaure = tmp_path / "restaure"
    unpack(pack(open_instance(dossier)).read(), restaure)
    assert (restaure / "serveur" / "key.pem").read_bytes() == octets
    assert not any(each.is_symlink() for each in restaure.rglob("*"))
    assert {each.name for each in restaure.iterdir()} == {
        *("autorite", "client", "console", "courrier", "serveur"),
        "echangeur.toml.restauration",
    }
    assert {each.name for each in (restaure / "console").iterdir()} == {"key.pem"}
    assert {each.name for each in (restaure / "serveur").iterdir()} == {
        each.name for each in (dossier / "client").iterdir()
    }


def test_suite_des_numeros_d_ordre(instance: Commande, guichet: str, database_url: str) -> None:
    """[EXP-25] Passed over once; what was given again meanwhile is said."""
    done = instance("sauvegarde", "reprendre", guichet, 12)
    assert (done.code, done.sortie) == (0, "G1104 : 1 à 12 passés.\n")
    done = instance("sauvegarde", "reprendre", guichet, 12)
    assert (done.code, done.sortie) == (0, "G1104 : rien à passer, la base est au numéro 12.\n")
    instance("sauvegarde", "reserver", "2026-11-23T09:00:00")
    engine = open_engine(database_url)
    with engine.begin() as conn:
        conn.execute(
            text("""
                INSERT INTO distribution (id, guichet, sequence, numero, version, nature, raison, cree_le,
                    prochaine_tentative)
                VALUES (gen_random_uuid(), 'G1104', 13, 'N', 1, 'CRE', 'filtre',
                    '2026-11-24', '2026-11-24')
            """)
        )
        conn.execute(text("UPDATE compteur_distribution SET dernier = 13"))
    engine.dispose()
    done = instance("sauvegarde", "reprendre", guichet, 15)
    assert done.code == 1
    assert done.sortie == "G1104 : 14 à 15 passés.\n"
    assert "1 numéro(s) jusqu'à 15 ont été donnés de nouveau" in done.erreur
    assert instance("sauvegarde", "reprendre", "G9999", 1).code == 1
