"""The end of a certificate, told to its guichet by a signed mail."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from conformance.partenaire_courrier import PartenaireCourrier, Recu
from mailflows.avis import post_avis
from mailflows.etats import Etat
from registry.guichets import CanalDistribution
from registry.surveillance_certificats import Avis, avis_a_envoyer, produce_avis
from tests.mailflows.monde import Monde


def nightly(monde: Monde) -> tuple[Avis, ...]:
    """What the task of the night does; the notices put in the outbox."""
    with monde.engine.begin() as conn:
        produce_avis(conn, monde.now)
        return post_avis(conn, instant=monde.now)


async def notices(partenaire: PartenaireCourrier, number: int) -> list[Recu]:
    async with asyncio.timeout(20):
        await partenaire.wait_for(lambda recus: sum(each.nature == "avis" for each in recus) == number)
    return [each for each in partenaire.recus if each.nature == "avis"]


async def test_the_end_of_a_certificate_is_told_by_mail(monde: Monde) -> None:
    """[CER-56] Once for each step: encrypted while that can be, then in clear. The others are left to the
    operator."""
    partenaire = monde.partenaire()
    monde.partenaire("G1226", canal=CanalDistribution.RETRAIT)
    monde.clock.advance(timedelta(days=700))
    assert [avis.guichet for avis in nightly(monde)] == ["G1104"]
    assert nightly(monde) == ()
    (recu,) = await notices(partenaire, 1)
    (fichier,) = recu.fichiers
    assert recu.chiffre
    assert (fichier.nom, recu.en_reponse_a, recu.accuse) == ("avis-certificat.txt", "", None)
    assert "préparez le suivant" in fichier.contenu.decode("utf-8")
    assert recu.sujet == f"[echangeur] AVIS G1104 {recu.id}"
    # Sent, and known to be: the lease of a sending in hand would run out with the month that follows.
    await monde.until([Etat.ENVOYE], lambda: [each.situation.etat for each in monde.sortants()])
    monde.clock.advance(timedelta(days=31))
    nightly(monde)
    (_, ended) = await notices(partenaire, 2)
    assert not ended.chiffre
    assert "a expiré" in ended.fichiers[0].contenu.decode("utf-8")
    with monde.engine.connect() as conn:
        assert {avis.guichet for avis in avis_a_envoyer(conn)} == {"G1226"}
    assert partenaire.illisibles == []
