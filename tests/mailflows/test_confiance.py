"""What the authority of a partner says of its certificate decides of its mail."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from certs.autorite import Autorite, create_autorite
from conformance.partenaire_courrier import PartenaireCourrier, Piece
from registry.certificats import certificat_de_chiffrement, list_certificats, withdraw_certificat
from registry.confiance import AutoriteConfiance, add_autorite, keep_lcr, list_autorites, load_confiance
from registry.verdicts_certificats import judge_all
from tests.mailflows.monde import Monde
from tests.mailflows.test_refus import code_of, quarantined, refusal
from tests.registry.fabrique import RECU_LE, generate


def from_elsewhere(monde: Monde) -> tuple[PartenaireCourrier, Autorite]:
    """A partner whose certificate is of its own authority, trusted with a first list."""
    igc = create_autorite("IGC d'un partenaire", now=RECU_LE - timedelta(days=30))
    partenaire = monde.partenaire()
    identite = igc.issue_guichet("G1104", now=monde.now)
    partenaire = monde.robot(partenaire.adresse, monde.pki.paire(identite))
    with monde.engine.begin() as conn:
        for each in list_certificats(conn, "G1104"):
            withdraw_certificat(conn, each.empreinte, instant=monde.now)
        monde.pin(conn, "G1104", identite)
        added = add_autorite(conn, igc.pem, ancre=True, lcr_url="", instant=RECU_LE - timedelta(days=2))
        assert isinstance(added, AutoriteConfiance)
    publish(monde, igc, 1)
    return partenaire, igc


def publish(monde: Monde, igc: Autorite, numero: int, *series: int) -> None:
    der = igc.list_revoked(
        {serie: monde.now - timedelta(hours=1) for serie in series}, now=monde.now, numero=numero
    )
    with monde.engine.begin() as conn:
        (autorite,) = list_autorites(conn)
        assert keep_lcr(conn, autorite, der, instant=monde.now) == ()
    judge(monde)


def judge(monde: Monde) -> None:
    judge_all(monde.engine, load_confiance, instant=monde.now)
    # What a process has in memory is compared each second.
    monde.clock.advance(timedelta(seconds=1))


def sealable(monde: Monde) -> bool:
    with monde.engine.connect() as conn:
        return certificat_de_chiffrement(conn, "G1104", instant=monde.now) is not None


async def registered(partenaire: PartenaireCourrier, nom: str) -> None:
    await partenaire.send(partenaire.compose([Piece("DEM.xml", generate(nom))], message_id=nom))
    async with asyncio.timeout(20):
        await partenaire.answer_to(f"{nom}@partenaire.example")


async def test_a_signer_revoked_by_its_authority_is_refused(monde: Monde) -> None:
    """[CER-36] With its reason, from the list on; and nothing is encrypted for it any more."""
    partenaire, igc = from_elsewhere(monde)
    await registered(partenaire, "avant")
    assert sealable(monde)
    publish(monde, igc, 2, partenaire.paire.certificat.serie)
    assert not sealable(monde)
    await partenaire.send(partenaire.compose([Piece("DEM.xml", generate("apres"))]))
    recu = await refusal(partenaire)
    assert code_of(recu) == "GUI008"
    assert recu.accuse is not None
    assert "révoqué le" in recu.accuse.anomalies[0].message
    assert not recu.chiffre
    assert monde.count("demande") == 1


async def test_a_mail_waits_while_nothing_tells_whether_its_signer_is_revoked(monde: Monde) -> None:
    """[CER-37] Within the grace the list still counts; past it the mail waits, and is answered once told."""
    partenaire, igc = from_elsewhere(monde)
    monde.clock.advance(timedelta(days=7, hours=23))
    judge(monde)
    await registered(partenaire, "grace")
    monde.clock.advance(timedelta(hours=2))
    judge(monde)
    assert not sealable(monde)
    await partenaire.send(partenaire.compose([Piece("DEM.xml", generate("attend"))], message_id="attend"))
    await monde.until(True, lambda: any("vérifiée" in entrant.motif for entrant in monde.entrants()))
    assert monde.count("demande") == 1
    assert not any(entrant.etat == "quarantaine" for entrant in monde.entrants())
    publish(monde, igc, 2)
    monde.clock.advance(timedelta(minutes=10))
    async with asyncio.timeout(20):
        await partenaire.answer_to("attend@partenaire.example")
    assert monde.count("demande") == 2


async def test_a_mail_that_waited_too_long_is_put_aside(monde: Monde) -> None:
    """[CER-37] Shown to the operator, who may have it handled once the list is there."""
    partenaire, _ = from_elsewhere(monde)
    monde.clock.advance(timedelta(days=9))
    judge(monde)
    await partenaire.send(partenaire.compose([Piece("DEM.xml", generate("trop"))]))
    async with asyncio.timeout(30):
        while not any(entrant.etat == "quarantaine" for entrant in monde.entrants()):
            await asyncio.sleep(0.02)
            monde.clock.advance(timedelta(hours=1))
    await quarantined(monde)
    assert [entrant.code for entrant in monde.entrants()] == ["GUI009"]
