"""Health that tells the truth, figures, logs: asked of real processes, on a real database."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from certs.tls import server_context
from conformance.partenaire_reference import PartenaireReference
from echangeur.cli import run
from echangeur.metriques.compteurs import OPERATIONS, Compteurs
from echangeur.roles.cycle import Phase
from echangeur.sante import anomalies
from echangeur.sante.epreuves import prove_base, prove_reception, prove_relay, prove_soap
from echangeur.sante.etat import Sante
from mailflows.expediteur import Relais, Securite
from registry.anomalies import Anomalie
from registry.clock import FixedClock, SystemClock
from registry.database import open_engine
from registry.echanges import Canal
from schemas.generation import generate_demande
from tests.echangeur.test_serve import (
    add_bailleur,
    administer,
    number_of,
    reading,
    registration,
    serving,
)
from tests.echangeur.test_telemetrie import Collecteur, collecting


@pytest.fixture
def dossier(tmp_path: Path, database_url: str) -> Path:
    """An instance on the server of the tests, at the time of the machine: the process has its own clock."""
    folder = tmp_path / "instance"
    assert run(["init", str(folder), "--base", database_url], clock=SystemClock()) == 0
    return folder


@pytest.fixture
def base(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def address_of(dossier: Path) -> str:
    """The administrative listener of the one process that runs."""
    (file,) = (dossier / "processus").glob("*.json")
    return str(json.loads(file.read_text())["adresse"])


def ask(adresse: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(adresse + path, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wait_until_ready(adresse: str) -> dict[str, Any]:
    """What `/pret` says once it is ready: on a machine that does much else, a proof may be too long."""
    for _ in range(60):
        status, body = ask(adresse, "/pret")
        if status == 200:
            return dict(json.loads(body))
        time.sleep(1)
    pytest.fail(body)


def test_pret_quand_chaque_role_a_fait_son_aller_et_retour(
    dossier: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """[EXP-6] [EXP-7] Alive, ready, figures; the command finds the process by itself and tells scripts by its
    exit code."""
    assert run(["--instance", str(dossier), "sante"]) == 1
    with serving(dossier, "--port", "0") as serveur:
        adresse = address_of(dossier)
        assert adresse.startswith("http://127.0.0.1:")
        assert ask(adresse, "/vivant") == (200, "vivant\n")
        etat = wait_until_ready(adresse)
        assert (etat["pret"], etat["phase"]) == (True, "pret")
        assert {each["epreuve"] for each in etat["constats"]} == {"base", "worker", "soap", "console"}
        assert ask(adresse, "/rien")[0] == 404
        capsys.readouterr()
        assert run(["--instance", str(dossier), "sante", "--json"]) == 0
        (said,) = json.loads(capsys.readouterr().out)
        assert said["processus"] == serveur.process.pid
        assert run(["sante", "--adresse", adresse]) == 0
        assert serveur.end(signal.SIGTERM) == 0
        # The probe is refused at each measure, and nothing of it is told.
        assert serveur.process.stderr is not None
        assert "avant lecture" not in serveur.process.stderr.read()
    assert run(["sante", "--adresse", adresse]) == 1
    assert run(["sante", "--adresse", "ftp://x"]) == 2


def test_base_en_lecture_seule_n_est_pas_pret(dossier: Path, base: Engine) -> None:
    """[EXP-7] The process lives, answers, and says that it cannot write: a standby is not the base."""
    nom = base.url.database
    with base.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text(f'ALTER DATABASE "{nom}" SET default_transaction_read_only = on'))
    asyncio.run(_read_only(base))
    with base.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("SET default_transaction_read_only = off"))
        conn.execute(text(f'ALTER DATABASE "{nom}" RESET default_transaction_read_only'))


async def _read_only(base: Engine) -> None:
    base.dispose()
    found = await prove_base(base)
    assert found is not None
    assert found.code == "HUB201"


async def test_schema_d_avant(dossier: Path, base: Engine) -> None:
    """[EXP-7] A base that awaits its upgrade is not ready; a newer one serves the former program still."""
    assert await prove_base(base) is None
    with base.begin() as conn:
        conn.execute(text("UPDATE version_schema SET version_num = '9999_plus_tard'"))
    assert await prove_base(base) is None
    with base.begin() as conn:
        conn.execute(text("UPDATE version_schema SET version_num = '0001_avant'"))
    found = await prove_base(base)
    assert found is not None
    assert (found.code, found.constat) == ("HUB202", "0001_avant")


async def test_ce_qui_ne_repond_pas(dossier: Path, base: Engine, unused_tcp_port: int) -> None:
    """[EXP-7] Each proof says what it found, and nothing of the inside."""

    context = ssl.create_default_context()
    for found in (
        await prove_soap(f"https://127.0.0.1:{unused_tcp_port}", context),
        await prove_reception("127.0.0.1", unused_tcp_port, lmtp=False),
        await prove_relay(Relais("127.0.0.1", unused_tcp_port, "a@b.example", Securite.AUCUNE, delai=5)),
    ):
        assert found is not None
        assert found.code in ("HUB203", "HUB205")


@pytest.fixture
def unused_tcp_port() -> int:

    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


async def test_mesure_gardee_et_partagee(clock: FixedClock) -> None:
    """[EXP-7] However many ask, one proof at a time, served again for a bounded time; the phase is of now."""
    calls: list[int] = []
    phase = Phase.PRET

    async def count() -> Anomalie | None:
        calls.append(1)
        await asyncio.sleep(0)
        return None

    sante = Sante({"soap": count}, lambda: phase, clock, roles=("soap",), fraicheur=60)
    etats = await asyncio.gather(*(sante.read() for _ in range(50)))
    assert (len(calls), {etat.pret for etat in etats}) == (1, {True})
    phase = Phase.RETRAIT
    etat = await sante.read()
    assert (etat.pret, etat.constats[0].code, len(calls)) == (False, "HUB207", 1)
    fresh = Sante({"soap": count}, lambda: Phase.PRET, clock, roles=("soap",), fraicheur=0)
    await fresh.read()
    await fresh.read()
    assert len(calls) == 3


async def test_epreuve_qui_ne_finit_pas(clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """[EXP-7] It is held for failed: whoever calls would wait as long."""
    monkeypatch.setattr("echangeur.sante.etat.DELAI", 0.01)

    async def never() -> Anomalie | None:
        await asyncio.Event().wait()
        return anomalies.EN_RETRAIT("jamais")

    etat = await Sante({"soap": never}, lambda: Phase.PRET, clock, roles=("soap",), fraicheur=1).read()
    assert (etat.pret, etat.constats[0].code) == (False, "HUB208")


async def test_avertissements_et_epreuves_vont_ensemble(clock: FixedClock) -> None:
    """[EXP-7] Whoever asks waits for one delay: a proof that lasts holds no warning back."""
    asked = asyncio.Event()

    async def prove() -> Anomalie | None:
        await asked.wait()
        return None

    async def warn() -> Anomalie | None:
        asked.set()
        return anomalies.ALERTES_BLOQUEES("3 en attente", "un départ")

    sante = Sante(
        {"soap": prove},
        lambda: Phase.PRET,
        clock,
        roles=("soap",),
        fraicheur=1,
        avertir={"alertes": warn},
    )
    etat = await sante.read()
    assert (etat.pret, [each.epreuve for each in etat.constats]) == (True, ["soap"])
    assert [each.code for each in etat.avertissements] == ["HUB209"]


def test_cardinalite_bornee() -> None:
    """[EXP-8] Whatever partners write as operation, the series are those of the contract, and no more."""
    compteurs = Compteurs()
    for rang in range(10_000):
        compteurs.count_echange(f"inventee{rang}", Canal.SOAP, "refuse", 0.1)
    for operation in OPERATIONS:
        for canal in (Canal.SOAP, Canal.COURRIER):
            for verdict in ("accepte", "refuse", "echec"):
                compteurs.count_echange(operation, canal, verdict, 0.1)
    series = sum(len(metric.samples) for metric in compteurs.registre.collect())
    operations = len(OPERATIONS) + 1
    # Counters and their creation times, then buckets, sum, count and creation time.
    assert series <= operations * 2 * (3 * 2 + 14)
    assert operations < 50


NOMS = ("ZZYXNOMFAMILLE", "ZZYXPRENOM")


def nominative(document: bytes) -> bytes:
    """A demande whose person bears names that nobody else bears."""
    changed = re.sub(rb"(<(?:\w+:)?nom>)[^<]+", rb"\g<1>" + NOMS[0].encode(), document)
    changed = re.sub(rb"(<(?:\w+:)?prenom>)[^<]+", rb"\g<1>" + NOMS[1].encode(), changed)
    assert NOMS[0].encode() in changed
    return changed


@contextmanager
def trace_to(dossier: Path, collecteur: Collecteur) -> Iterator[None]:
    """Have the process that is about to start hand its traces to this collector."""
    fichier = dossier / "echangeur.toml"
    before = fichier.read_text()
    fichier.write_text(before.replace('collecteur = ""', f'collecteur = "{collecteur.adresse}"'))
    yield
    fichier.write_text(before)


def _distributed(collecteur: Collecteur) -> str:
    (attempt,) = [each for each in collecteur.spans if each.nom == "tentative"]
    return attempt.trace


async def test_journaux_et_chiffres_sans_rien_de_nominatif(dossier: Path, tmp_path: Path) -> None:
    """[EXP-8] [EXP-9] [TEL-6] Real exchanges with recognisable names, accepted, refused, malformed and cut:
    nothing of them is in the log, in the figures nor in the traces, and each exchange is a line with its
    identifier. [TEL-1] [TEL-2] The trace of the one that was distributed goes from its reception to the
    attempt that another thread made."""
    auteur, destinataire = tmp_path / "auteur", tmp_path / "destinataire"
    add_bailleur(dossier, "G1104", auteur)
    add_bailleur(dossier, "G1226", destinataire)
    partenaire = PartenaireReference(
        server_context(destinataire / "cert.pem", destinataire / "key.pem", destinataire / "ca.pem")
    )
    administer(dossier, "guichet", "adresse", "G1226", await partenaire.start())
    administer(dossier, "filtre", "ajouter", "G1226", "--nom", "Tout")
    document = nominative(generate_demande(1, le=datetime.now(UTC).date()))
    with (
        collecting() as collecteur,
        trace_to(dossier, collecteur),
        serving(dossier, "--port", "0") as serveur,
    ):

        def drive() -> tuple[str, str]:
            numero = number_of(serveur.post(auteur, "getNumUnique", registration(document))[1])
            serveur.post(auteur, "getDemandeLogement", reading(numero))
            # Refused by the schema, unreadable, of no operation, no SOAP: all of it quotes the names.
            broken = document.replace(b"</", b"<ZZYXNOMFAMILLE/></", 1)
            assert broken != document
            serveur.post(auteur, "getNumUnique", registration(broken))
            serveur.post(auteur, "getNumUnique", registration(document[: len(document) // 2]))
            serveur.post(auteur, NOMS[0], f"<w:{NOMS[1]}/>")
            serveur.post(auteur, "getNumUnique", f"<w:numUniqueParametres>{NOMS[0]}<")
            serveur.post(auteur, "getDemandeLogement", reading(NOMS[0]))
            return numero, ask(address_of(dossier), "/metriques")[1]

        numero, figures = await asyncio.to_thread(drive)
        async with asyncio.timeout(60):
            await partenaire.wait_for(1)
        await asyncio.to_thread(serveur.process.send_signal, signal.SIGTERM)
        _, log = await asyncio.to_thread(serveur.process.communicate, timeout=60)
    await partenaire.stop()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    for said in (log, figures, b"".join(collecteur.corps).decode("latin-1")):
        assert not re.search("zzyx", said, re.IGNORECASE)
        assert numero not in said
    assert 'echangeur_echanges_total{canal="soap",operation="getNumUnique",verdict="accepte"} 1.0' in figures
    assert 'operation="autre"' in figures
    exchanges = [line for line in lines if line["event"] == "échange"]
    assert len(exchanges) == 7
    assert all(re.fullmatch(r"[0-9a-f-]{36}", str(line["echange"])) for line in exchanges)
    spans = {each.nom: each for each in collecteur.spans if each.trace == _distributed(collecteur)}
    assert sorted(spans) == ["décision", "enregistrement", "tentative", "échange"]
    first = spans.pop("échange")
    assert {each.parent for each in spans.values()} == {first.id}
    assert first.trace in {str(line["echange"]).replace("-", "") for line in exchanges}
    assert spans["décision"].attributs["echangeur.destinataires"] == 1
    assert spans["tentative"].attributs["echangeur.issue"] == "acquittee"
    assert len({each.trace for each in collecteur.spans}) == len(exchanges)
    (sent,) = [line for line in lines if line["event"] == "tentative"]
    assert (sent["issue"], sent["canal"]) == ("acquittee", "push")
    assert re.fullmatch(r"[0-9a-f-]{36}", str(sent["distribution"]))
