"""Messages that are refused: by whom they are believed to come, what is answered, and to whom."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from certs.autorite import create_autorite
from certs.enveloppe import encrypt
from certs.signature import sign
from conformance.partenaire_courrier import PartenaireCourrier, Piece, Recu, tamper
from mailflows.entrants import replay
from registry.certificats import withdraw_certificat
from registry.guichets_store import set_adresse_courrier
from schemas.courrier import Verdict
from tests.mailflows.monde import Monde
from tests.registry.fabrique import RECU_LE, generate

PIECE = Piece("DEM.xml", generate("refus"))


async def quarantined(monde: Monde, number: int = 1) -> None:
    await monde.until(number, lambda: sum(entrant.etat == "quarantaine" for entrant in monde.entrants()))


async def refusal(partenaire: PartenaireCourrier) -> Recu:
    async with asyncio.timeout(20):
        await partenaire.wait_for(lambda recus: any(recu.nature == "refus" for recu in recus))
    return partenaire.recus[-1]


def code_of(recu: Recu) -> str:
    assert recu.accuse is not None
    assert recu.accuse.verdict is Verdict.REFUSE
    assert recu.fichiers == ()
    (anomalie,) = recu.accuse.anomalies
    return anomalie.code


def encrypted(partenaire: PartenaireCourrier, content: bytes) -> bytes:
    return encrypt(content, [partenaire.echangeur.chiffrement])


async def test_a_tampered_message_is_refused_in_words_that_tell_nothing(monde: Monde) -> None:
    """[COU-4] [COU-7] [COU-8]"""
    partenaire = monde.partenaire()
    signed = sign(b"<a/>", [partenaire.paire], instant=monde.now)
    sealed = encrypted(partenaire, signed)
    await partenaire.send(partenaire.wrap(tamper(sealed)))
    first = await refusal(partenaire)
    assert code_of(first) == "COU003"
    # Not encrypted for us, not signed, not a message at all: the same words.
    stranger = monde.pki.paire(monde.pki.identite("AUTRE"))
    for content in (encrypt(signed, [stranger.certificat]), encrypted(partenaire, b"<a/>"), b"\x30\x03abc"):
        partenaire.recus.clear()
        await partenaire.send(partenaire.wrap(content))
        other = await refusal(partenaire)
        assert other.accuse is not None
        assert first.accuse is not None
        assert other.accuse.anomalies == first.accuse.anomalies
    causes = {entrant.motif for entrant in monde.entrants()}
    assert len(causes) == 4, "l'exploitant, lui, lit la cause"
    assert monde.count("demande") == 0
    assert monde.count("echange") == 0


async def test_every_single_bit_flipped_in_the_signed_content_is_refused(monde: Monde) -> None:
    """[COU-4]"""
    partenaire = monde.partenaire()
    signed = sign(PIECE.contenu, [partenaire.paire], instant=monde.now)
    place = signed.index(b"dateCreationDemande")
    forged = signed[:place] + b"D" + signed[place + 1 :]
    await partenaire.send(partenaire.wrap(encrypted(partenaire, forged)))
    assert code_of(await refusal(partenaire)) == "COU004"
    assert monde.count("demande") == 0


async def test_a_stranger_gets_nothing_and_is_shown(monde: Monde) -> None:
    """[COU-2] [COU-8] From: and the names of the certificate are those of a guichet; the key is not."""
    victim = monde.partenaire()
    autre = create_autorite(now=RECU_LE)
    identite = autre.issue_guichet("G1104", now=RECU_LE)
    stranger = monde.robot("inconnu@ailleurs.example", monde.pki.paire(identite))
    mail = stranger.compose([PIECE]).replace(
        b"From: inconnu@ailleurs.example", b"From: " + victim.adresse.encode()
    )
    await stranger.send(mail)
    await quarantined(monde)
    (entrant,) = monde.entrants()
    assert (entrant.code, entrant.guichet, entrant.etat) == ("GUI001", None, "quarantaine")
    assert monde.sortants() == ()
    assert monde.count("demande") == 0


async def test_a_certificate_of_the_same_authority_is_no_identity(monde: Monde) -> None:
    """[COU-2]"""
    partenaire = monde.partenaire()
    other = monde.pki.paire(monde.pki.identite("G1104"))
    await partenaire.send(partenaire.compose([PIECE], signataire=other))
    # The envelope comes from a registered address: that one is told, and not believed.
    assert code_of(await refusal(partenaire)) == "GUI001"
    assert monde.count("demande") == 0


async def test_an_expired_or_withdrawn_certificate_is_refused_to_its_guichet(monde: Monde) -> None:
    """[COU-8] [COU-31] The refusal is signed, and in clear when nothing may be encrypted any more."""
    partenaire = monde.partenaire()
    await partenaire.send(partenaire.compose([PIECE], message_id="avant"))
    async with asyncio.timeout(20):
        await partenaire.answer_to("avant@partenaire.example")
    monde.clock.advance(timedelta(days=800))
    await partenaire.send(partenaire.compose([Piece("DEM.xml", generate("trop tard"))]))
    recu = await refusal(partenaire)
    assert code_of(recu) == "GUI004"
    assert not recu.chiffre
    assert monde.count("demande") == 1


async def test_a_withdrawn_certificate(monde: Monde) -> None:
    """[COU-8]"""
    partenaire = monde.partenaire()
    with monde.engine.begin() as conn:
        withdraw_certificat(conn, partenaire.paire.certificat.empreinte, instant=monde.now)
    await partenaire.send(partenaire.compose([PIECE]))
    assert code_of(await refusal(partenaire)) == "GUI002"
    (entrant,) = monde.entrants()
    assert entrant.guichet == "G1104"


@pytest.mark.parametrize("automatique", [True, False])
async def test_an_automatic_message_and_one_without_a_sender_are_answered_by_silence(
    monde: Monde, automatique: bool
) -> None:
    """[COU-8]"""
    partenaire = monde.partenaire()
    mail = partenaire.wrap(b"\x30\x03abc")
    if automatique:
        await partenaire.send(b"Auto-Submitted: auto-replied\r\n" + mail)
    else:
        await partenaire.send(mail, expediteur="")
    await quarantined(monde)
    assert monde.sortants() == ()


async def test_refusals_are_counted(monde: Monde) -> None:
    """[COU-8]"""
    partenaire = monde.partenaire()
    for _ in range(22):
        await partenaire.send(partenaire.wrap(b"\x30\x03abc"))
    await quarantined(monde, 22)
    assert len(monde.sortants()) == 20


async def test_without_an_address_the_message_waits_for_the_gestionnaire(monde: Monde) -> None:
    """[COU-8] The address counts from its declaration, whatever the copy of the guichets says."""
    partenaire = monde.partenaire(adresse="")
    partenaire.adresse = "robot@partenaire.example"
    monde.poste.partenaires[partenaire.adresse] = partenaire
    await partenaire.send(partenaire.compose([PIECE], message_id="sans"))
    await quarantined(monde)
    (entrant,) = monde.entrants()
    assert (entrant.code, entrant.guichet) == ("COU012", "G1104")
    assert monde.count("demande") == 0
    with monde.engine.begin() as conn:
        assert set_adresse_courrier(conn, "G1104", partenaire.adresse) == ()
    with monde.engine.begin() as conn:
        assert replay(conn, [entrant.id], instant=monde.now) == [entrant.id]
    async with asyncio.timeout(20):
        (recu,) = await partenaire.answer_to("sans@partenaire.example")
    assert recu.accuse is not None
    assert recu.accuse.verdict is Verdict.ACCEPTE


async def test_a_signed_message_without_a_file(monde: Monde) -> None:
    """[COU-8]"""
    partenaire = monde.partenaire()
    await partenaire.send(partenaire.compose([]))
    assert code_of(await refusal(partenaire)) == "COU006"
    with monde.engine.connect() as conn:
        proven = conn.execute(text("SELECT guichet, contenu IS NOT NULL FROM courrier_entrant")).one()
    assert tuple(proven) == ("G1104", True)
