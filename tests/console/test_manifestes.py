"""Manifests, reconciliation and time travel in the console."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import aiohttp
import pytest
from sqlalchemy import text

from console.profils import ProfilCompte
from dispatching.manifestes import get_manifeste
from registry.controles import PARIS
from registry.traces import list_traces
from tests.console.manifestes import establish
from tests.console.monde import AILLEURS, AUTRE, NOTRE
from tests.console.navigateur import Navigateur

AGENT = (ProfilCompte.GUICHET, NOTRE)
AUDITEUR = (ProfilCompte.AUDITEUR, "")
GESTIONNAIRE = (ProfilCompte.GESTIONNAIRE, "059")


async def test_a_manifest_is_given_as_it_was_signed(console: Navigateur) -> None:
    """[FLX-40] To the guichet, to who watches over it, and to auditors."""
    establish(console.monde)
    jour = console.services.clock.now().astimezone(PARIS).date()
    with console.services.engine.connect() as conn:
        kept = get_manifeste(conn, NOTRE, jour)
    assert kept is not None
    for qui in (AGENT, GESTIONNAIRE, AUDITEUR):
        page = await console.get(f"/manifestes/{NOTRE}", qui)
        assert kept.empreinte.hex() in page.texte
        page = await console.get(f"/manifestes/{NOTRE}/{jour}", qui)
        assert (page.octets, page.entetes["Content-Type"]) == (kept.octets, "application/octet-stream")
        assert kept.nom in page.entetes["Content-Disposition"]
    for chemin in (
        f"/manifestes/{NOTRE}/hier",
        f"/manifestes/{NOTRE}/2001-01-01",
        f"/manifestes/{AUTRE}/{jour}",
    ):
        assert (await console.get(chemin, AGENT)).statut == 404
    page = await console.get("/manifestes", AGENT)
    assert page.entetes["Location"] == f"/manifestes/{NOTRE}"
    assert (await console.get(f"/manifestes?guichet={AILLEURS}", GESTIONNAIRE)).statut == 422


@pytest.mark.parametrize(
    ("liste", "said"),
    [
        ("1", "jusqu’au numéro d’ordre 1"),
        ("1-3\r\n\r\n7", "En trop : 2 à 3 En trop : 7"),
        ("5", "Manque : 1 (en attente)"),
        ("1;" + "0" * 64, "Autre fichier : 1"),
    ],
)
async def test_what_a_guichet_has_is_compared(console: Navigateur, liste: str, said: str) -> None:
    """[FLX-41] Typed, or in a file, whose field may be left empty."""
    page = await console.post(f"/manifestes/{NOTRE}/rapprochement", {"liste": liste}, AGENT)
    assert said in page.texte
    form = aiohttp.FormData()
    form.add_field("liste", "")
    form.add_field("fichier", liste.encode(), filename="liste.txt", content_type="text/plain")
    page = await console.post(f"/manifestes/{NOTRE}/rapprochement", form, AGENT)
    assert said in page.texte
    form = aiohttp.FormData()
    form.add_field("liste", liste)
    form.add_field("fichier", b"", filename="", content_type="application/octet-stream")
    page = await console.post(f"/manifestes/{NOTRE}/rapprochement", form, AGENT)
    assert said in page.texte


@pytest.mark.parametrize("liste", ["", "un", "3-1", "1;xyz", "\x00", "\n".join(["1;" + "0" * 64] * 101)])
async def test_a_list_that_cannot_be_read(console: Navigateur, liste: str) -> None:
    """[FLX-41]"""
    page = await console.post(f"/manifestes/{NOTRE}/rapprochement", {"liste": liste}, AGENT)
    assert (page.statut, "CON603" in page.texte) == (422, True)


async def test_who_should_have_received_what(console: Navigateur) -> None:
    """[FLX-42] [TRA-1] At an instant, within one's sight."""
    numero = console.monde.demandes[AUTRE]
    page = await console.get(f"/distributions/attendus?numero={numero}", GESTIONNAIRE)
    assert f"{NOTRE} 1 oui Pas encore acquittée" in page.texte
    assert "À qui serait allé un changement" in page.texte
    page = await console.get(f"/distributions/attendus?numero={numero}", (ProfilCompte.GUICHET, AUTRE))
    assert "Rien n’était attendu" in page.texte
    before = (console.services.clock.now() - timedelta(days=1)).astimezone(PARIS)
    page = await console.get(
        f"/distributions/attendus?numero={numero}&au={before:%Y-%m-%dT%H:%M}", GESTIONNAIRE
    )
    assert "Rien n’était attendu" in page.texte
    with console.services.engine.connect() as conn:
        assert {trace.operation for trace in list_traces(conn, numero=numero)} == {"distributions.attendus"}
    far = console.monde.demandes[AILLEURS]
    for question in (f"numero={far}", f"numero={numero}&au=2100-01-01T00:00", f"numero={numero}&au=hier"):
        assert (await console.get(f"/distributions/attendus?{question}", AGENT)).statut == 422


