"""The relay falls silent: connections half open before a mail, in its middle, and kept between two.

The hub is in this process, so that its clock can be moved over the waits between attempts; postfix and
dovecot are real. Nothing lost, nothing registered twice, one identifier for each answer ([COU-34]).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Engine

from certs.tls import client_context
from conformance.partenaire_courrier import PartenaireCourrier, Piece, Recu
from mailflows.expediteur import Relais as RelaisSmtp
from mailflows.sortants import Sortant, Tentative, list_tentatives
from registry.clock import FixedClock
from tests.interop.monde import MondeRelaye
from tests.interop.relais import Relais
from tests.interop.serveurs import DOMAINE, Dovecot, Postfix, eventually
from tests.mailflows.monde import HUB, Pki
from tests.registry.fabrique import generate

pytestmark = [pytest.mark.foreign, pytest.mark.slow]

DELAI = 2.0
"""Seconds given to the relay: all that these tests wait for a dialogue that will never end."""

BOITE = "muet"


class Scene:
    """The hub, the wire between it and postfix, the partner and its mailbox."""

    def __init__(self, monde: MondeRelaye, fil: Relais, postfix: Postfix, dovecot: Dovecot) -> None:
        self.monde = monde
        self.fil = fil
        self.postfix = postfix
        self.dovecot = dovecot
        self.partenaire: PartenaireCourrier = monde.partenaire(adresse=f"{BOITE}@{DOMAINE}")
        self.envoyes = 0

    async def post(self) -> None:
        """A demande by mail, straight to the hub."""
        self.envoyes += 1
        piece = Piece(f"DEM{self.envoyes}.xml", generate(f"relais muet {self.envoyes}"))
        await self.partenaire.post(piece)
        await self.monde.until(self.envoyes, lambda: len(self.monde.sortants()))

    def essais(self, sortant: Sortant) -> tuple[Tentative, ...]:
        with self.monde.engine.connect() as conn:
            return list_tentatives(conn, sortant.id)

    def issues(self) -> list[str]:
        """How the attempts of the last answer ended, in their order."""
        return [each.issue for each in self.essais(self.monde.sortants()[0]) if each.terminee_le]

    def etats(self) -> set[str]:
        return {each.situation.etat.value for each in self.monde.sortants()}

    async def retry(self) -> None:
        """Time passes: what failed is due."""
        self.monde.clock.advance(timedelta(minutes=1))
        await self.monde.until({"envoye"}, self.etats)

    def check(self) -> int:
        """Every answer is in the mailbox, under one identifier however often it came; each demande is there.
        How many mails came."""
        ids = {str(each.id) for each in self.monde.sortants()}
        assert len(ids) == self.envoyes

        def received() -> list[Recu]:
            found = [self.partenaire.read(mail) for mail in self.dovecot.messages(BOITE)]
            assert all(isinstance(each, Recu) for each in found), found
            return [each for each in found if isinstance(each, Recu)]

        eventually(lambda: {each.id for each in received()} == ids, self.postfix.journal)
        eventually(lambda: self.postfix.waiting == 0, self.postfix.journal)
        assert {each.id for each in received()} == ids
        by_message = {each.en_reponse_a: each.id for each in received()}
        assert len(by_message) == self.envoyes
        assert self.monde.count("demande") == self.envoyes
        return len(received())


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki.create(tmp_path_factory.mktemp("courrier"))


@pytest_asyncio.fixture
async def scene(
    engine: Engine,
    clock: FixedClock,
    pki: Pki,
    dovecot: Dovecot,
    postfix: Postfix,
    certificats_tls: Path,
) -> AsyncIterator[Scene]:
    fil = Relais(postfix.smtp)
    monde = MondeRelaye(engine, clock, pki)
    trust = client_context(certificats_tls / "ca.pem")
    monde.relais = RelaisSmtp("localhost", fil.port, HUB, contexte=trust, delai=DELAI)
    await monde.start()
    yield Scene(monde, fil, postfix, dovecot)
    await monde.stop()
    fil.close()


@pytest.mark.parametrize("moment", ["accepted", "lost", "late", "acknowledgement"])
async def test_the_relay_falls_silent(scene: Scene, moment: str) -> None:
    """[COU-34] At once; amid DATA, the rest lost, or late; after the whole, its 250 never heard."""
    match moment:
        case "accepted":
            scene.fil.freeze()
        case "lost":
            scene.fil.forget_after = 8_000
        case "late":
            scene.fil.freeze_after = 8_000
        case _:
            scene.fil.mute_after = 8_000
    await scene.post()
    await scene.monde.until(["echec"], scene.issues)
    (essai,) = scene.essais(scene.monde.sortants()[0])
    assert essai.detail == f"le relais n'a pas répondu en {DELAI:g} s"
    assert scene.etats() == {"a_envoyer"}
    scene.fil.thaw()
    await scene.retry()
    # What postfix has and never acknowledged comes twice, under one identifier.
    assert scene.check() == (2 if moment in ("late", "acknowledgement") else 1)


async def test_a_kept_connection_that_a_firewall_forgot(scene: Scene) -> None:
    """[COU-34] It is found dead before the mail is handed over, which leaves by a new one, at once."""
    await scene.post()
    await scene.monde.until({"envoye"}, scene.etats)
    before = scene.fil.accepted
    scene.fil.forget()
    await scene.post()
    await scene.monde.until({"envoye"}, scene.etats)
    assert scene.issues() == ["depart"]
    assert scene.fil.accepted == before + 1
    scene.check()


async def test_silent_for_all_the_mails_of_a_burst(scene: Scene) -> None:
    """[COU-34] More mails than connections: each attempt ends, and all leave when the relay speaks again."""
    await scene.post()
    await scene.monde.until({"envoye"}, scene.etats)
    scene.fil.freeze()
    for _ in range(6):
        await scene.post()

    def tried() -> int:
        return sum("echec" in [each.issue for each in scene.essais(s)] for s in scene.monde.sortants())

    await scene.monde.until(6, tried)
    scene.fil.thaw()
    await scene.retry()
    scene.check()
