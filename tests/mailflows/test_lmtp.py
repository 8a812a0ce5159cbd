"""LMTP reception, driven by a client that is not ours over a socket."""

from __future__ import annotations

import asyncio
import smtplib
import socket
from collections.abc import AsyncIterator

import pytest_asyncio

from conformance.partenaire_courrier import PartenaireCourrier, Piece
from mailflows.reception_smtp import Ecoute, Reception
from registry.clock import FixedClock
from registry.database import open_engine
from schemas.courrier import Verdict
from tests.mailflows.monde import HUB, Monde
from tests.registry.fabrique import generate

ALIAS = "demandes@hub.example"
INCONNUE = "personne@hub.example"
TAILLE = 60_000

Reponses = dict[str, tuple[int, bytes]]


@pytest_asyncio.fixture
async def port(monde: Monde) -> AsyncIterator[int]:
    """Where the hub listens in LMTP, beside its SMTP."""
    ecoute = Ecoute(frozenset({HUB, ALIAS}), lmtp=True, octets=TAILLE)
    reception = Reception(monde.engine, monde.clock, ecoute)
    sock = socket.create_server(("localhost", 0))
    await reception.start(sock)
    yield sock.getsockname()[1]
    await reception.stop()


def talk(port: int, de: str, vers: list[str], mail: bytes) -> tuple[list[int], list[tuple[int, bytes]]]:
    """The answers to each RCPT, then those after the text: one for each that was taken, and not one more."""
    with smtplib.LMTP("localhost", port, timeout=20) as client:
        client.ehlo()
        assert client.mail(de)[0] == 250
        codes = [client.rcpt(address)[0] for address in vers]
        client.putcmd("data")
        assert client.getreply()[0] == 354
        client.send(smtplib._quote_periods(mail) + b".\r\n")  # type: ignore[attr-defined]
        answers = [client.getreply() for code in codes if code == 250]
        # What comes next is the answer to the next command.
        assert client.noop()[0] == 250
        assert client.quit()[0] == 221
    return codes, answers


def composed(partenaire: PartenaireCourrier, graine: str) -> bytes:
    return partenaire.compose([Piece("DEM.xml", generate(graine))], message_id=graine)


async def test_each_recipient_has_its_answer_and_the_message_is_kept_once(monde: Monde, port: int) -> None:
    """[COU-15] [COU-3]"""
    partenaire = monde.partenaire()
    mail = composed(partenaire, "par-lmtp")
    codes, answers = await asyncio.to_thread(
        talk, port, partenaire.adresse, [HUB, INCONNUE, ALIAS.upper()], mail
    )
    assert codes == [250, 550, 250]
    assert [code for code, _ in answers] == [250, 250]
    async with asyncio.timeout(20):
        (recu,) = await partenaire.answer_to("par-lmtp@partenaire.example")
    assert recu.accuse is not None
    assert recu.accuse.verdict is Verdict.ACCEPTE
    (entrant,) = monde.entrants()
    assert (entrant.source, entrant.expediteur) == ("lmtp", partenaire.adresse)
    assert str(entrant.id).encode() in answers[0][1]


async def test_sendmail_of_the_client_tells_who_was_refused(monde: Monde, port: int) -> None:
    """[COU-15] Several messages on one connection."""
    partenaire = monde.partenaire()

    def send() -> Reponses:
        with smtplib.LMTP("localhost", port, timeout=20) as client:
            refused: Reponses = {}
            for graine in ("un", "deux"):
                mail = composed(partenaire, graine)
                refused |= client.sendmail(partenaire.adresse, [HUB, INCONNUE], mail)
            return refused

    assert set(await asyncio.to_thread(send)) == {INCONNUE}
    async with asyncio.timeout(20):
        for graine in ("un", "deux"):
            await partenaire.answer_to(f"{graine}@partenaire.example")
    assert monde.count("demande") == 2


async def test_too_large_is_answered_to_each_and_nothing_is_kept(monde: Monde, port: int) -> None:
    """[COU-15] [COU-5]"""
    mail = b"Subject: x\r\n\r\n" + b"a" * 70 + b"\r\n"
    large = mail + (b"b" * 70 + b"\r\n") * (TAILLE // 72 + 1)
    _, answers = await asyncio.to_thread(talk, port, "", [HUB, ALIAS], large)
    assert [code for code, _ in answers] == [552, 552]
    assert monde.entrants() == ()


async def test_without_a_database_each_is_put_off(clock: FixedClock) -> None:
    """[COU-15] [COU-3] The server before us keeps it."""
    nowhere = open_engine("postgresql://localhost:1/rien?connect_timeout=1", pool_size=1)
    reception = Reception(nowhere, clock, Ecoute(frozenset({HUB, ALIAS}), lmtp=True))
    sock = socket.create_server(("localhost", 0))
    await reception.start(sock)
    try:
        _, answers = await asyncio.to_thread(
            talk, sock.getsockname()[1], "", [HUB, ALIAS], b"Subject: x\r\n\r\nx\r\n"
        )
    finally:
        await reception.stop()
    assert [code for code, _ in answers] == [451, 451]


async def test_helo_of_smtp_is_not_lmtp(port: int) -> None:
    """[COU-15]"""

    def ask() -> int:
        with smtplib.SMTP("localhost", port, timeout=20) as client:
            return client.docmd("EHLO", "x")[0]

    assert await asyncio.to_thread(ask) == 500
