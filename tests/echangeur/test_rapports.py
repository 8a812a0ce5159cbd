"""`echangeur raccordement`: a report deposited, vouched for, revoked, and what production becomes of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from certs.lecture import Certificat, read_certificat
from conformance.assertion import Capacite
from conformance.assertions import client_assertions
from echangeur.alertes import create_veilleur
from echangeur.config import load_configuration
from echangeur.conformite import exigees
from echangeur.instance import open_instance
from echangeur.roles.socle import Socle
from echangeur.roles.worker import RoleWorker
from registry.anomalies import Anomalie
from registry.clock import FixedClock
from registry.guichets import CanalDistribution
from schemas.rapport_conformite import Rapport, Verdict
from tests.echangeur.conftest import Commande
from tests.registry.rapports import identity, report, signed

JOUR = timedelta(days=1)


def whole(guichet: str, horloge: FixedClock, capacite: Capacite) -> Rapport:
    """What the kit concludes of a partner that calls, and can do that."""
    held = {
        each.id: Verdict.REUSSIE
        for each in client_assertions()
        if set(each.exige) <= {Capacite.APPELS, capacite}
    }
    return report(guichet, horloge.now(), held)


def test_every_assertion_that_must_hold_is_asked_of_some_channel() -> None:
    """[CNF-3] Push is asked for its reception, pull for its fetching, both for their calls."""
    by_channel = {
        canal: {each.id for each in exigees() if canal in each.canaux} for canal in CanalDistribution
    }
    push, retrait = by_channel[CanalDistribution.PUSH], by_channel[CanalDistribution.RETRAIT]
    assert {"C0701"} <= push - retrait
    assert {"C0724"} <= retrait - push
    assert {"C0401"} <= push & retrait
    known = {Capacite.APPELS, Capacite.RECEPTION, Capacite.RETRAIT, Capacite.COURRIER}
    asked = {each.id for each in exigees()}
    left = [
        each.id
        for each in client_assertions()
        if each.niveau == "doit" and set(each.exige) & known and each.id not in asked
    ]
    # What needs more than a channel brings is a capability that a partner may claim, and need not.
    assert all(set(each.exige) - known for each in client_assertions() if each.id in left)


def test_a_report_opens_production_and_its_end_closes_it(
    instance: Commande, dossier: Path, guichet: str, tmp_path: Path, horloge: FixedClock
) -> None:
    """[CNF-4] [CNF-7] [CNF-8] [CNF-11]"""
    exploitant = identity("EXPLO", now=horloge.now())
    fichier = tmp_path / "rapport.p7m"
    fichier.write_bytes(signed(whole(guichet, horloge, Capacite.RETRAIT), exploitant))
    refused = instance("raccordement", "deposer", guichet, fichier)
    assert (refused.code, "qui n'est ni l'exploitant" in refused.erreur) == (1, True)

    (dossier / "conformite").mkdir()
    pem = exploitant.certificat.pem
    (dossier / "conformite" / "signataires.pem").write_bytes(b"# nos campagnes\n" + pem + pem)
    asked = load_configuration(dossier / "echangeur.toml")
    assert asked.raccordement.rapport_exige == ""
    settings = (dossier / "echangeur.toml").read_text()
    day = (horloge.now() + 30 * JOUR).date().isoformat()
    (dossier / "echangeur.toml").write_text(
        settings.replace('rapport_exige = ""', f'rapport_exige = "{day}"')
    )

    (before,) = instance("raccordement", "production", "--json").json
    assert before["etat"] == "à déposer"
    assert "à déposer" in instance("raccordement", "production", "--a-prevoir").sortie
    missing = instance("raccordement", "familles", guichet)
    assert (missing.code, "non lancée" in missing.sortie) == (1, True)

    done = instance("raccordement", "deposer", guichet, fichier, "--json")
    assert done.code == 0, done.erreur
    assert (done.json["etat"], done.json["canaux"]) == ("en vigueur", ["retrait"])
    assert instance("raccordement", "familles", guichet).code == 0
    assert "Valable" in instance("raccordement", "verifier", fichier).sortie
    assert "Rien à prévoir" in instance("raccordement", "production", "--a-prevoir").erreur
    horloge.set(horloge.now() + 400 * JOUR)
    (after,) = instance("raccordement", "production", "--json").json
    assert after["etat"] == "fermée"
    assert instance("raccordement", "verifier", fichier).code == 1


def test_what_a_guichet_signs_for_itself_is_countersigned(
    instance: Commande, guichet: str, tmp_path: Path, horloge: FixedClock
) -> None:
    """[CNF-4] [CNF-6] [CNF-11]"""
    sienne = identity(guichet, now=horloge.now())
    (tmp_path / "cert.pem").write_bytes(sienne.certificat.pem)
    assert instance("certificat", "enregistrer", guichet, tmp_path / "cert.pem").code == 0
    fichier = tmp_path / "rapport.p7m"
    fichier.write_bytes(signed(whole(guichet, horloge, Capacite.RECEPTION), sienne))
    short = instance("raccordement", "deposer", guichet, fichier)
    assert (short.code, "canal retrait" in short.erreur) == (1, True)
    rapport = whole(guichet, horloge, Capacite.RETRAIT)
    fichier.write_bytes(signed(rapport, sienne))
    assert "à contresigner" in instance("raccordement", "deposer", guichet, fichier).sortie
    assert instance("raccordement", "verifier", fichier, "--json").json["reponse"] == "à contresigner"
    assert instance("raccordement", "contresigner", rapport.identifiant).code == 0
    assert instance("raccordement", "contresigner", rapport.identifiant).code == 1
    assert instance("raccordement", "verifier", fichier).code == 0
    assert instance("raccordement", "revoquer", rapport.identifiant, "--motif", "clé volée").code == 0
    assert (
        instance("raccordement", "revoquer", "00000000-0000-0000-0000-000000000000", "--motif", "x").code == 1
    )
    assert "révoqué" in instance("raccordement", "rapports", guichet).sortie
    found = instance("raccordement", "rapports", "--json").json
    assert {each["etat"] for each in found} == {"révoqué", "à contresigner"}


def test_every_process_refuses_who_has_no_report(
    instance: Commande, dossier: Path, guichet: str, tmp_path: Path, horloge: FixedClock
) -> None:
    """[CNF-7] [CNF-13] [CNF-14] What the edges identify a partner by is told of the day, and so are the watch
    and what sends."""
    assert instance("certificat", "emettre", guichet, "--dossier", tmp_path / "c").code == 0
    lu = read_certificat((tmp_path / "c" / "cert.pem").read_bytes())
    assert isinstance(lu, Certificat)
    path, found, told, unsent = dossier / "echangeur.toml", [], [], []
    settings = path.read_text()
    for day in ("", "2027-01-01", "2026-01-01"):
        path.write_text(settings.replace('rapport_exige = ""', f'rapport_exige = "{day}"'))
        opened = open_instance(dossier)
        with opened.database() as engine:
            told.append([each.genre.code for each in create_veilleur(opened, engine, horloge).try_out()])
            socle = Socle(opened, engine, horloge)
            answer = socle.identites.identify(lu.empreinte)
            worker = RoleWorker(socle, push=True, courrier=None)._worker
            with engine.connect() as conn:
                unsent.append(worker._fermees.at(conn, horloge.now()))
        found.append(answer.code if isinstance(answer, Anomalie) else answer.guichet.code)
    assert found == [guichet, guichet, "GUI010"]
    assert ["ALE103" in each for each in told] == [False, True, True]
    assert unsent == [frozenset(), frozenset(), {guichet}]


def test_a_guichet_has_a_day_of_its_own(instance: Commande, guichet: str) -> None:
    """[CNF-8]"""

    def etat() -> str:
        (found,) = instance("raccordement", "production", "--json").json
        return str(found["etat"])

    assert etat() == "non exigé"
    assert instance("raccordement", "exiger", guichet, "--a-partir-du", "2026-01-01").code == 0
    assert etat() == "fermée"
    assert "jamais" in instance("raccordement", "exiger", guichet, "--jamais").sortie
    assert etat() == "non exigé"
    assert instance("raccordement", "exiger", guichet).code == 0
    assert instance("raccordement", "exiger", "G9999").code == 1


@pytest.mark.parametrize(
    ("reglage", "fichier"),
    [('rapport_exige = "2026-02-30"', b""), ('rapport_exige = ""', b"pas un certificat")],
)
def test_settings_that_cannot_be_are_told(
    instance: Commande, dossier: Path, guichet: str, reglage: str, fichier: bytes
) -> None:
    """[CNF-7]"""
    path = dossier / "echangeur.toml"
    path.write_text(path.read_text().replace('rapport_exige = ""', reglage))
    (dossier / "conformite").mkdir()
    (dossier / "conformite" / "signataires.pem").write_bytes(fichier)
    assert instance("raccordement", "production").code == 2
