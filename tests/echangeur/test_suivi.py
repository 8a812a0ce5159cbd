"""Following what happened: exchanges, distributions and their explanation, the journal, on a real demande."""

from __future__ import annotations

import os
import pwd
import stat
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from dispatching.decision import Distributeur
from dispatching.deliveries import uuid7s
from dispatching.disjoncteur import ReglesDisjoncteur
from dispatching.disjoncteurs import Observation, record_failures
from dispatching.transport import GenreEchec
from registry.clock import FixedClock
from registry.echanges import Canal, Echange, Emetteur, ReponseNumUnique
from registry.guichets import CanalDistribution
from registry.guichets_store import get_guichet
from registry.handlers import Traitement
from schemas.generation import generate_demande
from tests.echangeur.conftest import Commande

DOCUMENT = generate_demande(
    3,
    guichet="G1104",
    communes=["75056"],
    types_logement=["T2"],
    le=datetime(2026, 11, 20, tzinfo=UTC).date(),
)


@pytest.fixture
async def numero(instance: Commande, guichet: str, engine: Engine, horloge: FixedClock) -> str:
    """A demande of G1104 for a T2 in Paris; G1226 has a filter that takes it, G1300 one that does not."""
    for code in ("G1226", "G1300", "G1400"):
        instance("guichet", "ajouter", code, "--nom", code, "--type", "bailleur", "--territoire", "111")
    instance("guichet", "ajouter", "N5900", "--nom", "Nord", "--type", "bailleur", "--territoire", "059")
    instance("filtre", "ajouter", "G1226", "--nom", "Paris", "--commune", "75056")
    instance("filtre", "ajouter", "G1300", "--nom", "Grands", "--type-logement", "T5")
    with engine.begin() as conn:
        author = get_guichet(conn, guichet)
    assert author is not None
    echange = Echange(
        *uuid7s(horloge.now(), 1),
        Emetteur(author, "ab" * 32),
        Canal.SOAP,
        "getNumUnique",
        horloge.now(),
        DOCUMENT,
    )
    traitement = Traitement(engine, horloge, Distributeur(horloge))
    await traitement.start()
    await traitement.receive(echange)
    answer = await traitement.get_num_unique(echange, DOCUMENT)
    await traitement.stop()
    assert isinstance(answer, ReponseNumUnique)
    with engine.begin() as conn:
        return str(conn.execute(text("SELECT numero FROM demande")).scalar_one())


async def test_what_a_command_shows_is_traced(instance: Commande, numero: str) -> None:
    """[TRA-4] [TRA-5] With the account of the machine; by demande and by guichet; not what shows nothing."""
    assert instance("registre", "demande", numero).code == 0
    assert instance("doublons", "chercher", numero).code == 0
    assert instance("registre", "demande", "1" * 18).code == 1
    assert instance("piece", "lister", numero).code == 0
    instance("doublons", "lister", "--territoire", "111")
    traces = instance("registre", "lectures", "--json").json
    assert [(each["operation"].split()[-1], each["numeros"]) for each in traces] == [
        ("chercher", [numero]),
        ("demande", [numero]),
    ]
    assert {each["utilisateur"] for each in traces} == {pwd.getpwuid(os.getuid()).pw_name}
    assert instance("registre", "lectures", numero, "--json").json == traces
    assert instance("registre", "lectures", "--guichet", "G1104", "--json").json == []
    assert instance("registre", "lectures", "--limite", "1", "--json").json == traces[:1]
    assert numero in instance("registre", "lectures").sortie


