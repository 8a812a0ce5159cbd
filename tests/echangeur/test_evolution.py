"""A change of schemas on exchanges that a hub has really made: what would be refused, of whom, and why."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from echangeur.cli import run
from registry.echanges import Canal, Echange, Emetteur
from registry.exchanges_store import read_octets, record_receptions
from schemas.generation import generate_demande
from soap.correlation import new_id
from soap.relecture import read_documents
from tests.echangeur.conftest import Commande, Resultat
from tests.registry.fabrique import BAILLEUR
from tests.schemas.test_evolution import COMMUN, CORPS, DEMANDE, FORCER, PRECISION, changed
from tools import exemples

Evolution = Callable[..., Resultat]
ENTETE = "/interfaceNuu/entete/typeFichier"


@pytest.fixture(scope="module")
def enregistre(module_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The instance of the worked examples, and a demande that came by mail."""
    url = module_engine.url.render_as_string(hide_password=False)
    exemples.record(url)
    folder = tmp_path_factory.mktemp("evolution") / "instance"
    assert run(["init", str(folder), "--base", url]) == 0
    recu_le = exemples.INSTANT + timedelta(days=1)
    mail = Echange(
        new_id(recu_le),
        Emetteur(BAILLEUR, "ab" * 32),
        Canal.COURRIER,
        "getNumUnique",
        recu_le,
        generate_demande(7),
    )
    with module_engine.begin() as conn:
        record_receptions(conn, [mail])
    return folder


@pytest.fixture
def evolution(commande: Commande, enregistre: Path, tmp_path: Path) -> Evolution:
    def call(files: dict[str, bytes], *words: object) -> Resultat:
        folder = tmp_path / "nouveaux"
        folder.mkdir(exist_ok=True)
        for nom, octets in files.items():
            (folder / nom).write_bytes(octets)
        return commande("--instance", enregistre, "schema", "evolution", folder, *words)

    return call


CAS = {
    # What the guichets sent, by mail too, and what was distributed to them; one document was refused already.
    "rendu obligatoire": (
        changed(DEMANDE, FORCER, FORCER.replace(' minOccurs="0"', "")),
        {("G1104", "reçu"): (4, 1, 3), ("G1226", "reçu"): (2, 0, 2), ("G1226", "émis"): (2, 0, 2)},
        "XSD-MANQUANT",
    ),
    # What the hub writes itself, and nobody else.
    "valeur retirée": (
        changed(COMMUN, 'value="[a-zA-Z0-9]{3}"', 'value="CRE|MOD|REN|RAD|RET"'),
        {("G1104", "reçu"): (4, 1, 0), ("G1226", "reçu"): (2, 0, 0), ("G1226", "émis"): (2, 0, 2)},
        "XSD-MOTIF",
    ),
    "élément facultatif ajouté": (
        changed(
            DEMANDE, PRECISION, f'<xs:element name="neuf" type="Texte255Suivi" minOccurs="0"/>{PRECISION}'
        ),
        {("G1104", "reçu"): (4, 1, 0), ("G1226", "reçu"): (2, 0, 0), ("G1226", "émis"): (2, 0, 0)},
        "",
    ),
}


@pytest.mark.parametrize("nom", CAS)
def test_who_would_be_refused(nom: str, evolution: Evolution) -> None:
    """[SOA-43]"""
    files, expected, regle = CAS[nom]
    result = evolution(files, "--json")
    assert result.code == 1, result.erreur
    told = {
        (each["guichet"], each["sens"]): (each["documents"], each["deja_refuses"], each["refuses"])
        for each in result.json["rejeu"]
    }
    assert told == expected
    assert {m["regle"] for each in result.json["rejeu"] for m in each["motifs"]} == (
        {regle} if regle else set()
    )
    assert result.json["illisibles"] == 0
    assert result.json["constats"][0]["effet"].startswith("rompt")


def test_a_reason_says_where_and_of_how_many(evolution: Evolution) -> None:
    """[SOA-43]"""
    files, _, _ = CAS["valeur retirée"]
    (emis,) = [each for each in evolution(files, "--json").json["rejeu"] if each["sens"] == "émis"]
    assert emis["motifs"] == [{"regle": "XSD-MOTIF", "chemin": ENTETE, "documents": 2}]


