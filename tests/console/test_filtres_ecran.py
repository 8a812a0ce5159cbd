"""In a real Chromium: an agent writes a filter, sees its trial change, puts it in force; a demande that
another guichet registers over SOAP, under mutual TLS, then arrives."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from certs.autorite import create_autorite
from conformance.client_reference import ClientReference
from console.profils import ProfilCompte
from dispatching.decision import Distributeur
from dispatching.deliveries import list_distributions
from dispatching.offres import Offreur
from dispatching.recipients import Raison
from filters.store import withdraw_filtre
from registry.guichets_store import get_guichet
from registry.handlers import Traitement
from registry.projection import Projection
from tests.console.chromium import Pilote
from tests.console.monde import AUTRE, NOTRE
from tests.dispatching.scene import DOUAI, LILLE, ROUBAIX
from tests.registry.fabrique import generate
from tests.soap.conftest import Hub, Pki, start_server, stop_hub
from tests.soap.test_traitement_reel import ascii_of

AGENT = (ProfilCompte.GUICHET, NOTRE)
NOM = "T2 et T3 de Roubaix"


@pytest_asyncio.fixture
async def hub(console_navigateur: Pilote, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    """The SOAP edge on the registry of the console, where the guichet next door has its certificate."""
    services = console_navigateur.console.services
    folder = tmp_path_factory.mktemp("pki")
    now = datetime.now(UTC)  # OpenSSL judges validity by the clock of the machine
    autorite = create_autorite(now=now)
    autorite.issue_serveur(now=now).write(folder / "serveur")
    autorite.issue_guichet(AUTRE, now=now).write(folder / AUTRE)
    pki = Pki(folder)
    with services.engine.connect() as conn:
        autre = get_guichet(conn, AUTRE)
    assert autre is not None
    traitement = Traitement(services.engine, services.clock, Projection(Distributeur(services.clock)))
    await traitement.start()
    runner, port = await start_server(pki, traitement, services.clock, [autre])
    yield Hub(port, pki)
    await stop_hub(runner)
    await traitement.stop()


async def shows(page: Page, nombre: int) -> None:
    """The trial beside comes to this figure."""
    await expect(page.locator("#essai .console-compteur")).to_have_text(str(nombre), timeout=60_000)


async def test_from_an_empty_draft_to_a_demande_that_arrives(console_navigateur: Pilote, hub: Hub) -> None:
    """[CSL-52] [CSL-55] [CSL-57] [CSL-58]"""
    pilote, services = console_navigateur, console_navigateur.console.services
    scene = pilote.console.monde.scene
    with services.engine.begin() as conn:
        withdraw_filtre(conn, NOTRE, f"Tout {NOTRE}", instant=scene.now)
        autre = get_guichet(conn, AUTRE)
    assert autre is not None
    scene.clock.advance(timedelta(minutes=1))
    wished = [(LILLE, ROUBAIX, DOUAI)[n % 3] for n in range(48)]
    types = [("T1", "T2", "T3", "T4")[n % 4] for n in range(48)]
    scene.register(
        [
            scene.recue(autre, [c], [t], graine=f"ecran-{n}")
            for n, (c, t) in enumerate(zip(wished, types, strict=True))
        ]
    )

    page = await pilote.open(f"/filtres/{NOTRE}", AGENT)
    page.set_default_timeout(60_000)
    await page.get_by_label("Nom du filtre").fill(NOM)
    await page.get_by_role("button", name="Créer le brouillon").click()
    await shows(page, 50)

    # One condition after the other: the figure follows without any button.
    await page.get_by_label("Ajouter ou changer une condition").select_option("types_logement")
    await page.get_by_role("button", name="Choisir").click()
    fieldset = page.get_by_role("group", name="Au moins un de")
    await fieldset.get_by_text("T2", exact=True).click()
    # Twelve of the forty-eight, and the two demandes of the world, which are T2.
    await shows(page, 14)
    await fieldset.get_by_text("T3", exact=True).click()
    await shows(page, 26)
    await pilote.capture(page, "filtres.editer-codes")

    await page.get_by_label("Ajouter ou changer une condition").select_option("communes")
    await page.get_by_role("button", name="Choisir").click()
    await page.get_by_label("Chercher").press_sequentially("ROUB")
    await page.get_by_text(f"Roubaix (59, {ROUBAIX})").click()
    await page.get_by_role("button", name="Ajouter ceux qui sont cochés").click()
    both = sum(c == ROUBAIX and t in ("T2", "T3") for c, t in zip(wished, types, strict=True)) + 1
    await shows(page, both)
    await expect(page.locator("#suite")).to_contain_text("Roubaix")
    assert await pilote.violations(page) == []
    await pilote.capture(page, "filtres.editer-communes")

    await page.get_by_role("link", name="Activer…").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Activer « {NOM} »")
    await pilote.capture(page, "filtres.activation")
    await page.get_by_text("Offrir aussi le stock").click()
    await page.get_by_role("button", name="Activer").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Rattrapage")
    await expect(page.locator("#etat")).to_contain_text("en cours")
    await pilote.capture(page, "filtres.rattrapage-en-cours")
    scene.clock.advance(timedelta(minutes=1))

    # Another guichet registers, with its certificate, over SOAP.
    client = ClientReference(
        hub.adresse, hub.pki.client(AUTRE), nom_certificat=f"CER{AUTRE}-202607011530.pem"
    )
    document = ascii_of(
        generate("ecran-soap", autre, territoire="059", communes=[ROUBAIX], types_logement=["T2"])
    )
    nom = f"DEM{AUTRE}-202607011130-000001.xml"
    answer = await asyncio.to_thread(client.num_unique, nom, document)
    assert not answer.anomalies, answer.anomalies
    numero = answer.find("demande/demandeLogement/numUnique")
    with services.engine.connect() as conn:
        (made,) = list_distributions(conn, guichet=NOTRE, numero=numero)
    assert (made.raison, made.filtre_version) == (Raison.FILTRE, 1)

    # The agent sees that it arrived, and why.
    await page.get_by_role("link", name="Pourquoi cette demande ?").click()
    await page.get_by_label("Numéro unique de la demande").fill(numero)
    await page.get_by_role("button", name="Expliquer").click()
    await expect(page.locator("main")).to_contain_text("Le guichet l’a reçue")
    await expect(page.locator("main")).to_contain_text(f"Filtre « {NOM} », version 1")
    await pilote.capture(page, "filtres.pourquoi-recue")
    assert await pilote.violations(page) == []

    # The stock is offered meanwhile; the page says when it is done.
    offreur = Offreur(services.clock)
    while (
        moved := await asyncio.to_thread(offreur.step, services.engine)
    ) is None or moved.termine_le is None:
        scene.clock.advance(timedelta(seconds=30))
    assert moved.offertes == both - 1
    await page.goto(pilote.console.base + f"/filtres/{NOTRE}/rattrapage")
    await expect(page.locator("main")).to_contain_text("terminé")

    # What is in force is then narrowed: what would leave is told, and by which numbers.
    await page.goto(pilote.console.base + f"/filtres/{NOTRE}")
    await page.get_by_role("button", name=re.compile("Modifier")).click()
    await page.get_by_role("link", name=re.compile("Modifier.*type de logement", re.I)).click()
    await page.get_by_role("group", name="Au moins un de").get_by_text("T3", exact=True).click()
    await expect(page.locator('#essai [data-liste="sortantes"]')).to_have_text(re.compile("−[1-9]"))
    await pilote.capture(page, "filtres.editer-compare")
    await page.get_by_role("link", name="lesquelles sortiraient").click()
    await expect(page.locator("tbody .console-numero").first).to_contain_text("059")
    await pilote.capture(page, "filtres.numeros-sortantes")
    assert pilote.plaintes == []
