"""`echangeur courrier`, on mails put in the database as the listener puts them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from mailflows import entrants, sortants
from mailflows.entrants import Depot, EtatEntrant, Source
from mailflows.etats import Evenement, ReglesEnvoi
from mailflows.sortants import ASortir, NatureSortant
from registry.clock import FixedClock
from registry.database import open_engine
from tests.echangeur.conftest import Commande


@pytest.fixture
def base(dossier: Path, database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def received(base: Engine, horloge: FixedClock, code: str = "COU003") -> uuid.UUID:
    """A message in quarantine."""
    with base.begin() as conn:
        depot = Depot(Source.SMTP, b"Subject: x\r\n\r\nsecret", "a@b.example", horloge.now())
        identifiant = entrants.record(conn, depot)
        assert identifiant is not None
        entrants.conclude(
            conn,
            identifiant,
            EtatEntrant.QUARANTAINE,
            instant=horloge.now(),
            code=code,
            motif="CONTENU-MODIFIE",
        )
    return identifiant


def sent(base: Engine, horloge: FixedClock, entrant: uuid.UUID) -> uuid.UUID:
    """A message of ours that failed."""
    identifiant = uuid.uuid4()
    with base.begin() as conn:
        message = ASortir(identifiant, "G1104", NatureSortant.REFUS, entrant, 1, 1, b"entite")
        sortants.write(conn, [message], instant=horloge.now())
        sortants.apply(conn, identifiant, Evenement.REFUS, "550", instant=horloge.now(), regles=ReglesEnvoi())
    return identifiant


def test_quarantaine_dit_la_raison_et_la_conduite(
    instance: Commande, base: Engine, horloge: FixedClock, tmp_path: Path
) -> None:
    key = received(base, horloge)
    (found,) = instance("courrier", "quarantaine", "--json").json
    assert (found["id"], found["code"], found["a_qui_d_agir"]) == (str(key), "COU003", "partenaire")
    assert "CONTENU-MODIFIE" in instance("courrier", "quarantaine").sortie
    shown = instance("courrier", "montrer", key, "--octets", tmp_path / "brut.eml")
    assert "Chiffrer le message" in shown.sortie
    assert (tmp_path / "brut.eml").read_bytes().endswith(b"secret")
    assert (tmp_path / "brut.eml").stat().st_mode & 0o077 == 0


def test_lister_dans_les_deux_sens(instance: Commande, base: Engine, horloge: FixedClock) -> None:
    key = received(base, horloge)
    out = sent(base, horloge, key)
    assert [each["id"] for each in instance("courrier", "lister", "--json").json] == [str(key)]
    assert instance("courrier", "lister", "--etat", "traite", "--json").json == []
    listed = instance("courrier", "lister", "--sens", "sortant", "--etat", "echec", "--json").json
    assert [(each["id"], each["constat"]) for each in listed] == [(str(out), "550")]
    assert "550" in instance("courrier", "lister", "--sens", "sortant").sortie
    assert instance("courrier", "lister", "--etat", "perdu").code == 2
    assert instance("courrier", "montrer", out, "--json").json["etat"] == "echec"
    assert instance("courrier", "montrer", key, "--json").json["reponses"][0]["id"] == str(out)
    assert instance("courrier", "montrer", uuid.uuid4()).code == 1
    assert instance("courrier", "montrer", "x").code == 2


def test_rejouer_un_refus_et_un_echec(instance: Commande, base: Engine, horloge: FixedClock) -> None:
    key = received(base, horloge)
    out = sent(base, horloge, key)
    assert f"{out} : rejoué" in instance("courrier", "rejouer", out).sortie
    assert instance("courrier", "montrer", out, "--json").json["etat"] == "a_envoyer"
    assert instance("courrier", "rejouer", key).code == 0
    assert instance("courrier", "montrer", key, "--json").json["etat"] == "recu"
    # What it had been answered goes with it: it is answered anew.
    assert instance("courrier", "montrer", out).code == 1
    assert instance("courrier", "rejouer", key).code == 1


def test_la_configuration_annonce_la_fermeture(instance: Commande, dossier: Path, guichet: str) -> None:
    """[COU-60] What the command announced is listed beside; a day that does not exist is refused."""
    assert instance("courrier", "fermer", "--le", "2027-01-01", "--guichet", guichet).code == 0
    fichier = dossier / "echangeur.toml"
    texte = fichier.read_text(encoding="utf-8")
    fichier.write_text(texte.replace('fermeture = ""', 'fermeture = "2027-12-01"'), encoding="utf-8")
    found = instance("courrier", "etat", "--json").json["fermetures"]
    assert [(each["guichet"], each["annoncee_le"] == "configuration") for each in found] == [
        ("tous", True),
        (guichet, False),
    ]
    assert found[0]["ferme_le"].startswith(("2027-12-01", "2027-11-30"))
    fichier.write_text(texte.replace('fermeture = ""', 'fermeture = "2027-02-30"'), encoding="utf-8")
    refused = instance("courrier", "etat")
    assert refused.code != 0
    assert "Aucun jour n'est 2027-02-30" in refused.erreur


def test_fermer_puis_rouvrir(instance: Commande, guichet: str) -> None:
    assert instance("courrier", "fermer", "--le", "2027-01-01", "--guichet", guichet).code == 0
    assert instance("courrier", "fermer", "--le", "2027-02-01").code == 0
    closures = instance("courrier", "etat", "--json").json["fermetures"]
    assert [(each["guichet"], each["ferme"]) for each in closures] == [("tous", False), ("G1104", False)]
    assert closures[1]["ferme_le"] == "2026-12-31T23:00:00Z"
    assert "01/02/2027" in instance("courrier", "etat").sortie
    assert instance("courrier", "fermer", "--le", "2020-01-01").code == 1
    assert instance("courrier", "fermer", "--le", "2027-01-01", "--guichet", "G9999").code == 1
    assert instance("courrier", "rouvrir", "--guichet", guichet).code == 0
    assert instance("courrier", "rouvrir", "--guichet", guichet).code == 1


def test_relever_demande_une_boite(instance: Commande, dossier: Path) -> None:
    assert instance("courrier", "relever").code == 2
    fichier = dossier / "echangeur.toml"
    texte = fichier.read_text(encoding="utf-8")
    avant, section, apres = texte.partition("[boite]")
    fichier.write_text(
        avant + section + apres.replace('hote = ""', 'hote = "localhost"', 1).replace("993", "1", 1)
    )
    found = instance("courrier", "relever")
    assert found.code == 1
    assert "La boîte ne se relève pas" in found.erreur


def test_la_tache_quotidienne_efface_le_courrier(
    instance: Commande, base: Engine, horloge: FixedClock
) -> None:
    """[COU-70] Tried dry, then done; done twice is done once."""
    received(base, horloge)
    horloge.set(horloge.now().replace(year=2027))
    taches = ("registre", "taches", "effacements", "--json")
    for options, attendu in ((("--essai",), 1), ((), 1), ((), 0)):
        assert instance(*taches, *options).json["courriers_effaces"] == attendu


def test_purger_garde_ce_qui_attend(instance: Commande, base: Engine, horloge: FixedClock) -> None:
    key = received(base, horloge)
    assert "0 messages reçus" in instance("courrier", "purger").sortie
    horloge.set(horloge.now().replace(year=2027))
    assert "1 messages reçus" in instance("courrier", "purger").sortie
    assert instance("courrier", "montrer", key, "--octets", "/tmp/x").code == 1
