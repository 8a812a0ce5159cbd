"""What leaves: a relay that fails, notices of mail servers, accusés of answers."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime, timedelta

from conformance.partenaire_courrier import Conduite, PartenaireCourrier, Piece, Recu
from mailflows import sortants
from mailflows.entrant import Reglages
from mailflows.etats import Etat, Evenement, ReglesEnvoi
from mailflows.purge import purge
from schemas.courrier import Verdict
from tests.mailflows.monde import HUB, Monde
from tests.registry.fabrique import RECU_LE, generate


async def post(partenaire: PartenaireCourrier, seed: str) -> str:
    return await partenaire.post(Piece("DEM.xml", generate(seed)))


async def answered(partenaire: PartenaireCourrier, message_id: str) -> Recu:
    async with asyncio.timeout(20):
        (recu, *_) = await partenaire.answer_to(message_id)
    return recu


def etat(monde: Monde) -> str:
    (sortant,) = monde.sortants()
    return sortant.situation.etat.value


def prochaines(monde: Monde) -> list[datetime | None]:
    return [each.situation.prochaine for each in monde.sortants()]


def notice(identifiant: str, action: str, status: str) -> bytes:
    """A notice of non-delivery (RFC 3464 §2), as a mail server sends it: from nobody, signed by nobody."""
    return (
        f"From: MAILER-DAEMON@relais.example\r\nTo: {HUB}\r\nSubject: Undelivered\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; relais.example\r\nOriginal-Envelope-Id: {identifiant}\r\n\r\n"
        f"Final-Recipient: rfc822; x@y\r\nAction: {action}\r\nStatus: {status}\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: x\r\n--b--\r\n"
    ).encode()


async def test_a_relay_that_fails_is_tried_again_later(monde: Monde) -> None:
    """[COU-34]"""
    partenaire = monde.partenaire()
    partenaire.conduite = Conduite.EN_PANNE
    identifier = await post(partenaire, "panne")
    for essai, delay in enumerate((5, 30, 120), 1):
        await monde.until(essai, lambda: monde.count("courrier_tentative WHERE terminee_le IS NOT NULL"))
        prochaine = monde.now + timedelta(seconds=delay)
        assert prochaines(monde) == [prochaine]
        assert "451" in monde.sortants()[0].detail
        monde.clock.advance(timedelta(seconds=delay))
    partenaire.conduite = Conduite.NORMAL
    recu = await answered(partenaire, identifier)
    await monde.until("envoye", lambda: etat(monde))
    with monde.engine.connect() as conn:
        attempts = sortants.list_tentatives(conn, uuid.UUID(recu.id))
    assert [each.issue for each in attempts] == ["echec", "echec", "echec", "depart"]


async def test_an_address_that_does_not_exist_is_shown_then_sent_again_by_the_operator(monde: Monde) -> None:
    """[COU-34]"""
    partenaire = monde.partenaire()
    partenaire.conduite = Conduite.DISPARU
    identifier = await post(partenaire, "disparu")
    await monde.until("echec", lambda: etat(monde) if monde.sortants() else "")
    (sortant,) = monde.sortants()
    assert "550" in sortant.detail
    partenaire.conduite = Conduite.NORMAL
    with monde.engine.begin() as conn:
        sortants.apply(conn, sortant.id, Evenement.REJEU, instant=monde.now, regles=ReglesEnvoi())
    assert (await answered(partenaire, identifier)).id == str(sortant.id)


async def test_no_relay_at_all(monde: Monde) -> None:
    """[COU-34]"""
    partenaire = monde.partenaire()
    await monde.poste.stop()
    await post(partenaire, "sans relais")
    await monde.until(True, lambda: bool(monde.sortants()) and "injoignable" in monde.sortants()[0].detail)
    assert etat(monde) == "a_envoyer"


async def test_a_notice_makes_us_try_again_or_shows_the_failure_and_never_acknowledges(monde: Monde) -> None:
    """[COU-42]"""
    partenaire = monde.partenaire()
    recu = await answered(partenaire, await post(partenaire, "avis"))
    await monde.until("envoye", lambda: etat(monde))
    await partenaire.send(notice(recu.id, "delivered", "2.0.0"), expediteur="")
    await partenaire.send(notice(recu.id, "failed", "4.4.7"), expediteur="")
    await monde.until(2, lambda: monde.count("courrier_avis"))
    await monde.until("a_envoyer", lambda: etat(monde))
    monde.clock.advance(timedelta(seconds=5))
    await monde.until("envoye", lambda: etat(monde))
    await partenaire.send(notice(recu.id, "failed", "5.1.1"), expediteur="")
    await monde.until("echec", lambda: etat(monde))
    assert "5.1.1" in monde.sortants()[0].detail
    await partenaire.send(notice(str(uuid.uuid4()), "failed", "5.1.1"), expediteur="")
    await partenaire.send(notice("rien", "failed", "5.1.1"), expediteur="")
    await monde.until(6, lambda: sum(each.etat == "traite" for each in monde.entrants()))
    assert len(monde.sortants()) == 1, "un avis ne reçoit jamais de réponse"


async def test_answers_may_have_to_be_acknowledged(monde: Monde) -> None:
    """[COU-43] [COU-41]"""
    await monde.restart(Reglages(accuse_attendu=True))
    partenaire = monde.partenaire()
    recu = await answered(partenaire, await post(partenaire, "à accuser"))
    await monde.until("attend_accuse", lambda: etat(monde))
    monde.clock.advance(timedelta(hours=4))
    async with asyncio.timeout(20):
        await partenaire.wait_for(lambda recus: len(recus) == 2)
    assert partenaire.recus[1].id == recu.id
    await monde.until("attend_accuse", lambda: etat(monde))
    # That of another content says nothing.
    other = recu.__class__(
        **{name: getattr(recu, name) for name in recu.__slots__} | {"empreinte": bytes(32)}
    )
    await partenaire.acknowledge(other)
    await monde.until(2, lambda: sum(each.etat == "traite" for each in monde.entrants()))
    assert etat(monde) == "attend_accuse"
    await partenaire.acknowledge(recu)
    await monde.until("acquitte", lambda: etat(monde))
    await partenaire.acknowledge(recu, Verdict.REFUSE)
    await monde.until(4, lambda: sum(each.etat == "traite" for each in monde.entrants()))
    assert etat(monde) == "acquitte"


async def test_the_partner_that_cannot_read_an_answer_says_so(monde: Monde) -> None:
    """[COU-43]"""
    await monde.restart(Reglages(accuse_attendu=True))
    partenaire = monde.partenaire()
    recu = await answered(partenaire, await post(partenaire, "illisible"))
    await monde.until("attend_accuse", lambda: etat(monde))
    await partenaire.acknowledge(recu, Verdict.ECHEC)
    await monde.until("echec", lambda: etat(monde))
    assert "le guichet refuse" in monde.sortants()[0].detail


async def test_bytes_are_let_go_of_once_over_and_what_waits_is_kept(monde: Monde) -> None:
    """[COU-70]"""
    partenaire = monde.partenaire()
    await answered(partenaire, await post(partenaire, "à purger"))
    await monde.until("envoye", lambda: etat(monde))
    partenaire.conduite = Conduite.EN_PANNE
    await post(partenaire, "à garder")
    await monde.until(1, lambda: sum("451" in each.detail for each in monde.sortants()))
    monde.clock.advance(timedelta(days=1))
    with monde.engine.begin() as conn:
        assert purge(conn, monde.now, RECU_LE, instant=monde.now) == (2, 1)
    assert (monde.count("courrier_brut"), monde.count("courrier_contenu")) == (0, 1)
    assert {sortant.situation.etat for sortant in monde.sortants()} <= {Etat.ENVOYE, Etat.A_ENVOYER}
