"""A guichet served by signed mail while its own service does not answer, then by its service again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from conformance.partenaire_reference import PartenaireReference
from dispatching.canaux import switch_canal
from dispatching.deliveries import Etat
from dispatching.incidents import list_incidents
from dispatching.secours import set_secours
from dispatching.worker import Worker
from registry.guichets import CanalDistribution, Guichet
from registry.guichets_store import get_guichet, set_adresse_reception
from soap.client import DistributionClient
from tests.conformance.pki import Pki
from tests.mailflows.monde import Monde
from tests.mailflows.test_distributions import TOUT, auteur, distributions, received, register

__all__ = ["auteur"]
PUSH, COURRIER = CanalDistribution.PUSH, CanalDistribution.COURRIER


def _canal(monde: Monde) -> CanalDistribution:
    with monde.engine.connect() as conn:
        guichet = get_guichet(conn, "G1104")
    assert guichet is not None
    return guichet.canal


async def test_pushed_then_mailed_then_pushed_again(monde: Monde, auteur: Guichet, tmp_path: Path) -> None:
    """[DST-50] [DST-51] [DST-52] Real SOAP, real mail: each distribution comes once, by one or the other."""
    partenaire = monde.partenaire("G1104", TOUT)
    pki = Pki(tmp_path)
    client = DistributionClient(pki.client())
    await client.start()
    with monde.engine.begin() as conn:
        assert set_adresse_reception(conn, "G1104", "https://127.0.0.1:9/services/") == ()
        assert switch_canal(conn, "G1104", PUSH, instant=monde.now) == ()
        assert set_secours(conn, "G1104", COURRIER, 10, instant=monde.now) == ()
    assert monde.courrier is not None
    worker = Worker(
        monde.engine,
        {PUSH: client, COURRIER: monde.courrier.transport},
        monde.clock,
        releve=timedelta(milliseconds=50),
    )
    await worker.start()
    service = PartenaireReference(pki.serveur())
    try:
        await register(monde, "sans réponse")
        for echecs in range(1, 6):
            await monde.until(echecs, lambda: monde.count("tentative WHERE issue = 'injoignable'"))
            monde.clock.advance(timedelta(minutes=10))
        (recu,) = await received(partenaire, 1)
        await monde.until([Etat.ACQUITTEE], lambda: [each.etat for each in distributions(monde)])
        assert (_canal(monde), recu.id) == (COURRIER, str(distributions(monde)[0].id))
        adresse = await service.start()
        with monde.engine.begin() as conn:
            assert set_adresse_reception(conn, "G1104", adresse) == ()
        monde.clock.advance(timedelta(hours=1))
        await register(monde, "revenue")
        await asyncio.wait_for(service.wait_for(1), 20)
        await monde.until(PUSH, lambda: _canal(monde))
        await register(monde, "ensuite")
        await asyncio.wait_for(service.wait_for(2), 20)
        await monde.until({Etat.ACQUITTEE}, lambda: {each.etat for each in distributions(monde)})
    finally:
        await worker.stop()
        await client.stop()
        await service.stop()
    assert [each.sequence for each in service.receptions.values()] == [2, 3]
    assert len([each for each in partenaire.recus if each.nature == "distribution"]) == 1
    with monde.engine.connect() as conn:
        incidents = [each.genre.value for each in list_incidents(conn, "G1104")][::-1]
    assert incidents == ["ouverture", "bascule", "fermeture", "retour"]