def test_an_element_that_only_some_send(evolution: Evolution, module_engine: Engine) -> None:
    """[SOA-43] Counted again by hand, among the documents that were accepted."""
    files = changed(DEMANDE, 'name="notifSms"', 'name="autreNom"')
    result = evolution(files, "--json").json
    with module_engine.connect() as conn:
        kept = conn.scalars(text("SELECT echange FROM echange_brut ORDER BY echange")).all()
        messages = [read_octets(conn, each) or b"" for each in kept]
    documents = [
        document
        for message in messages
        for document in (read_documents(message) if b"Envelope" in message else (message,))
    ]
    bearing = [each for each in documents if b"notifSms>" in each and b"dateCreationDemande>" in each]
    refused = sum(each["refuses"] for each in result["rejeu"] if each["sens"] == "reçu")
    assert 0 < refused == len(bearing) < len(documents)
    assert {m["chemin"] for each in result["rejeu"] for m in each["motifs"]} == {
        f"{CORPS}/personnePhysique/demandeur/notifSms"
    }


def test_nothing_nominative_is_written(evolution: Evolution, module_engine: Engine, tmp_path: Path) -> None:
    """[SOA-43] Neither in the table, nor in JSON, nor in CSV."""
    files = changed(COMMUN, "[0-9]{0,10}", "X") | changed(
        DEMANDE, FORCER, FORCER.replace(' minOccurs="0"', "")
    )
    written = evolution(files).sortie + evolution(files, "--json", "--csv", tmp_path / "csv").sortie
    written += "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "csv").iterdir())
    with module_engine.connect() as conn:
        documents = b"".join(conn.scalars(text("SELECT document FROM demande_version")))
    values = set(re.findall(r"(?:nom|prenom|telPortable|voie)>([^<]{4,})<", documents.decode()))
    assert len(values) > 4
    assert [each for each in values if each in written] == []
    assert not re.search(r"\d{13}G1104", written)


def test_csv_says_what_json_says(evolution: Evolution, tmp_path: Path) -> None:
    files, expected, _ = CAS["rendu obligatoire"]
    result = evolution(files, "--json", "--csv", tmp_path / "csv").json
    with (tmp_path / "csv" / "constats.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert [row["chemin"] for row in rows] == [each["chemin"] for each in result["constats"]]
    with (tmp_path / "csv" / "rejeu.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert {(row["guichet"], row["sens"]): int(row["refusés"]) for row in rows} == {
        who: refused for who, (_, _, refused) in expected.items()
    }


def test_period_and_sample_bound_the_replay(evolution: Evolution) -> None:
    """[SOA-43]"""
    files, _, _ = CAS["élément facultatif ajouté"]

    def documents(*words: object) -> int:
        return sum(each["documents"] for each in evolution(files, "--json", *words).json["rejeu"])

    assert documents() == documents("--du", "2026-07-01", "--au", "2026-07-02") == 8
    assert documents("--du", "2026-07-02") == 1
    assert documents("--au", "2026-06-30") == 0
    assert documents("--un-sur", 3) == documents("--un-sur", 3) < 8
    assert evolution(files, "--du", "hier").code == 2


def test_without_an_instance_and_without_a_break(commande: Commande, tmp_path: Path) -> None:
    """[SOA-43] As a chain of integration calls it: the code tells."""
    path = tmp_path / DEMANDE
    path.write_bytes(changed(DEMANDE, "version 02.01 :", "version 02.01, soit")[DEMANDE])
    assert commande("schema", "evolution", tmp_path, "--sans-rejeu").code == 0
    path.write_bytes(CAS["rendu obligatoire"][0][DEMANDE])
    result = commande("schema", "evolution", tmp_path, "--sans-rejeu")
    assert result.code == 1
    assert "rompt les émetteurs" in result.sortie
    path.write_bytes(b"<a/>")
    assert commande("schema", "evolution", tmp_path, "--sans-rejeu").code == 2
    path.unlink()
    assert commande("schema", "evolution", tmp_path, "--sans-rejeu").code == 2
