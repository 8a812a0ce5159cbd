"""What was received at one instant and handled at another: which of the two decides."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from certs.autorite import Identite
from conformance.partenaire_courrier import PartenaireCourrier, Piece
from mailflows.entrants import Depot, Source, record
from registry.certificats import withdraw_certificat
from schemas.courrier import Verdict
from tests.mailflows.monde import Monde
from tests.registry.fabrique import generate


async def receive_only(monde: Monde, partenaire: PartenaireCourrier, message_id: str) -> None:
    """A message that the hub keeps, and that nobody handles before `start_courrier`."""
    assert monde.courrier is not None
    await monde.courrier.stop()
    mail = partenaire.compose([Piece("DEM.xml", generate(message_id))], message_id=message_id)
    with monde.engine.begin() as conn:
        record(conn, Depot(Source.SMTP, mail, partenaire.adresse, monde.now))


def renew(monde: Monde, partenaire: PartenaireCourrier) -> Identite:
    """A certificate valid from now on, which opens what is answered from now on."""
    identite = monde.pki.identite("G1104", now=monde.now)
    with monde.engine.begin() as conn:
        monde.pin(conn, "G1104", identite)
    partenaire.paire = monde.pki.paire(identite)
    return identite


async def verdict_of(partenaire: PartenaireCourrier, message_id: str) -> tuple[Verdict, list[str]]:
    async with asyncio.timeout(20):
        await partenaire.wait_for(lambda recus: any(recu.accuse is not None for recu in recus))
    (recu,) = partenaire.recus
    assert recu.en_reponse_a == f"{message_id}@partenaire.example"
    assert recu.accuse is not None
    return recu.accuse.verdict, [anomalie.code for anomalie in recu.accuse.anomalies]


async def test_received_before_the_expiry_and_handled_after_it(monde: Monde) -> None:
    """[COU-14]"""
    partenaire = monde.partenaire()
    await receive_only(monde, partenaire, "a-temps")
    monde.clock.advance(timedelta(days=800))
    renew(monde, partenaire)
    monde.courrier = await monde.start_courrier(reception=False)
    assert await verdict_of(partenaire, "a-temps") == (Verdict.ACCEPTE, [])
    assert monde.count("demande") == 1


async def test_received_before_the_certificate_is_valid_and_handled_once_it_is(monde: Monde) -> None:
    """[COU-14]"""
    partenaire = monde.partenaire()
    arrival = monde.now
    monde.clock.advance(timedelta(days=30))
    renew(monde, partenaire)
    monde.clock.set(arrival)
    await receive_only(monde, partenaire, "trop-tot")
    monde.clock.advance(timedelta(days=31))
    monde.courrier = await monde.start_courrier(reception=False)
    assert await verdict_of(partenaire, "trop-tot") == (Verdict.REFUSE, ["GUI003"])
    assert monde.count("demande") == 0


@pytest.mark.parametrize(("revoque", "code"), [(True, "GUI007"), (False, "GUI002")])
async def test_revoked_or_withdrawn_between_the_two(monde: Monde, revoque: bool, code: str) -> None:
    """[COU-14]"""
    partenaire = monde.partenaire()
    await receive_only(monde, partenaire, "entre-deux")
    monde.clock.advance(timedelta(hours=1))
    with monde.engine.begin() as conn:
        empreinte = partenaire.paire.certificat.empreinte
        withdraw_certificat(conn, empreinte, instant=monde.now, revoque=revoque)
    monde.courrier = await monde.start_courrier(reception=False)
    assert await verdict_of(partenaire, "entre-deux") == (Verdict.REFUSE, [code])
    assert monde.count("demande") == 0
