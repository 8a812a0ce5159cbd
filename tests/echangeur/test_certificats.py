"""Certificates by use, the hub's own keys, the rehearsal, the test authorities: as an operator types."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.autorite import create_autorite, load_autorite
from certs.chemin import read_lcr
from certs.lecture import Certificat, read_certificat
from registry.clock import FixedClock
from registry.database import open_engine
from registry.propositions import propose
from tests.echangeur.conftest import Commande


def issued(instance: Commande, guichet: str, dossier: Path, *options: object) -> str:
    """The empreinte of a certificate issued for a guichet."""
    done = instance("certificat", "emettre", guichet, "--dossier", dossier, *options)
    assert done.code == 0, done.erreur
    lu = read_certificat((dossier / "cert.pem").read_bytes())
    assert isinstance(lu, Certificat)
    return lu.empreinte


def test_usages_et_fenetre(instance: Commande, guichet: str, tmp_path: Path, horloge: FixedClock) -> None:
    """[CER-1] [CER-2] Registered for one use, from one day on."""
    made = create_autorite(now=horloge.now()).issue_guichet(guichet, now=horloge.now())
    fichier = tmp_path / "suivant.pem"
    fichier.write_bytes(made.certificat)
    done = instance(
        *("certificat", "enregistrer", guichet, fichier, "--json"),
        *("--usage", "chiffrement", "--usage", "signature", "--a-partir-du", "2026-12-24"),
    )
    assert done.code == 0, done.erreur
    assert done.json["usages"] == ["chiffrement", "signature"]
    assert done.json["actif_du"].startswith("2026-12-24")
    assert "préparé" in instance("certificat", "lister").sortie
    horloge.set(horloge.now() + timedelta(days=40))
    assert "préparé" not in instance("certificat", "lister").sortie


def test_revoquer_et_publier_la_liste(instance: Commande, guichet: str, tmp_path: Path) -> None:
    """[CER-4] [CER-63] What is revoked is on the list of the authority that issued it."""
    empreinte = issued(instance, guichet, tmp_path / "c")
    lcr = tmp_path / "liste.crl"
    assert "0 certificat(s)" in instance("certificat", "lcr", lcr).sortie
    assert instance("certificat", "revoquer", empreinte.upper()).code == 0
    assert instance("certificat", "revoquer", "00" * 32).code == 1
    assert "révoqué" in instance("certificat", "lister").sortie
    assert "1 certificat(s)" in instance("certificat", "lcr", lcr, "--jours", 3).sortie
    lue = read_lcr(lcr.read_bytes())
    assert lue is not None
    assert lue.entrees == 1


@pytest.mark.foreign
def test_emettre_pour_une_demande_d_openssl(instance: Commande, guichet: str, tmp_path: Path) -> None:
    """[CER-62] The private key stays where it was made."""
    cle, demande, dossier = tmp_path / "cle.pem", tmp_path / "demande.pem", tmp_path / "c"
    subprocess.run(
        [
            *("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", cle),
            *("-out", demande, "-subj", "/CN=autre chose"),
        ],
        check=True,
        capture_output=True,
    )
    issued(instance, guichet, dossier, "--demande", demande)
    assert sorted(path.name for path in dossier.iterdir()) == ["ca.pem", "cert.pem"]
    (certificat,) = instance("certificat", "lister", "--json").json
    assert f"CN={guichet}" in certificat["sujet"]
    mauvaise = instance("certificat", "emettre", guichet, "--dossier", tmp_path / "d", "--demande", cle)
    assert mauvaise.code == 2
    assert "PKCS#10" in mauvaise.erreur


def test_emettre_avec_p12_et_autre_cle(instance: Commande, guichet: str, tmp_path: Path) -> None:
    """[CER-61] The password is shown once."""
    done = instance("certificat", "emettre", guichet, "--dossier", tmp_path / "c", "--cle", "p384", "--p12")
    assert "Mot de passe de identite.p12" in done.sortie
    assert (tmp_path / "c" / "identite.p12").exists()
    refused = instance("certificat", "emettre", guichet, "--dossier", tmp_path / "d", "--cle", "rsa512")
    assert refused.code == 2


def test_autorites_d_essai(commande: Commande, tmp_path: Path) -> None:
    """[CER-60] From a file; never over what exists."""
    description = tmp_path / "essai.toml"
    description.write_text('[autorites.a]\n[certificats.c]\nemetteur = "a"\n')
    done = commande("certificat", "autorite", description, "--dossier", tmp_path / "pki")
    assert done.code == 0, done.erreur
    assert (tmp_path / "pki" / "c" / "key.pem").exists()
    assert commande("certificat", "autorite", description, "--dossier", tmp_path / "pki").code == 2
    description.write_text("[autorites.a]\ncouleur = 1\n")
    wrong = commande("certificat", "autorite", description, "--dossier", tmp_path / "autre")
    assert wrong.code == 2
    assert "clé inconnue couleur" in wrong.erreur


def test_capacites(instance: Commande, guichet: str) -> None:
    """[CER-17] Of a guichet, by the operator."""
    assert instance("guichet", "capacites", guichet, "moderne").code == 0
    assert instance("guichet", "lister", "--json").json[0]["capacites"] == "moderne"
    assert instance("guichet", "capacites", guichet, "futuriste").code == 1
    assert instance("guichet", "capacites", "G9999", "moderne").code == 1


def test_rotation_des_cles_de_l_echangeur(instance: Commande, horloge: FixedClock) -> None:
    """[CER-51] [CER-53] Prepared, switched, kept, destroyed."""
    assert instance("certificat", "rotation", "basculer").code == 1
    first = instance("certificat", "rotation", "etat", "--json").json
    assert [each["etat"] for each in first["cles"]] == ["actif", "actif"]
    assert instance("certificat", "rotation", "preparer", "--usage", "signature").code == 0
    state = instance("certificat", "rotation", "etat", "--json").json
    (prepared,) = (each for each in state["cles"] if each["etat"] == "prepare")
    assert state["usages"] == first["usages"]
    assert instance("certificat", "rotation", "basculer", prepared["empreinte"]).code == 0
    state = instance("certificat", "rotation", "etat", "--json").json
    assert state["usages"]["signer-sortant"] == [prepared["empreinte"]]
    assert state["usages"]["dechiffrer-entrant"] == first["usages"]["dechiffrer-entrant"]
    assert "retire" in instance("certificat", "rotation", "etat").sortie
    assert "0 clé(s)" in instance("certificat", "rotation", "purger").sortie
    horloge.set(horloge.now() + timedelta(days=31))
    assert "1 clé(s)" in instance("certificat", "rotation", "purger").sortie
    assert instance("certificat", "rotation", "basculer", "ab" * 32).code == 1
    assert instance("certificat", "rotation", "preparer", "--cle", "rsa512").code == 2


def test_rotation_avec_une_cle_d_ailleurs(instance: Commande, tmp_path: Path, horloge: FixedClock) -> None:
    """[CER-51] A certificate that another authority issued to the hub."""
    create_autorite(now=horloge.now()).issue_guichet("ECHANGEUR", now=horloge.now()).write(tmp_path / "id")
    assert instance("certificat", "rotation", "preparer", "--identite", tmp_path / "id").code == 0
    keys = instance("certificat", "rotation", "etat", "--json").json["cles"]
    (key,) = (each for each in keys if each["etat"] == "prepare")
    assert key["usages"] == ["chiffrement", "signature"]
    assert instance("certificat", "rotation", "preparer", "--identite", tmp_path / "rien").code == 2


def test_repeter(instance: Commande, guichet: str, tmp_path: Path, horloge: FixedClock) -> None:
    """[CER-55] Before anything is switched, with the next keys of both sides."""
    assert instance("certificat", "repeter", guichet).code == 1
    issued(instance, guichet, tmp_path / "present")
    instance("certificat", "rotation", "preparer")
    done = instance("certificat", "repeter", guichet, "--json")
    assert done.code == 0, done.erreur
    names = {each["epreuve"] for each in done.json}
    assert {"tls", "dechiffrer-entrant", "verifier-accuse", "certificat : chiffrement"} <= names
    assert all(each["reussie"] for each in done.json)
    # Everything, with the next certificate of the guichet and its key.
    horloge.set(horloge.now() + timedelta(days=1))
    suivant = issued(instance, guichet, tmp_path / "suivant")
    proved = instance("certificat", "repeter", guichet, "--identite", tmp_path / "suivant")
    assert proved.code == 0, proved.erreur
    assert suivant in proved.sortie
    assert instance("certificat", "repeter", guichet, "--identite", tmp_path / "present").code == 2
    # Nothing was switched.
    state = instance("certificat", "rotation", "etat", "--json").json
    assert sorted(each["etat"] for each in state["cles"]) == ["actif", "actif", "prepare", "prepare"]


def test_repetition_qui_echoue(instance: Commande, guichet: str, tmp_path: Path) -> None:
    """[CER-55] One trial that fails is a negative finding: do not switch."""
    issued(instance, guichet, tmp_path / "present")
    instance("certificat", "rotation", "preparer")
    # Another key beside the certificate of the server: the handshake cannot succeed.
    key = tmp_path / "present" / "key.pem"
    (tmp_path / "instance" / "serveur" / "key.pem").write_bytes(key.read_bytes())
    done = instance("certificat", "repeter", guichet)
    assert done.code == 1
    assert "ne basculez pas" in done.erreur


def test_fin_des_certificats_dans_les_taches(
    instance: Commande, guichet: str, tmp_path: Path, horloge: FixedClock
) -> None:
    """[CER-54] Told once to the operator, kept for the partner."""
    issued(instance, guichet, tmp_path / "c", "--jours", 50)
    essai = instance("registre", "taches", "certificats", "--essai", "--json").json
    assert essai == {"essai": True, "avis_certificats": 1, "avis_postes": 0}
    done = instance("registre", "taches", "certificats")
    assert "1 avis de fin de certificat" in done.sortie
    assert "préparez le suivant" in done.erreur
    assert instance("registre", "taches", "certificats", "--json").json["avis_certificats"] == 0
    # Not on the mail channel: it is told by the operator, who says so.
    (waiting,) = instance("certificat", "avis", "--json").json
    assert (waiting["guichet"], waiting["palier"]) == (guichet, 60)
    assert "préparez le suivant" in instance("certificat", "avis", "--transmis").sortie.replace("\n", " ")
    assert instance("certificat", "avis", "--json").json == []


def test_raccordement(instance: Commande, guichet: str, tmp_path: Path) -> None:
    """[RAC-1] [RAC-2] The same steps as in the console, and the trial of an endpoint that nobody serves."""
    found = instance("guichet", "raccordement", guichet)
    assert found.code == 1
    assert "un certificat pour appeler les services" in found.erreur.replace("\n", " ")
    issued(instance, guichet, tmp_path / "present")
    states = {each["etape"]: each for each in instance("guichet", "raccordement", guichet, "--json").json}
    assert states["certificats"]["faite"]
    assert (states["essai"]["faite"], states["essai"]["tour"]) == (False, "partenaire")
    assert instance("guichet", "essayer", guichet).code == 1
    instance("guichet", "adresse", guichet, "https://localhost:9/services/")
    tried = instance("guichet", "essayer", guichet, "--json")
    assert tried.code == 1
    assert [(each["etape"], each["reussie"]) for each in tried.json] == [
        ("adresse", True),
        ("connexion", False),
    ]
    told = instance("guichet", "raccordement", guichet).erreur.replace("\n", " ")
    assert "rien n'écoute" in told


def test_proposition(instance: Commande, guichet: str, tmp_path: Path, database_url: str) -> None:
    """[RAC-6] What agents propose in the console, decided here."""
    assert instance("certificat", "proposition", "lister", "--json").json == []
    autorite = load_autorite(tmp_path / "instance" / "autorite")
    engine = open_engine(database_url)
    for _ in range(2):
        now = datetime(2026, 11, 23, 9, tzinfo=UTC)
        with engine.begin() as conn:
            pem = autorite.issue_guichet(guichet, now=now).certificat
            propose(conn, guichet, pem, par="agent@exemple.fr", instant=now)
    engine.dispose()
    first, second = instance("certificat", "proposition", "lister", "--json").json
    assert first["proposee_par"] == "agent@exemple.fr"
    done = instance("certificat", "proposition", "accepter", first["id"])
    assert first["empreinte"] in done.sortie.replace("\n", "")
    assert instance("certificat", "proposition", "refuser", second["id"]).code == 0
    assert "Aucune proposition" in instance("certificat", "proposition", "lister").erreur
    assert instance("certificat", "proposition", "accepter", second["id"]).code == 1
    assert instance("certificat", "proposition", "refuser", second["id"]).code == 1


def test_rouvrir(instance: Commande, guichet: str) -> None:
    """[RAC-1] A guichet closed by mistake."""
    instance("guichet", "fermer", guichet)
    assert instance("guichet", "rouvrir", guichet).code == 0
    assert instance("guichet", "montrer", guichet, "--json").json["actif"]
    assert instance("guichet", "rouvrir", "G9999").code == 1