async def test_a_guichet_whole_is_read_back_and_each_reading_is_told(console: Navigateur) -> None:
    """[DST-85] [TRA-7] [CSL-38] What NOTRE was to receive: of AUTRE's demande, not of its own; a page of one
    decision at a time. The trace says who, what guichet, what instant, how many demandes."""
    theirs = console.monde.demandes[AUTRE]
    page = await console.get(f"/distributions/attendus?guichet={NOTRE}&au=", GESTIONNAIRE)
    assert page.entetes["Location"] == f"/distributions/attendus/{NOTRE}"
    page = await console.get(f"/distributions/attendus/{NOTRE}", GESTIONNAIRE)
    assert theirs in page.texte
    assert "Décisions suivantes" not in page.texte
    au = console.services.clock.now().astimezone(PARIS) - timedelta(days=30)
    vide = await console.get(f"/distributions/attendus/{NOTRE}?au={au:%Y-%m-%dT%H:%M}", AGENT)
    assert "Rien n’était attendu" in vide.texte
    with console.services.engine.connect() as conn:
        rien, lue = list_traces(conn, limite=2)
    assert lue.objet.startswith(f"guichet {NOTRE} au ")
    assert (lue.utilisateur, lue.numeros) == ("gestionnaire.059@exemple.fr", (theirs,))
    assert (rien.guichet, rien.numeros) == (NOTRE, ())
    assert f"guichet {NOTRE} au {au:%d/%m/%Y à %H:%M:00}" in rien.objet
    page = await console.get("/lectures", (ProfilCompte.AUDITEUR, ""))
    assert f"Guichet {NOTRE} au" in page.texte
    assert f": 1 demande. {theirs}" in page.texte
    for question in ("au=2100-01-01T00:00", "depuis=2026-06-30T00:00&au=2026-06-29T00:00", "suite=x"):
        found = await console.get(f"/distributions/attendus/{NOTRE}?{question}", AGENT)
        assert found.statut == (200 if question == "suite=x" else 422)


async def test_pages_of_a_guichet_whole_follow_each_other(
    console: Navigateur, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[DST-85] The link of each page leads to the next, at the same instant; a gestionnaire sees the demandes
    of his territories alone."""
    monkeypatch.setattr("console.pages.attendus.JUGEES", 1)
    seen, suite = [], f"/distributions/attendus/{NOTRE}"
    while suite:
        page = await console.get(suite, GESTIONNAIRE)
        seen += [numero for numero in console.monde.demandes.values() if numero in page.texte]
        found = re.search(r'href="(/distributions/attendus/[^"]*suite=[^"]*)"', page.html)
        suite = "" if found is None else html.unescape(found[1])
    assert seen == [console.monde.demandes[AUTRE]]
    with console.services.engine.begin() as conn:
        conn.execute(text("UPDATE decision SET territoire = '111'"))
    page = await console.get(f"/distributions/attendus/{NOTRE}", GESTIONNAIRE)
    assert console.monde.demandes[AUTRE] not in page.texte


async def test_a_demande_is_judged_some_guichets_at_a_time(
    console: Navigateur, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[DST-80] Those that it was distributed to first; the link of each page leads to the others."""
    monkeypatch.setattr("console.pages.attendus.GUICHETS", 1)
    seen, suite = [], f"/distributions/attendus?numero={console.monde.demandes[AUTRE]}"
    while suite:
        page = await console.get(suite, GESTIONNAIRE)
        seen += re.findall(r"<td>(G[0-9]{4})</td><td>(?:oui|non)</td>", page.html)
        found = re.search(r'href="(/distributions/attendus[^"]*rang=[^"]*)"', page.html)
        suite = "" if found is None else html.unescape(found[1])
    assert seen == [NOTRE, AUTRE]
