"""The manifests of a guichet of the mail channel, sent each night."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from certs.signature import ContenuVerifie, verify_signature
from dispatching.manifestes import produce
from mailflows.fermeture import TOUS, close
from mailflows.manifestes import JOURS, post_manifestes
from registry.guichets import CanalDistribution
from schemas.manifeste import Manifeste, read_manifeste
from tests.mailflows.monde import Monde
from tests.mailflows.test_distributions import TOUT, register


def nightly(monde: Monde, days: int = 1) -> int:
    """What the task of the night does, that many days later; how many were put in the outbox."""
    monde.clock.advance(timedelta(days=days))
    list(produce(monde.engine, monde.cles.signataire, monde.now))
    with monde.engine.begin() as conn:
        return post_manifestes(conn, instant=monde.now)


async def test_the_manifests_are_sent_as_they_are_signed(monde: Monde) -> None:
    """[DST-66] [COU-33] Once; several days in one message; encrypted, and signed as any mail."""
    partenaire = monde.partenaire("G1104", TOUT)
    monde.partenaire("G1226", TOUT, canal=CanalDistribution.RETRAIT)
    monde.partenaire("G1300", canal=CanalDistribution.RETRAIT)
    await register(monde, "prouvée")
    assert nightly(monde, 3) == 3
    assert nightly(monde, 0) == 0
    async with asyncio.timeout(20):
        await partenaire.wait_for(lambda recus: bool(recus))
    (recu,) = partenaire.recus
    assert (recu.nature, recu.chiffre, recu.en_reponse_a) == ("manifeste", True, "")
    assert recu.sujet == f"[echangeur] MANIFESTE G1104 {recu.id}"
    lus = []
    for fichier in recu.fichiers:
        verified = verify_signature(fichier.contenu)
        assert isinstance(verified, ContenuVerifie)
        assert verified.signataire == monde.pki.hub.certificat
        lu = read_manifeste(verified.octets)
        assert isinstance(lu, Manifeste)
        lus.append(lu)
    assert [piece.nom for piece in recu.fichiers] == [f"MANG1104-{lu.jour:%Y%m%d}.xml.p7m" for lu in lus]
    assert [(lu.rang, lu.nombre) for lu in lus] == [(1, 1), (2, 0), (3, 0)]
    # It answers nothing, and nothing is awaited for it.
    await monde.until(["envoye"], lambda: [each.situation.etat for each in monde.sortants()])


async def test_who_comes_to_mail_gets_the_last_days(monde: Monde) -> None:
    """[DST-66] The older ones are asked for; one that is sent is not sent again."""
    monde.partenaire("G1104", TOUT, canal=CanalDistribution.COURRIER)
    monde.partenaire("G1300", canal=CanalDistribution.RETRAIT)
    await register(monde, "ancienne")
    assert nightly(monde, JOURS + 9) == JOURS - 1
    assert nightly(monde) == 1


@pytest.mark.parametrize("guichet", ["G1104", TOUS])
async def test_nothing_is_sent_once_the_channel_is_closed(monde: Monde, guichet: str) -> None:
    """[DST-66] [COU-61]"""
    monde.partenaire("G1104", TOUT)
    monde.partenaire("G1300", canal=CanalDistribution.RETRAIT)
    await register(monde, "fermée")
    with monde.engine.begin() as conn:
        assert close(conn, guichet, monde.now + timedelta(hours=1), annoncee_le=monde.now) == ()
    assert nightly(monde) == 0
    assert monde.sortants() == ()
