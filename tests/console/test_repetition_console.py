"""A rehearsal asked for in the console: real mails travel, signed and encrypted, and each use is proved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Engine

from certs.trousseau import Clef, Trousseau, UsageCle, save
from console.libelles_partenaires import ROTATIONS
from console.moyens import Moyens
from console.profils import ProfilCompte
from mailflows.epreuves import read_etape
from mailflows.repetition import Issue
from registry.clock import FixedClock
from tests.console.monde import Monde
from tests.console.moyens import build_moyens
from tests.console.navigateur import Navigateur
from tests.mailflows.monde import HUB, Pki
from tests.mailflows.monde import Monde as MondeCourrier
from tests.registry.fabrique import RECU_LE

GESTIONNAIRE = (ProfilCompte.GESTIONNAIRE, "111")
CODE = "G1104"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki.create(tmp_path_factory.mktemp("pki-courrier"))


@pytest.fixture
def moyens(tmp_path: Path, pki: Pki) -> Moyens:
    found = build_moyens(tmp_path / "instance", courrier=HUB)
    usages = frozenset({UsageCle.SIGNATURE, UsageCle.CHIFFREMENT})
    save(found.trousseau, Trousseau((Clef(pki.hub, usages, RECU_LE, RECU_LE),)))
    return found


@pytest_asyncio.fixture
async def courrier(engine: Engine, clock: FixedClock, monde: Monde, pki: Pki) -> AsyncIterator[MondeCourrier]:
    """The asynchronous edge on the same database, and a guichet with its robot."""
    found = MondeCourrier(engine, clock, pki)
    await found.start()
    found.partenaire(CODE, territoires=("111",))
    yield found
    await found.stop()


async def test_a_signed_message_goes_and_comes_back(courrier: MondeCourrier, console: Navigateur) -> None:
    """[RAC-3] [RAC-10] [CER-57] From the page of the connection; shown there and beside the keys."""
    ici = f"/partenaires/{CODE}/raccordement"
    page = await console.get(ici, GESTIONNAIRE)
    assert "un essai du courrier signé" in page.texte
    assert (await console.post(f"/partenaires/{CODE}/repetition", {}, GESTIONNAIRE)).statut == 303

    def issue() -> Issue | None:
        with console.services.engine.connect() as conn:
            etape = read_etape(conn, CODE, instant=courrier.now)
        return None if etape is None else etape.issue

    await courrier.until(Issue.REUSSIE, issue)
    page = await console.get(f"{ici}?etape=essai", GESTIONNAIRE)
    assert page.texte.count("réussi ") >= len(ROTATIONS)
    assert "a fait l'aller et le retour" in page.texte
    assert "réussie" in (await console.get("/cles", GESTIONNAIRE)).texte
    assert (await console.get(ici, GESTIONNAIRE)).texte.count("un premier échange accepté") > 0
