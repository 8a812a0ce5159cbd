"""A rotation rehearsed by real mails, over direct SMTP, with the next keys of both sides."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import Engine

from certs.trousseau import UsageRotation
from conformance.partenaire_courrier import Conduite, Recu
from mailflows import repetition
from mailflows.ouverture import ClesFixes
from mailflows.repetition import Clefs, Issue, Repetee, issue_of, list_envois, list_refused
from mailflows.sortants import NatureSortant
from registry.certificats import pin_certificat, withdraw_certificat
from registry.clock import FixedClock
from schemas.courrier import Verdict
from tests.mailflows.monde import Monde, Pki
from tests.registry.fabrique import RECU_LE

DELAI = timedelta(hours=24)


class Rotation:
    """The next keys of the hub, prepared; the next certificate of G1104, registered; its robot."""

    def __init__(self, engine: Engine, clock: FixedClock, pki: Pki) -> None:
        self.monde = Monde(engine, clock, pki)
        self.signature, self.chiffrement, self.suivante = (
            pki.paire(pki.identite(nom, now=self.monde.now)) for nom in ("HUB01", "HUB01", "G1104")
        )
        # The next key decrypts already; the next one that signs is only known.
        self.monde.cles = ClesFixes(pki.hub, (pki.hub, self.chiffrement), (self.signature,))

    async def start(self) -> None:
        await self.monde.start()
        self.partenaire = self.monde.partenaire()
        with self.monde.engine.begin() as conn:
            pinned = pin_certificat(conn, "G1104", self.suivante.certificat.pem, instant=self.monde.now)
            assert not isinstance(pinned, tuple), pinned
        self.partenaire.autres = (self.suivante,)
        self.partenaire.echangeurs = frozenset({self.signature.certificat.empreinte})
        self.partenaire.chiffrements = (self.chiffrement.certificat,)

    @property
    def clefs(self) -> Clefs:
        suivante = self.suivante.certificat.empreinte
        return Clefs(
            self.signature.certificat.empreinte, self.chiffrement.certificat.empreinte, suivante, suivante
        )

    def begin(self) -> Repetee:
        with self.monde.engine.begin() as conn:
            return repetition.begin(conn, "G1104", self.clefs, instant=self.monde.now, delai=DELAI)

    async def receive(self) -> Recu:
        """The first message, to which the robot answers nothing by itself."""
        self.partenaire.conduite = Conduite.MUET
        self.begin()
        async with asyncio.timeout(20):
            await self.partenaire.wait_for(lambda recus: len(recus) == 1)
        return self.partenaire.recus[0]

    def read(self) -> Repetee:
        with self.monde.engine.connect() as conn:
            found = repetition.get_last(conn, "G1104")
        assert found is not None
        return found

    def issue(self) -> Issue:
        with self.monde.engine.connect() as conn:
            found = self.read()
            return issue_of(found, list_envois(conn, found), self.monde.now)

    def failed(self) -> dict[UsageRotation, str]:
        return {usage: each.detail for usage, each in self.read().epreuves.items() if not each.reussie}


@pytest_asyncio.fixture
async def rotation(engine: Engine, clock: FixedClock, pki_courrier: Pki) -> AsyncIterator[Rotation]:
    rotation = Rotation(engine, clock, pki_courrier)
    await rotation.start()
    yield rotation
    await rotation.monde.stop()


async def test_the_six_uses_are_proved_by_mails_that_travel(rotation: Rotation) -> None:
    """[CER-55] [CER-57] Two messages of the outbox, two accusés through the listener; nothing is switched."""
    monde, partenaire = rotation.monde, rotation.partenaire
    started = rotation.begin()
    await monde.until(Issue.REUSSIE, rotation.issue)
    found = rotation.read()
    assert found.id == started.id
    assert found.epreuves.keys() == set(UsageRotation)
    first, second = partenaire.recus
    assert {first.nature, second.nature} == {"repetition"}
    assert (first.id, second.id) == (str(found.id), str(found.retour))
    assert first.sujet == f"[echangeur] REPETITION G1104 {first.id}"
    # The second answers the first accusé, and says which content it received.
    assert second.accuse is not None
    accused = next(each for each in monde.entrants() if each.contenu == second.accuse.empreinte)
    assert second.en_reponse_a == accused.message_id
    assert {each.certificat for each in monde.entrants()} == {rotation.suivante.certificat.empreinte}
    assert [each.situation.etat for each in monde.sortants()] == ["acquitte", "acquitte"]
    assert {each.nature for each in monde.sortants()} == {NatureSortant.REPETITION}
    assert partenaire.illisibles == []


async def test_a_guichet_that_has_not_followed_is_named_use_by_use(rotation: Rotation) -> None:
    """[CER-57] It reads with its next key, and answers with its present keys for the present key."""
    recu = await rotation.receive()
    await rotation.partenaire.acknowledge(replace(recu, repetition=None))
    await rotation.monde.until(5, lambda: len(rotation.read().epreuves))
    assert rotation.failed().keys() == {
        UsageRotation.VERIFIER_ENTRANT,
        UsageRotation.VERIFIER_ACCUSE,
        UsageRotation.DECHIFFRER_ENTRANT,
    }
    assert rotation.suivante.certificat.empreinte[:16] in rotation.failed()[UsageRotation.VERIFIER_ACCUSE]
    assert rotation.issue() is Issue.ECHOUEE


async def test_a_guichet_that_refuses_says_why(rotation: Rotation) -> None:
    """[CER-57] Its accusé is negative: nothing is sent again, and what it says is shown."""
    recu = await rotation.receive()
    await rotation.partenaire.acknowledge(recu, Verdict.REFUSE)
    await rotation.monde.until(5, lambda: len(rotation.read().epreuves))
    assert rotation.failed() == {UsageRotation.SIGNER_SORTANT: "le guichet la refuse : REFUSE"}
    assert rotation.issue() is Issue.ECHOUEE
    assert rotation.read().retour is None


async def test_no_answer_in_time(rotation: Rotation) -> None:
    """[CER-58] The next signature is not known to the robot: it answers nothing, and nothing leaves after."""
    monde = rotation.monde
    rotation.partenaire.echangeurs = frozenset()
    rotation.begin()
    await monde.until(1, lambda: len(rotation.partenaire.illisibles))
    await monde.until(["attend_accuse"], lambda: [each.situation.etat for each in monde.sortants()])
    assert rotation.issue() is Issue.EN_ATTENTE
    monde.clock.advance(DELAI + timedelta(seconds=1))
    await monde.until(["echec"], lambda: [each.situation.etat for each in monde.sortants()])
    assert monde.sortants()[0].detail == "la répétition est finie"
    assert rotation.issue() is Issue.SANS_REPONSE
    assert len(rotation.partenaire.illisibles) == 1
    assert rotation.read().epreuves == {}


def test_the_limit_alone_says_that_there_was_no_answer() -> None:
    """[CER-58]"""
    clefs = Clefs("a", "b", "c", "d")
    repetee = Repetee(uuid.uuid4(), "G1104", clefs, RECU_LE, RECU_LE + DELAI, None, {})
    assert issue_of(repetee, (), RECU_LE + DELAI) is Issue.EN_ATTENTE
    assert issue_of(repetee, (), RECU_LE + DELAI + timedelta(seconds=1)) is Issue.SANS_REPONSE


@pytest.mark.parametrize("empreinte", [b"", bytes(32)])
async def test_an_accuse_of_other_bytes_proves_nothing(rotation: Rotation, empreinte: bytes) -> None:
    """[CER-57] [COU-41]"""
    recu = await rotation.receive()
    await rotation.partenaire.acknowledge(replace(recu, empreinte=empreinte))
    await rotation.monde.until(["traite"], lambda: [each.etat for each in rotation.monde.entrants()])
    assert rotation.read().epreuves == {}
    assert "contenu" in rotation.monde.entrants()[0].motif
    assert rotation.issue() is Issue.EN_ATTENTE


async def test_what_was_put_aside_is_shown(rotation: Rotation) -> None:
    """[CER-58] The next certificate is withdrawn on the way: the accusé is refused, and that is told."""
    monde = rotation.monde
    recu = await rotation.receive()
    with monde.engine.begin() as conn:
        withdraw_certificat(conn, rotation.suivante.certificat.empreinte, instant=monde.now)
    monde.clock.advance(timedelta(seconds=2))
    await rotation.partenaire.acknowledge(recu)
    await monde.until(["quarantaine"], lambda: [each.etat for each in monde.entrants()])
    with monde.engine.connect() as conn:
        ((code, _),) = list_refused(conn, rotation.read())
    assert code == "GUI002"
    assert rotation.read().epreuves == {}


async def test_an_address_that_is_gone_is_told_before_the_limit(rotation: Rotation) -> None:
    """[CER-58] Its server says so: nothing is waited for."""
    rotation.partenaire.conduite = Conduite.DISPARU
    rotation.begin()
    await rotation.monde.until(Issue.ECHOUEE, rotation.issue)
    assert "550" in rotation.monde.sortants()[0].detail
