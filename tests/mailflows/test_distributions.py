"""Distributions by mail: sent, acknowledged, reminded, carried from one channel to the other."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import Unpack

import pytest
from sqlalchemy import text

from conformance.partenaire_courrier import Conduite, PartenaireCourrier, Piece, Recu
from dispatching.acquittement import Acquit, Acquittee, acknowledge
from dispatching.canaux import switch_canal
from dispatching.deliveries import Distribution, Etat, list_distributions, uuid7s
from filters.language import filtre
from mailflows.fermeture import close
from registry.certificats import withdraw_certificat
from registry.guichets import CanalDistribution, Guichet
from registry.guichets_store import get_guichet, set_version
from schemas.courrier import Accuse, FichierAccuse, Verdict, write_accuse
from tests.mailflows.monde import Monde
from tests.registry.fabrique import Options, echange_of, generate, read_version

TOUT = filtre("tout")


def distributions(monde: Monde) -> tuple[Distribution, ...]:
    with monde.engine.connect() as conn:
        return list_distributions(conn)


async def register(monde: Monde, seed: str, **options: Unpack[Options]) -> None:
    """A demande of another guichet."""
    with monde.engine.connect() as conn:
        guichet = get_guichet(conn, "G1300")
    assert guichet is not None
    echange = echange_of(guichet, generate(seed, guichet, **options), monde.now)
    await monde.traitement.receive(echange)
    await monde.traitement.get_num_unique(echange, echange.octets)


async def received(partenaire: PartenaireCourrier, number: int) -> list[Recu]:

    def found(recus: list[Recu]) -> list[Recu]:
        return [recu for recu in recus if recu.nature == "distribution"]

    async with asyncio.timeout(20):
        await partenaire.wait_for(lambda recus: len(found(recus)) >= number)
    return found(partenaire.recus)


@pytest.fixture
def auteur(monde: Monde) -> Guichet:
    monde.partenaire("G1300", canal=CanalDistribution.RETRAIT)
    with monde.engine.connect() as conn:
        found = get_guichet(conn, "G1300")
    assert found is not None
    return found


async def test_a_distribution_is_sealed_sent_and_acknowledged(monde: Monde, auteur: Guichet) -> None:
    """[COU-40] [COU-33]"""
    partenaire = monde.partenaire("G1104", TOUT)
    await monde.start_distribution()
    await register(monde, "distribuée")
    (recu,) = await received(partenaire, 1)
    assert recu.chiffre
    assert recu.sujet == "[echangeur] DISTRIBUTION G1104 1"
    assert b"DIS" in recu.fichiers[0].contenu
    await monde.until([Etat.ACQUITTEE], lambda: [each.etat for each in distributions(monde)])
    (distribution,) = distributions(monde)
    assert str(distribution.id) == recu.id


async def test_a_distribution_is_of_the_version_that_its_guichet_reads(monde: Monde, auteur: Guichet) -> None:
    """[SOA-44] [DST-10] Two guichets take the same demande, that holds all that 02.00 has no place for; each
    acknowledges the bytes that it was sent."""
    lecteurs = {"02.00": monde.partenaire("G1104", TOUT), "02.01": monde.partenaire("G1305", TOUT)}
    with monde.engine.begin() as conn:
        assert set_version(conn, "G1104", "02.00") == ()
    await monde.start_distribution()
    await register(monde, "complète", complet=True, association=False)
    for version, partenaire in lecteurs.items():
        (recu,) = await received(partenaire, 1)
        assert read_version(recu.fichiers[0].contenu) == (version, version == "02.01")
    await monde.until([Etat.ACQUITTEE] * 2, lambda: [each.etat for each in distributions(monde)])


async def test_without_an_accuse_it_is_sent_again_under_the_same_identifier(
    monde: Monde, auteur: Guichet
) -> None:
    """[COU-40] [COU-41]"""
    partenaire = monde.partenaire("G1104", TOUT)
    partenaire.conduite = Conduite.MUET
    await monde.start_distribution()
    await register(monde, "muette")
    (first,) = await received(partenaire, 1)
    await monde.until(1, lambda: monde.count("tentative WHERE issue = 'remise'"))
    monde.clock.advance(timedelta(hours=4))
    assert monde.worker is not None
    monde.worker.wake()
    first, second = await received(partenaire, 2)
    assert (first.id, first.fichiers) == (second.id, second.fichiers)
    assert second.sujet.endswith("RAPPEL 1")
    # The two accusés come at last, one after the other: one is enough, the second changes nothing.
    partenaire.conduite = Conduite.NORMAL
    await partenaire.acknowledge(first)
    await partenaire.acknowledge(second, Verdict.DEJA_RECU)
    await monde.until(["traite", "traite"], lambda: [each.etat for each in monde.entrants()])
    (distribution,) = distributions(monde)
    assert distribution.etat is Etat.ACQUITTEE


async def test_what_is_never_acknowledged_ends_as_a_visible_failure(monde: Monde, auteur: Guichet) -> None:
    """[COU-40] And an accusé that comes later still ends it well."""
    partenaire = monde.partenaire("G1104", TOUT)
    partenaire.conduite = Conduite.MUET
    await monde.start_distribution()
    assert monde.worker is not None
    await register(monde, "jamais")
    turns = 0
    while distributions(monde)[0].etat is Etat.EN_ATTENTE and turns < 20:
        turns += 1
        await received(partenaire, turns)
        await monde.until(
            True,
            lambda: (
                distributions(monde)[0].prochaine_tentative > monde.now + timedelta(minutes=2)
                or distributions(monde)[0].etat is not Etat.EN_ATTENTE
            ),
        )
        monde.clock.advance(timedelta(hours=4))
        monde.worker.wake()
    assert distributions(monde)[0].etat is Etat.ECHEC
    partenaire.conduite = Conduite.NORMAL
    await partenaire.acknowledge(partenaire.recus[-1])
    await monde.until(Etat.ACQUITTEE, lambda: distributions(monde)[0].etat)


async def test_an_accuse_of_other_bytes_or_by_another_guichet_acknowledges_nothing(
    monde: Monde, auteur: Guichet
) -> None:
    """[COU-41]"""
    partenaire = monde.partenaire("G1104", TOUT)
    other = monde.partenaire("G1226")
    partenaire.conduite = Conduite.AUTRE_EMPREINTE
    await monde.start_distribution()
    await register(monde, "autre empreinte")
    (recu,) = await received(partenaire, 1)
    await other.acknowledge(recu)
    await partenaire.acknowledge(recu, Verdict.REFUSE)
    await monde.until(3, lambda: sum(each.etat == "traite" for each in monde.entrants()))
    assert distributions(monde)[0].etat is Etat.EN_ATTENTE
    motifs = " ".join(each.motif for each in monde.entrants())
    assert "n'a pas été envoyé à ce guichet" in motifs
    assert "refuse la distribution 1" in motifs


async def test_accuses_in_any_order_within_one_mail(monde: Monde, auteur: Guichet) -> None:
    """[COU-41]"""
    partenaire = monde.partenaire("G1104", TOUT)
    partenaire.conduite = Conduite.MUET
    await monde.start_distribution()
    for rang in range(5):
        await register(monde, f"croisée {rang}")
    recus = await received(partenaire, 5)
    pieces = [
        Piece(
            f"{recu.id}.xml",
            write_accuse(
                Accuse(
                    f"<{recu.id}@hub.example>",
                    monde.now,
                    Verdict.RECU,
                    fichiers=(
                        FichierAccuse("x", hashlib.sha256(recu.fichiers[0].contenu).digest(), Verdict.RECU),
                    ),
                )
            ),
        )
        for recu in reversed(recus)
    ]
    await partenaire.post(*pieces)
    await monde.until({Etat.ACQUITTEE}, lambda: {each.etat for each in distributions(monde)})


async def test_without_a_certificate_to_encrypt_for_nothing_leaves(monde: Monde, auteur: Guichet) -> None:
    """[COU-31]"""
    partenaire = monde.partenaire("G1104", TOUT)
    with monde.engine.begin() as conn:
        withdraw_certificat(conn, partenaire.paire.certificat.empreinte, instant=monde.now)
    await monde.start_distribution()
    await register(monde, "sans certificat")
    await monde.until(1, lambda: monde.count("tentative WHERE issue = 'certificat'"))
    assert partenaire.recus == []


async def test_the_newest_valid_certificate_is_the_one(monde: Monde, auteur: Guichet) -> None:
    """[COU-31]"""
    partenaire = monde.partenaire("G1104", TOUT)
    newer = monde.pki.identite("G1104", now=monde.now + timedelta(hours=1))
    future = monde.pki.identite("G1104", now=monde.now + timedelta(days=100))
    with monde.engine.begin() as conn:
        monde.pin(conn, "G1104", newer)
        monde.pin(conn, "G1104", future)
    monde.clock.advance(timedelta(days=1))
    old = partenaire.paire
    partenaire.paire = monde.pki.paire(newer)
    await monde.start_distribution()
    await register(monde, "renouvelée")
    (recu,) = await received(partenaire, 1)
    assert recu.chiffre
    assert partenaire.illisibles == []
    partenaire.paire = old


async def test_a_change_of_channel_in_flight_neither_loses_nor_doubles(monde: Monde, auteur: Guichet) -> None:
    """[COU-50]"""
    partenaire = monde.partenaire("G1104", TOUT)
    partenaire.conduite = Conduite.MUET
    await monde.start_distribution()
    await register(monde, "bascule")
    (recu,) = await received(partenaire, 1)
    # It left by mail, and the guichet now pulls: acknowledged there first, then by the mail that was late.
    with monde.engine.begin() as conn:
        assert switch_canal(conn, "G1104", CanalDistribution.RETRAIT, instant=monde.now) == ()
        acquit = Acquit(1, hashlib.sha256(recu.fichiers[0].contenu).hexdigest())
        (answer,) = acknowledge(conn, "G1104", [acquit], instant=monde.now, echange=uuid7s(monde.now, 1)[0])
    assert isinstance(answer, Acquittee)
    since = distributions(monde)[0].termine_le
    monde.clock.advance(timedelta(minutes=5))
    await partenaire.acknowledge(recu)
    await monde.until(1, lambda: sum(each.etat == "traite" for each in monde.entrants()))
    assert distributions(monde)[0].termine_le == since
    # And back: what was acknowledged by the other channel is not mailed again.
    with monde.engine.begin() as conn:
        assert switch_canal(conn, "G1104", CanalDistribution.COURRIER, instant=monde.now) == ()
    await register(monde, "après la bascule")
    first, second = await received(partenaire, 2)
    assert first.id != second.id


async def test_after_the_cut_off_no_distribution_leaves(monde: Monde, auteur: Guichet) -> None:
    """[COU-61]"""
    partenaire = monde.partenaire("G1104", TOUT)
    with monde.engine.begin() as conn:
        close(conn, "G1104", monde.now, annoncee_le=monde.now)
    await monde.start_distribution()
    await register(monde, "trop tard")
    await monde.until(1, lambda: monde.count("tentative WHERE terminee_le IS NOT NULL"))
    with monde.engine.connect() as conn:
        assert "fermé" in conn.execute(text("SELECT detail FROM tentative")).scalar_one()
    assert partenaire.recus == []
