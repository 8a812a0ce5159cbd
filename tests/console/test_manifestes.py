"""Manifests, reconciliation and time travel in the console."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
import pytest

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
