"""The alerts from the command line, and by a process that serves."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from pathlib import Path

from sqlalchemy import Engine, text

from echangeur.cli import run
from mailflows.alertes.processus import list_processus
from registry.clock import FixedClock, SystemClock
from registry.database import open_engine
from tests.echangeur.conftest import Commande
from tests.echangeur.test_sante import address_of, ask
from tests.echangeur.test_serve import serving
from tests.mailflows.test_alertes import Boite, cut


def test_contact_d_un_guichet(instance: Commande, guichet: str) -> None:
    """[ALE-2] [ALE-11]"""
    assert instance("guichet", "contact", guichet, "technique@partenaire.example", "--silence", 8).code == 0
    assert instance("guichet", "contact", guichet, "--silence", 4).code == 0
    found = instance("guichet", "montrer", guichet, "--json").json["contact"]
    assert found == {"technique": "technique@partenaire.example", "silence": 4}
    assert "technique@partenaire.example" in instance("guichet", "montrer", guichet).sortie
    assert instance("guichet", "contact", guichet, "", "--habitude").code == 0
    assert instance("guichet", "montrer", guichet, "--json").json["contact"] == {
        "technique": "",
        "silence": None,
    }
    wrong = instance("guichet", "contact", guichet, "pas une adresse")
    assert wrong.code == 1
    assert "adresse de courrier électronique" in wrong.erreur


def test_alertes_et_arrets(instance: Commande, guichet: str, database_url: str, horloge: FixedClock) -> None:
    """[ALE-6] [ALE-8] Without an operator nothing is sent: they are read here."""
    assert instance("alertes", "lister").code == 0
    engine = open_engine(database_url)
    cut(engine, guichet, horloge.now().replace(hour=7))
    essai = instance("alertes", "evaluer", "--essai", "--json")
    assert [each["code"] for each in essai.json if each["guichet"]] == ["ALE302"]
    assert instance("alertes", "evaluer").code == 0
    assert instance("alertes", "lister").code == 0
    horloge.set(horloge.now().replace(minute=6))
    assert instance("alertes", "evaluer", "--json").json["nouvelles"] == 1
    found = instance("alertes", "lister", "--guichet", guichet, "--json")
    assert (found.code, [each["code"] for each in found.json]) == (1, ["ALE302"])
    assert "ne répond plus" in instance("alertes", "lister").sortie
    with engine.begin() as conn:
        conn.execute(text("DELETE FROM disjoncteur"))
    engine.dispose()
    horloge.set(horloge.now().replace(minute=30))
    assert instance("alertes", "evaluer", "--json").json["closes"] == 1
    assert [each["code"] for each in instance("alertes", "lister", "--closes", "--json").json] == ["ALE302"]

    assert instance("alertes", "taire", "--heures", 2, "--guichet", guichet, "--motif", "bascule").code == 0
    (arret,) = instance("alertes", "arrets", "--json").json
    assert (arret["guichet"], arret["motif"]) == (guichet, "bascule")
    assert instance("alertes", "reprendre", arret["id"]).code == 0
    assert instance("alertes", "reprendre", arret["id"]).code == 1
    assert instance("alertes", "arrets", "--json").json == []
    for wrong, code in (
        (("--heures", 2, "--guichet", "G9999"), 1),
        ((), 2),
        (("--au", "2020-01-01T00:00:00"), 2),
        (("--heures", 2, "--code", "ALE999"), 2),
    ):
        assert instance("alertes", "taire", *wrong).code == code


def test_taches_faites_sont_sues(instance: Commande, horloge: FixedClock, dossier: Path) -> None:
    """[ALE-15] Those that `registre taches` has done, not those that it has tried."""
    instance("alertes", "evaluer")
    horloge.set(horloge.now().replace(day=26))

    def missed() -> set[str]:
        found = instance("alertes", "evaluer", "--essai", "--json").json
        return {each["objet"] for each in found if each["code"] == "ALE501"}

    assert len(missed()) == 9
    assert instance("registre", "taches", "--essai").code == 0
    assert len(missed()) == 9
    assert instance("registre", "taches", "delais", "balayage").code == 0
    assert missed() == {
        *("manifestes", "preavis", "radiations", "depots", "avis", "effacements", "certificats"),
    }


async def test_un_processus_surveille_et_se_signale(tmp_path: Path, database_url: str) -> None:
    """[ALE-7] [ALE-8] [ALE-14] A process that serves tells itself, watches, sends, counts; stopped, it is no
    more looked for."""
    dossier = tmp_path / "instance"
    assert run(["init", str(dossier), "--base", database_url], clock=SystemClock()) == 0
    words = ["guichet", "ajouter", "G1104", "--nom", "Habitat", "--type", "bailleur", "--territoire", "111"]
    assert run(["--instance", str(dossier), *words]) == 0
    boite = Boite()
    await boite.start()
    set_up(dossier / "echangeur.toml", boite.port)
    engine = open_engine(database_url)
    cut(engine, "G1104", "2026-01-01T00:00:00Z")
    with serving(dossier, "--port", "0", "--role", "worker") as serveur:
        async with asyncio.timeout(60):
            while not (boite.recus and processes(engine)):
                await asyncio.sleep(0.1)
        figures = (await asyncio.to_thread(ask, address_of(dossier), "/metriques"))[1]
        assert 'echangeur_alertes{code="ALE302"} 1.0' in figures
        assert 'echangeur_alertes{code="ALE503"} 0.0' in figures
        assert "echangeur_alertes_courriers 0.0" in figures
        etat = json.loads((await asyncio.to_thread(ask, address_of(dossier), "/pret"))[1])
        assert etat["avertissements"] == []
        assert processes(engine) == [("worker",)]
        assert await asyncio.to_thread(serveur.end, signal.SIGTERM) == 0
    assert processes(engine) == []
    assert [to for to, _ in boite.recus] == ["astreinte@hub.example"]
    engine.dispose()
    await boite.stop()


def set_up(fichier: Path, port: int) -> None:
    """Watch five times a second, tell at once."""
    asked = {
        "cadence": "0.2",
        "confirmation": "0",
        "exploitants": '["astreinte@hub.example"]',
        "silence": "0",
    }
    content = fichier.read_text()
    head, _, tail = content.partition("[alertes]")
    for name, value in asked.items():
        tail, count = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value}", tail, count=1)
        assert count == 1
    before, _, relais = head.partition("[relais]")
    relais = re.sub(r"(?m)^port = .*$", f"port = {port}", relais, count=1)
    relais = re.sub(r"(?m)^hote = .*$", 'hote = "127.0.0.1"', relais, count=1)
    relais = re.sub(r"(?m)^securite = .*$", 'securite = "aucune"', relais, count=1)
    fichier.write_text(f"{before}[relais]{relais}[alertes]{tail}")


def processes(engine: Engine) -> list[tuple[str, ...]]:
    with engine.connect() as conn:
        return [each.roles for each in list_processus(conn)]
