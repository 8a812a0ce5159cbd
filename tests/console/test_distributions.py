"""Distributions in the console: found, shown with their cause, explained, tried again by the operator."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from console.profils import ProfilCompte
from dispatching.deliveries import Etat
from registry.traces import list_traces
from tests.console.monde import AILLEURS, AUTRE, NOTRE
from tests.console.navigateur import Navigateur

AGENT = (ProfilCompte.GUICHET, NOTRE)
EXPLOITANT = (ProfilCompte.EXPLOITANT, "")
GESTIONNAIRE = (ProfilCompte.GESTIONNAIRE, "059")


def fail(console: Navigateur, guichet: str, cause: str = "panne") -> None:
    """All that waits for that guichet has failed for good."""
    with console.services.engine.begin() as conn:
        conn.execute(
            text(
                "UPDATE distribution SET etat = 'echec', cause = :cause, termine_le = :instant,"
                " tentatives = 1 WHERE guichet = :guichet"
            ),
            {"guichet": guichet, "cause": cause, "instant": console.services.clock.now()},
        )
        conn.execute(
            text(
                "INSERT INTO tentative (distribution, rang, commencee_le, porteur, terminee_le, issue,"
                " detail) SELECT id, 1, :instant, 1, :instant, :cause, 'le service répond : maintenance'"
                " FROM distribution WHERE guichet = :guichet"
            ),
            {"guichet": guichet, "cause": cause, "instant": console.services.clock.now()},
        )


def etat(console: Navigateur, guichet: str) -> Etat:
    return console.monde.scene.distributions(guichet)[0].etat


async def test_an_agent_sees_those_of_his_guichet_and_no_others(console: Navigateur) -> None:
    """[FLX-1] Whatever guichet he asks for; a gestionnaire, those of his territory; an operator, all."""
    ours, theirs = console.monde.demandes[AUTRE], console.monde.demandes[NOTRE]
    page = await console.get(f"/distributions?guichet={AUTRE}", AGENT)
    assert (ours in page.texte, theirs in page.texte) == (True, False)
    page = await console.get("/distributions", GESTIONNAIRE)
    assert (ours in page.texte, theirs in page.texte) == (True, True)
    page = await console.get("/distributions", (ProfilCompte.GESTIONNAIRE, "111"))
    assert (ours in page.texte, theirs in page.texte) == (False, False)
    page = await console.get(f"/distributions?numero={theirs}", EXPLOITANT)
    assert (ours in page.texte, theirs in page.texte) == (False, True)


@pytest.mark.parametrize(
    ("question", "trouvee"),
    [
        ("numero={numero}", True),
        ("rang=1", True),
        ("rang=2", False),
        ("etat=en_attente", True),
        ("etat=acquittee", False),
        ("etat=echec", False),
        ("du={jour}&au={jour}", True),
        ("du={demain}", False),
        ("au={hier}", False),
        ("numero={numero}&etat=echec", False),
        ("suite=1", False),
        ("suite=n'importe%20quoi%00", True),
    ],
)
async def test_searching(console: Navigateur, question: str, trouvee: bool) -> None:
    """[FLX-2]"""
    jour = console.services.clock.now()
    numero = console.monde.demandes[AUTRE]
    values = {
        "numero": numero,
        "jour": f"{jour:%Y-%m-%d}",
        "hier": f"{jour - timedelta(days=1):%Y-%m-%d}",
        "demain": f"{jour + timedelta(days=1):%Y-%m-%d}",
    }
    page = await console.get("/distributions?" + question.format(**values), AGENT)
    assert page.statut == 200
    found = f'href="/distributions/de/{NOTRE}/1"' in page.html
    assert found is trouvee


@pytest.mark.parametrize(
    ("question", "champ"),
    [
        ("du=hier", "du"),
        ("du=2026-02-01&au=2026-01-01", "au"),
        ("rang=un", "rang"),
        ("rang=99999999999999999999", "rang"),
        ("etat=perdue", "etat"),
        ("du=9999-12-31", "du"),
    ],
)
async def test_what_cannot_be_read_is_told_at_its_field(
    console: Navigateur, question: str, champ: str
) -> None:
    """[FLX-2]"""
    page = await console.get("/distributions?" + question, AGENT)
    assert page.statut == 422
    assert f'id="erreur-{champ}"' in page.html
    assert f'aria-describedby="erreur-{champ}"' in page.html


async def test_what_is_typed_is_shown_as_text(console: Navigateur) -> None:
    """[CSL-20] Nothing that one types comes back as HTML."""
    page = await console.get('/distributions?numero="><script>alert(1)</script>', AGENT)
    assert "<script>alert" not in page.html.lower()


async def test_a_search_is_kept_as_a_file(console: Navigateur) -> None:
    """[FLX-3] The same rows as the page, for a spreadsheet."""
    page = await console.get("/distributions/export.csv?etat=en_attente", GESTIONNAIRE)
    assert page.entetes["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(page.octets.decode("utf-8-sig")), delimiter=";"))
    assert {(row["guichet"], row["numéro unique"]) for row in rows} == {
        (NOTRE, console.monde.demandes[AUTRE]),
        (AUTRE, console.monde.demandes[NOTRE]),
    }
    assert {row["état"] for row in rows} == {"en attente"}


async def test_a_failed_one_tells_its_cause_its_attempts_and_what_to_do(console: Navigateur) -> None:
    """[FLX-10]"""
    fail(console, NOTRE)
    with console.services.engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO disjoncteur (guichet, canal, echecs, ouvert_le, suspendu_jusqu_a, cause, detail,"
                " maj_le) VALUES (:g, 'push', 7, :i, :i + interval '1 hour', 'panne', 'maintenance', :i)"
            ),
            {"g": NOTRE, "i": console.services.clock.now()},
        )
    for qui, replays in ((AGENT, False), (GESTIONNAIRE, False), (EXPLOITANT, True)):
        page = await console.get(f"/distributions/de/{NOTRE}/1", qui)
        for said in (
            *("en échec", "ne pouvait rien prendre", "puis rejouer", "au guichet partenaire d'agir"),
            *("le service répond : maintenance", "guichet en panne", "ouvert : rien ne part"),
        ):
            assert said in page.texte, said
        assert ("Rejouer cette distribution" in page.texte) is replays
    page = await console.get(f"/distributions?guichet={NOTRE}&etat=echec", EXPLOITANT)
    assert "ne pouvait rien prendre" in page.texte


async def test_an_operator_sees_flows_and_nothing_nominative(console: Navigateur) -> None:
    """[FLX-4] Neither link nor page of explanation, unless he is entitled."""
    page = await console.get(f"/distributions/de/{NOTRE}/1", EXPLOITANT)
    assert "/distributions/explication/" not in page.html
    numero = console.monde.demandes[AUTRE]
    page = await console.get(f"/distributions/explication/{numero}?guichet={NOTRE}", EXPLOITANT)
    assert (page.statut, "CON108" in page.texte) == (403, True)


@pytest.mark.parametrize("rang", ["2", "0", "-1", "x", "9" * 40, "1.0", "１"])
async def test_a_rank_that_does_not_exist(console: Navigateur, rang: str) -> None:
    """[CSL-21]"""
    page = await console.get(f"/distributions/de/{NOTRE}/{rang}", AGENT)
    assert (page.statut, "CON103" in page.texte) == (404, True)


async def test_the_operator_tries_one_again(console: Navigateur) -> None:
    """[FLX-11] What is acknowledged is never sent again."""
    fail(console, NOTRE)
    page = await console.post(f"/distributions/de/{NOTRE}/1/rejeu", {}, AGENT)
    assert (page.statut, etat(console, NOTRE)) == (403, Etat.ECHEC)
    page = await console.post(f"/distributions/de/{NOTRE}/1/rejeu", {}, EXPLOITANT)
    assert (page.statut, page.entetes["Location"]) == (303, f"/distributions/de/{NOTRE}/1")
    assert etat(console, NOTRE) is Etat.EN_ATTENTE
    with console.services.engine.begin() as conn:
        conn.execute(text("UPDATE distribution SET etat = 'acquittee', termine_le = now()"))
        acts = conn.execute(text("SELECT acte, objet, refus FROM acte_console ORDER BY id")).all()
    assert [tuple(act) for act in acts] == [("rejouer une distribution", NOTRE, "")]
    await console.post(f"/distributions/de/{NOTRE}/1/rejeu", {}, EXPLOITANT)
    assert etat(console, NOTRE) is Etat.ACQUITTEE


async def test_many_are_tried_again_by_guichet_and_cause_or_all(console: Navigateur) -> None:
    """[FLX-12] Nothing chosen is refused: it would be everything."""
    fail(console, NOTRE, "panne")
    fail(console, AUTRE, "refus")
    for champs, statut in (({}, 422), ({"tout": "non"}, 422), ({"guichet": NOTRE, "cause": "peste"}, 400)):
        assert (await console.post("/distributions/rejouer", champs, EXPLOITANT)).statut == statut
    await console.post("/distributions/rejouer", {"guichet": NOTRE, "cause": "refus"}, EXPLOITANT)
    assert (etat(console, NOTRE), etat(console, AUTRE)) == (Etat.ECHEC, Etat.ECHEC)
    await console.post("/distributions/rejouer", {"guichet": NOTRE, "cause": "panne"}, EXPLOITANT)
    assert (etat(console, NOTRE), etat(console, AUTRE)) == (Etat.EN_ATTENTE, Etat.ECHEC)
    await console.post("/distributions/rejouer", {"tout": "oui"}, EXPLOITANT)
    assert etat(console, AUTRE) is Etat.EN_ATTENTE


async def test_what_has_not_arrived_by_guichet_and_by_cause(console: Navigateur) -> None:
    """[FLX-13] Within one's sight; only the operator is offered to try again."""
    fail(console, AUTRE, "refus")
    page = await console.get("/distributions/attente", EXPLOITANT)
    assert "a refusé ce document-ci" in page.texte
    assert f"Guichet {NOTRE} ({NOTRE})" in page.texte
    assert "Tout rejouer" in page.texte
    page = await console.get("/distributions/attente", AGENT)
    assert "a refusé ce document-ci" not in page.texte
    assert (f"Guichet {NOTRE} ({NOTRE})" in page.texte, AUTRE in page.texte) == (True, False)
    assert "Rejouer" not in page.texte
    page = await console.get("/distributions/attente", (ProfilCompte.GUICHET, AILLEURS))
    assert "Tout est arrivé" in page.texte


