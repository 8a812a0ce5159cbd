"""In a real Chromium, with a real partner server: a delivery that was refused is found, read, tried again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conformance.partenaire_reference import Comportement, PartenaireReference
from console.profils import ProfilCompte
from dispatching.deliveries import Etat
from dispatching.retry import Echeancier, ReglesRemise
from dispatching.worker import Worker
from filters.language import Filtre
from registry.guichets import CanalDistribution
from soap.client import DistributionClient
from tests.conformance.pki import Pki
from tests.console.chromium import Pilote
from tests.dispatching.test_worker import eventually

PARTENAIRE = "G0593"


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


async def test_an_operator_finds_a_refused_delivery_and_tries_it_again(
    console_navigateur: Pilote, pki: Pki
) -> None:
    """[FLX-10] [FLX-11] [FLX-13] From « ce qui n'est pas arrivé » to the acknowledgement."""
    scene = console_navigateur.console.monde.scene
    partner = PartenaireReference(pki.serveur())
    partner.comportement = Comportement.REFUS
    auteur = scene.guichet("G0594")
    scene.guichet(PARTENAIRE, Filtre("Tout"), adresse=await partner.start())
    client = DistributionClient(pki.client())
    await client.start()
    # The first failure is the last one: the schedule of a real delivery lasts for days.
    regles = ReglesRemise(push=Echeancier(delais=()))
    worker = Worker(scene.engine, {CanalDistribution.PUSH: client}, scene.clock, regles=regles)
    await worker.start()
    await asyncio.to_thread(scene.demande, auteur)

    def etat() -> Etat:
        return scene.distributions(PARTENAIRE)[0].etat

    await eventually(lambda: etat() is Etat.ECHEC)
    page = await console_navigateur.open("/", (ProfilCompte.EXPLOITANT, ""))
    await page.get_by_role("button", name="Distributions").click()
    await page.get_by_role("link", name="Ce qui n'est pas arrivé").first.click()
    row = page.locator("#rebut").get_by_role("row").filter(has_text=PARTENAIRE)
    assert "a refusé ce document-ci" in await row.inner_text()
    await console_navigateur.capture(page, "rejeu-1-attente")
    assert await console_navigateur.violations(page) == []
    await row.get_by_role("link", name=PARTENAIRE).click()
    await page.get_by_role("link", name=f"Distribution 1 de {PARTENAIRE}").click()
    shown = await page.locator("main").inner_text()
    for said in (
        "Le guichet a refusé ce document-ci",
        "C’est au guichet partenaire d'agir",
        "document refusé",
    ):
        assert said.casefold() in shown.casefold(), said
    await console_navigateur.capture(page, "rejeu-2-echec")
    assert await console_navigateur.violations(page) == []

    partner.comportement = Comportement.NORMAL
    await page.get_by_role("button", name="Rejouer cette distribution").click()
    assert "Une distribution est reprise" in await page.locator("main").inner_text()
    await eventually(lambda: etat() is Etat.ACQUITTEE)
    await page.reload()
    shown = (await page.locator("main").inner_text()).casefold()
    assert "acquittée le" in shown
    assert "en échec" not in shown
    assert await page.get_by_role("button", name="Rejouer cette distribution").count() == 0
    await console_navigateur.capture(page, "rejeu-3-acquittee")
    assert len(partner.receptions) == 1
    assert console_navigateur.plaintes == []
    await worker.stop()
    await client.stop()
    await partner.stop()