async def test_echange_se_suit(instance: Commande, numero: str, tmp_path: Path) -> None:
    (echange,) = instance("echange", "lister", "--json").json
    assert (echange["statut"], echange["numero"], echange["guichet"]) == ("accepte", numero, "G1104")
    assert instance("echange", "lister", "--statut", "refuse", "--json").json == []
    assert instance("echange", "lister", "--avant", echange["id"], "--json").json == []
    assert numero in instance("echange", "montrer", echange["id"]).sortie
    assert instance("echange", "montrer", echange["id"], "--json").json == echange
    brut = tmp_path / "recu.xml"
    assert instance("echange", "montrer", echange["id"], "--octets", brut).code == 0
    assert brut.read_bytes() == DOCUMENT
    (trace,) = instance("registre", "lectures", numero, "--json").json
    assert (trace["operation"], trace["echange"]) == ("echangeur echange montrer", echange["id"])
    assert (trace["profil"], trace["guichet"], trace["canal"]) == ("exploitant", "", "tache")
    # It is nominative: nobody else on the machine reads it.
    assert stat.S_IMODE(brut.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("code", "destinataire", "raison", "texte"),
    [
        ("G1226", True, "filtre", "Reçoit : le filtre « Paris » correspond"),
        ("G1300", False, "hors-filtres", "Ne reçoit pas : le filtre « Grands » ne correspond pas"),
        ("G1400", False, "hors-filtres", "n'avait aucun filtre en vigueur"),
        ("G1104", False, "auteur", "est l'auteur"),
        ("N5900", False, "sans-droit", "n'a pas le droit"),
    ],
)
async def test_distribution_s_explique(
    instance: Commande, numero: str, code: str, destinataire: bool, raison: str, texte: str
) -> None:
    """For receivers and for the others, in words and in JSON."""
    result = instance("distribution", "expliquer", numero, code)
    assert result.code == 0
    assert texte in result.sortie
    value = instance("distribution", "expliquer", numero, code, "--json").json
    assert (value["destinataire"], value["raison"]) == (destinataire, raison)
    assert (value["distribution"] is not None) is destinataire


async def test_explication_de_ce_qui_n_est_pas(instance: Commande, numero: str) -> None:
    assert instance("distribution", "expliquer", "111112600000XG1104", "G1226").code == 1
    assert instance("distribution", "expliquer", numero, "G1226", "--version", "9").code == 1
    assert "Aucun guichet" in instance("distribution", "expliquer", numero, "G0000").erreur
    instance("guichet", "ajouter", "T0001", "--nom", "Tardif", "--type", "etat", "--territoire", "111")
    tardif = instance("distribution", "expliquer", numero, "T0001")
    assert tardif.code == 0
    assert "n'existait pas à la date de la décision" in tardif.sortie


async def test_le_disjoncteur_se_voit_et_se_leve(
    instance: Commande, numero: str, engine: Engine, horloge: FixedClock
) -> None:
    """[DST-43] And what failed for good is counted by cause."""
    assert "Aucun canal n'échoue" in instance("distribution", "disjoncteurs").erreur
    (item,) = instance("distribution", "lister", "--json").json
    observation = Observation(
        "G1226", CanalDistribution.PUSH, uuid.UUID(item["id"]), GenreEchec.DELAI, "pas de réponse"
    )
    with engine.begin() as conn:
        for rang in range(5):
            instant = horloge.now() - (4 - rang) * ReglesDisjoncteur().pause
            record_failures(conn, [observation], instant=instant, regles=ReglesDisjoncteur())
    (found,) = instance("distribution", "disjoncteurs", "--json").json
    assert (found["etat"], found["guichet"], found["canal"]) == ("ouvert", "G1226", "push")
    assert found["echecs"] == 5
    assert "pas de réponse" in instance("distribution", "disjoncteurs", "--guichet", "G1226").sortie
    assert instance("distribution", "disjoncteurs", "--guichet", "G1104", "--json").json == []
    assert "push : ouvert" in instance("guichet", "montrer", "G1226").sortie
    assert instance("distribution", "lever", "G0000").code == 1
    assert "1 disjoncteur(s) levé(s)" in instance("distribution", "lever", "G1226").sortie
    assert "0 disjoncteur(s) levé(s)" in instance("distribution", "lever", "G1226", "--canal", "push").sortie
    incidents = instance("distribution", "incidents", "--json").json
    assert [each["genre"] for each in incidents] == ["levee", "ouverture"]
    assert "5 échecs de suite" in instance("distribution", "incidents", "--guichet", "G1226").sortie
    with engine.begin() as conn:
        conn.execute(text("UPDATE distribution SET etat = 'echec', cause = 'delai', termine_le = cree_le"))
    (rebut,) = instance("distribution", "rebut", "--json").json
    assert (rebut["guichet"], rebut["cause"], rebut["nombre"]) == ("G1226", "delai", 1)
    assert "delai" in instance("distribution", "rebut").sortie