async def test_lifting_a_breaker(console: Navigateur) -> None:
    """[FLX-14]"""
    with console.services.engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO disjoncteur (guichet, canal, echecs, ouvert_le, cause, detail, maj_le)"
                " VALUES ('G0591', 'push', 7, now(), 'panne', 'maintenance', now())"
            )
        )
    assert "maintenance" in (await console.get("/distributions/attente", AGENT)).texte
    assert (await console.post(f"/distributions/disjoncteur/{NOTRE}", {}, EXPLOITANT)).statut == 303
    page = await console.get("/distributions/attente", AGENT)
    assert "disjoncteur levé" in page.texte
    assert "Canaux qui échouent" not in page.texte


async def test_the_explanation_is_that_of_the_decision_and_is_traced(console: Navigateur) -> None:
    """[FLX-5] [TRA-1]"""
    numero = console.monde.demandes[AUTRE]
    page = await console.get(f"/distributions/explication/{numero}", AGENT)
    assert f"Pourquoi {NOTRE} reçoit cette demande" in page.texte
    assert f"Tout {NOTRE}" in page.texte
    page = await console.get(f"/distributions/explication/{numero}?guichet={AUTRE}", GESTIONNAIRE)
    assert "auteur de l'événement" in page.texte
    page = await console.get(f"/distributions/explication/{numero}?guichet={AILLEURS}", GESTIONNAIRE)
    assert page.statut == 422
    page = await console.get(f"/distributions/explication/{numero}?guichet={AUTRE}&version=7", GESTIONNAIRE)
    assert "Rien n’a été décidé" in page.texte
    with console.services.engine.connect() as conn:
        traces = list_traces(conn, numero=numero)
    assert [(each.operation, each.utilisateur) for each in traces] == [
        *[("distributions.expliquer", "gestionnaire.059@exemple.fr")] * 3,
        ("distributions.expliquer", "guichet.g0591@exemple.fr"),
    ]


async def test_htmx_gets_the_results_alone(console: Navigateur) -> None:
    """[FLX-2] The page works without it."""
    part = {"HX-Request": "true", "HX-Request-Type": "partial"}
    page = await console.get("/distributions", AGENT, **part)
    assert "<html" not in page.html
    assert re.search(r"<table>", page.html)
