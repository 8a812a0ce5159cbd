"""The mailbox, read from a real dovecot."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from conformance.partenaire_courrier import Piece
from mailflows.boite_imap import BoiteImap, BoiteInjoignable, ParametresBoite
from mailflows.releve_imap import ReleveImap
from schemas.courrier import Verdict
from tests.mailflows.dovecot import COMPTE, MOT_DE_PASSE, Dovecot, run_dovecot
from tests.mailflows.monde import Monde, Pki
from tests.registry.fabrique import generate

pytestmark = pytest.mark.foreign


@pytest.fixture
def dovecot(pki_courrier: Pki) -> Iterator[Dovecot]:
    if os.environ.get("ECHANGEUR_ETRANGERS") == "non":
        pytest.skip("ECHANGEUR_ETRANGERS=non")
    # Its programs look for each other where they were built to be: unpacked elsewhere, they would not start.
    if shutil.which("dovecot") is None:
        pytest.skip("dovecot n'est pas sur cette machine (apt-get install dovecot-imapd)")
    # A short path: the sockets of dovecot lie under it, and the kernel gives them 108 characters.
    with TemporaryDirectory(prefix="dovecot-") as folder, run_dovecot(Path(folder), pki_courrier) as server:
        yield server


def parametres(server: Dovecot, pki: Pki, **changes: object) -> ParametresBoite:
    settings: dict[str, object] = {"delai": 10.0, "repos": 1.0, "contexte": pki.client(), **changes}
    return ParametresBoite("localhost", server.port, COMPTE, MOT_DE_PASSE, **settings)  # type: ignore[arg-type]


async def test_kept_handled_then_moved(monde: Monde, dovecot: Dovecot, pki_courrier: Pki) -> None:
    """[COU-9] [COU-8]"""
    partenaire = monde.partenaire()
    for rang in range(3):
        mail = partenaire.compose([Piece("DEM.xml", generate(f"boîte {rang}"))], message_id=f"imap{rang}")
        dovecot.deliver(mail, partenaire.adresse)
    dovecot.deliver(partenaire.wrap(b"\x30\x03abc"), partenaire.adresse)
    dovecot.deliver(b"Subject: x\r\n\r\nBonjour", "inconnu@ailleurs.example")
    releve = ReleveImap(monde.engine, monde.clock, parametres(dovecot, pki_courrier), 1 << 20)
    await releve.start()
    try:
        async with asyncio.timeout(30):
            for rang in range(3):
                (recu,) = await partenaire.answer_to(f"imap{rang}@partenaire.example")
                assert recu.accuse is not None
                assert recu.accuse.verdict is Verdict.ACCEPTE
        await monde.until((3, 2, 0), lambda: tuple(map(dovecot.count, ("Traites", "Quarantaine", ""))))
    finally:
        await releve.stop()
    # The known partner was told of its unreadable message, at its registered address; the stranger was not.
    assert sum(sortant.nature == "refus" for sortant in monde.sortants()) == 1


async def test_read_again_after_a_cut_it_is_not_handled_twice(
    monde: Monde, dovecot: Dovecot, pki_courrier: Pki
) -> None:
    """[COU-9] Kept and handled, but not moved: the process died just before."""
    partenaire = monde.partenaire()
    dovecot.deliver(
        partenaire.compose([Piece("DEM.xml", generate("coupure"))], message_id="une"), partenaire.adresse
    )
    settings = parametres(dovecot, pki_courrier)
    releve = ReleveImap(monde.engine, monde.clock, settings, 1 << 20)
    boite = await BoiteImap.open(settings)
    assert await releve.collect(boite) == 1
    await boite.close()
    async with asyncio.timeout(20):
        await partenaire.answer_to("une@partenaire.example")
    await monde.until(["traite"], lambda: [each.etat.value for each in monde.entrants()])
    assert dovecot.count("") == 1
    boite = await BoiteImap.open(settings)
    assert await releve.collect(boite) == 0
    assert await releve.collect(boite) == 0
    await boite.close()
    assert (dovecot.count(""), dovecot.count("Traites")) == (0, 1)
    assert len(monde.entrants()) == len(monde.sortants()) == 1


async def test_a_message_too_large_is_not_read_whole(
    monde: Monde, dovecot: Dovecot, pki_courrier: Pki
) -> None:
    """[COU-5] [COU-9]"""
    dovecot.deliver(b"Subject: gros\r\n\r\n" + b"x" * 200_000, "a@b.example")
    settings = parametres(dovecot, pki_courrier)
    releve = ReleveImap(monde.engine, monde.clock, settings, 100_000)
    boite = await BoiteImap.open(settings)
    await releve.collect(boite)
    await releve.collect(boite)
    await boite.close()
    (entrant,) = monde.entrants()
    assert (entrant.code, entrant.etat) == ("COU002", "quarantaine")
    assert entrant.taille < 1_000
    assert dovecot.count("Quarantaine") == 1


async def test_a_hundred_messages_and_ten_megabytes(
    monde: Monde, dovecot: Dovecot, pki_courrier: Pki
) -> None:
    """[COU-9] Where aioimaplib hangs when it is asked for all at once."""
    for _ in range(120):
        dovecot.deliver(b"Subject: x\r\n\r\n" + b"ligne\r\n" * 2_000, "a@b.example")
    dovecot.deliver(b"Subject: x\r\n\r\n" + b"x" * 76 * 140_000, "a@b.example")
    settings = parametres(dovecot, pki_courrier, delai=60.0)
    releve = ReleveImap(monde.engine, monde.clock, settings, 32 << 20)
    boite = await BoiteImap.open(settings)
    async with asyncio.timeout(120):
        assert await releve.collect(boite) == 121
    await boite.close()
    assert monde.count("courrier_brut") == 121


async def test_news_wake_the_wait_and_a_lost_connection_ends_it(dovecot: Dovecot, pki_courrier: Pki) -> None:
    """[COU-9]"""
    boite = await BoiteImap.open(parametres(dovecot, pki_courrier, delai=30.0))
    waiting = asyncio.create_task(boite.wait(25))
    await asyncio.sleep(0)
    dovecot.deliver(b"Subject: x\r\n\r\nx", "a@b.example")
    async with asyncio.timeout(20):
        await waiting
    lost = asyncio.create_task(boite.wait(25))
    await asyncio.sleep(0)
    dovecot.process.terminate()
    async with asyncio.timeout(20):
        ended = await asyncio.gather(lost, boite.uids(), return_exceptions=True)
    assert any(isinstance(each, BoiteInjoignable) for each in ended)
    await boite.close()


async def test_a_wrong_password_and_no_server_at_all(dovecot: Dovecot, pki_courrier: Pki) -> None:
    """[COU-9]"""
    wrong = ParametresBoite(
        "localhost", dovecot.port, COMPTE, "faux", contexte=pki_courrier.client(), delai=20
    )
    with pytest.raises(BoiteInjoignable, match="identification"):
        await BoiteImap.open(wrong)
    nobody = ParametresBoite("localhost", 1, COMPTE, "x", contexte=pki_courrier.client(), delai=2)
    with pytest.raises(BoiteInjoignable, match="connexion"):
        await BoiteImap.open(nobody)