async def test_le_secours_et_le_debit_d_un_guichet(instance: Commande, numero: str) -> None:
    """[DST-50] [DST-53] Set, shown, taken away."""
    refus = instance("guichet", "secours", "G1226", "courrier")
    assert refus.code == 1
    instance("guichet", "adresse", "G1226", "https://bailleur.exemple.fr/reception")
    assert "secours retrait après 5 min" in (
        instance("guichet", "secours", "G1226", "retrait", "--apres", "5").sortie
    )
    assert "120 envoi(s) par minute" in instance("guichet", "debit", "G1226", "120").sortie
    assert instance("guichet", "debit", "G0000", "1").code == 1
    shown = instance("guichet", "montrer", "G1226", "--json").json
    assert (shown["remise"]["secours"], shown["remise"]["secours_apres"]) == ("retrait", 5)
    assert (shown["remise"]["debit"], shown["disjoncteurs"]) == (120, {})
    assert "retrait après 5 min" in instance("guichet", "montrer", "G1226").sortie
    assert "sans secours" in instance("guichet", "secours", "G1226").sortie
    assert "sans limite" in instance("guichet", "debit", "G1226").sortie
    assert "1 envoi(s) à la fois" in instance("guichet", "simultanes", "G1226", "1").sortie
    assert instance("guichet", "montrer", "G1226", "--json").json["remise"]["simultanes"] == 1
    assert "selon la configuration" in instance("guichet", "simultanes", "G1226").sortie
    assert instance("guichet", "simultanes", "G1226", "33").code == 2


async def test_distribution_en_echec_se_reprend(instance: Commande, numero: str, engine: Engine) -> None:
    (item,) = instance("distribution", "lister", "--json").json
    assert (item["guichet"], item["numero"], item["sequence"]) == ("G1226", numero, 1)
    assert numero in instance("distribution", "lister", "--numero", numero).sortie
    assert "0 distribution(s)" in instance("distribution", "rejouer", item["id"]).sortie
    with engine.begin() as conn:
        conn.execute(text("UPDATE distribution SET etat = 'echec', termine_le = cree_le"))
    assert len(instance("distribution", "lister", "--etat", "echec", "--json").json) == 1
    assert "1 distribution(s)" in instance("distribution", "rejouer", "--guichet", "G1226").sortie
    (again,) = instance("distribution", "lister", "--json").json
    assert (again["id"], again["sequence"], again["etat"]) == (item["id"], 1, "en_attente")


async def test_ce_qui_attend_se_voit_avec_son_age(instance: Commande, numero: str) -> None:
    """[DST-21]"""
    (attente,) = instance("distribution", "attente", "--json").json
    assert (attente["guichet"], attente["canal"], attente["en_attente"], attente["retrait_le"]) == (
        "G1226",
        "retrait",
        1,
        None,
    )
    assert attente["age_jours"] >= 0
    assert "G1226" in instance("distribution", "attente").sortie


async def test_journal_altere_se_voit(instance: Commande, numero: str, engine: Engine) -> None:
    """Who may alter the database cannot do so unseen."""
    assert "1 entrée(s), 1 document(s)" in instance("registre", "verifier").sortie
    with engine.begin() as conn:
        conn.execute(text("SET session_replication_role = replica"))
        conn.execute(text("UPDATE journal SET instant = instant - interval '1 day'"))
    result = instance("registre", "verifier")
    assert result.code == 1
    assert "entrée 1" in result.sortie
    value = instance("registre", "verifier", "--json")
    assert value.code == 1
    assert value.json["intact"] is False
    assert value.json["ruptures"][0]["sequence"] == 1
