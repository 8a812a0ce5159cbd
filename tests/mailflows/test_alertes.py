"""Alerts from the database to the mailbox: a real base, a real SMTP server, real processes that die."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import uuid4

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Engine, text

from certs.autorite import create_autorite
from echangeur.sante.epreuves import prove_alertes
from mailflows.alertes import garde
from mailflows.alertes.courriers import list_courriers
from mailflows.alertes.presences import Sens, count_served, keep_presences, read_presences
from mailflows.alertes.processus import (
    Signe,
    forget_processus,
    list_certificats_du_hub,
    list_processus,
    tell_processus,
    withdraw_processus,
)
from mailflows.alertes.suivi import Alerte
from mailflows.alertes.veilleur import REPRISE, Bilan, Veille, Veilleur
from registry.certificats import pin_certificat
from registry.clock import FixedClock
from registry.contacts import Contact, get_contact, set_contact
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet
from registry.surveillance_certificats import Surveille, avis_a_envoyer, produce_avis
from tests.dispatching.scene import Scene
from tests.mailflows.alertes_enfant import CONSOLE, EXPLOITANT, HUB, REGLAGES, relay
from tests.registry.fabrique import RECU_LE

CONTACT = "technique@partenaire.example"
MINUTE = timedelta(minutes=1)


@dataclass
class Boite:
    """A real SMTP server that keeps what it is given. refuse: addresses that it does not know."""

    port: int = 0
    recus: list[tuple[str, EmailMessage]] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)
    server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(
            lambda: SMTP(self, hostname="localhost", loop=loop), "127.0.0.1", port
        )
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self.server is not None:
            self.server.close()
            await self.server.wait_closed()

    async def handle_RCPT(  # noqa: N802 (name given by aiosmtpd)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refuse:
            return "550 5.1.1 inconnu"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.recus.append((envelope.rcpt_tos[0], mail))
        return "250 OK"

    def texts(self, adresse: str) -> list[str]:
        return [mail.get_content() for to, mail in self.recus if to == adresse]


@pytest_asyncio.fixture
async def boite() -> AsyncIterator[Boite]:
    boite = Boite()
    await boite.start()
    yield boite
    await boite.stop()


@pytest.fixture
def partenaire(engine: Engine, clock: FixedClock) -> str:
    """A guichet with a technical contact, whose channel has been cut for an hour."""
    clock.set(RECU_LE)
    with engine.begin() as conn:
        nouveau = NouveauGuichet("G1104", "Habitat", TypeGuichet.BAILLEUR, "", frozenset({"111"}))
        assert isinstance(add_guichet(conn, nouveau, instant=clock.now()), Guichet)
        assert set_contact(conn, "G1104", Contact(CONTACT)) == ()
    cut(engine, "G1104", RECU_LE - timedelta(hours=1))
    return "G1104"


def cut(engine: Engine, guichet: str, depuis: object) -> None:
    with engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO disjoncteur (guichet, canal, echecs, ouvert_le, cause, detail, maj_le)"
                " VALUES (:guichet, 'push', 5, :depuis, 'panne', 'ZZYXNOM', :depuis)"
            ),
            {"guichet": guichet, "depuis": depuis},
        )


def mend(engine: Engine) -> None:
    with engine.begin() as conn:
        conn.execute(text("DELETE FROM disjoncteur"))


def veilleur(engine: Engine, clock: FixedClock, boite: Boite) -> Veilleur:
    return Veilleur(engine, clock, Veille(REGLAGES, HUB, lien=CONSOLE), relay(boite.port))


async def tour(engine: Engine, clock: FixedClock, boite: Boite) -> Bilan:
    async with asyncio.timeout(20):
        # The server may not have seen yet that a process was killed.
        while (bilan := await veilleur(engine, clock, boite).tour()) is None:
            await asyncio.sleep(0.05)
    return bilan


def ouvertes(engine: Engine) -> list[str]:
    with engine.connect() as conn:
        return [each.code for each in garde.list_ouvertes(conn)]


async def test_a_cut_channel_from_the_base_to_the_mailboxes(
    engine: Engine, clock: FixedClock, boite: Boite, partenaire: str
) -> None:
    """[ALE-1] [ALE-2] [ALE-4] Told once to each, reminded, ended; nothing of what the partner said."""
    assert await tour(engine, clock, boite) == Bilan(1, 1, 0, 2)
    assert {to for to, _ in boite.recus} == {EXPLOITANT, CONTACT}
    for _, mail in boite.recus:
        assert mail["Subject"] == "[echangeur] Alerte ALE302, guichet G1104"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert f"{CONSOLE}/partenaires/G1104" in mail.get_content()
        assert "ZZYX" not in mail.as_string()
    clock.advance(MINUTE)
    assert await tour(engine, clock, boite) == Bilan(1, 0, 0, 0)
    clock.advance(timedelta(hours=24))
    assert (await tour(engine, clock, boite)).courriers == 2
    assert "Toujours ouvertes" in boite.texts(CONTACT)[1]
    mend(engine)
    clock.advance(MINUTE)
    assert (await tour(engine, clock, boite)).closes == 1
    assert "Rentré dans l'ordre : 1" in boite.texts(CONTACT)[2]
    assert ouvertes(engine) == []
    with engine.connect() as conn:
        (close,) = garde.list_closes(conn)
        assert all(each.envoye_le is not None for each in list_courriers(conn))
    assert (close.code, close.guichet) == ("ALE302", "G1104")


async def test_what_a_planned_stop_covers_is_told_after_it(
    engine: Engine, clock: FixedClock, boite: Boite, partenaire: str
) -> None:
    """[ALE-6] [ALE-8] The alert opens and is read meanwhile."""
    with engine.begin() as conn:
        arret = garde.add_sourdine(
            conn, du=clock.now(), au=clock.now() + timedelta(hours=2), guichet=partenaire, motif="bascule"
        )
    assert await tour(engine, clock, boite) == Bilan(1, 1, 0, 0)
    assert ouvertes(engine) == ["ALE302"]
    with engine.begin() as conn:
        assert [each.id for each in garde.list_sourdines(conn, clock.now())] == [arret]
        assert garde.end_sourdine(conn, arret, instant=clock.now())
        assert not garde.end_sourdine(conn, arret, instant=clock.now())
    assert (await tour(engine, clock, boite)).courriers == 2


def start(url: str, port: int, clock: FixedClock, step: str, turns: int = 1) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "tests.mailflows.alertes_enfant", url, str(port)]
    return subprocess.Popen(
        [*words, clock.now().isoformat(), step, str(turns)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


async def end(process: subprocess.Popen[bytes]) -> int:
    """Let it go, and wait for its end."""
    await asyncio.to_thread(process.communicate, b"\n", 60)
    return process.returncode


async def test_two_processes_tell_once(
    engine: Engine, database_url: str, clock: FixedClock, boite: Boite, partenaire: str
) -> None:
    """[ALE-7] Twenty turns each, at the same time: each address has one mail."""
    processes = [start(database_url, boite.port, clock, "jamais", 20) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
    assert await asyncio.gather(*map(end, processes)) == [0, 0]
    assert sorted(to for to, _ in boite.recus) == [EXPLOITANT, CONTACT]


async def test_one_that_watches_keeps_the_others_out(
    engine: Engine, clock: FixedClock, boite: Boite, partenaire: str
) -> None:
    """[ALE-7] And they go on when it has gone."""
    with locked(engine):
        assert await veilleur(engine, clock, boite).tour() is None
    assert (await tour(engine, clock, boite)).nouvelles == 1


@contextmanager
def locked(engine: Engine) -> Iterator[None]:
    with engine.connect() as conn:
        conn.execute(text("SELECT pg_advisory_lock(24940, 1)"))
        yield
        conn.execute(text("SELECT pg_advisory_unlock(24940, 1)"))


@pytest.mark.parametrize(("step", "copies"), [("garde", 1), ("remis", 2)])
async def test_a_process_killed_between_two_steps_loses_nothing(
    engine: Engine,
    database_url: str,
    clock: FixedClock,
    boite: Boite,
    partenaire: str,
    step: str,
    copies: int,
) -> None:
    """[ALE-7] Killed once it is kept: sent once. Killed once it is sent: sent again, under the same name."""
    assert await end(start(database_url, boite.port, clock, step)) == -signal.SIGKILL
    assert len(boite.recus) == copies - 1
    clock.advance(2 * MINUTE)
    await tour(engine, clock, boite)
    clock.advance(2 * MINUTE)
    await tour(engine, clock, boite)
    to = [address for address, _ in boite.recus]
    first = boite.recus[0][0]
    assert sorted(to) == sorted([EXPLOITANT, CONTACT, *([first] if copies == 2 else [])])
    assert len({mail["Message-ID"] for _, mail in boite.recus}) == 2


async def test_a_relay_that_is_down_is_shown_where_mail_is_not_needed(
    engine: Engine, clock: FixedClock, boite: Boite, partenaire: str
) -> None:
    """[ALE-7] Then everything leaves, and nothing is said of the mail by mail."""
    await boite.stop()
    assert (await tour(engine, clock, boite)).courriers == 0
    assert await prove_alertes(engine, clock) is None
    clock.advance(20 * MINUTE)
    await tour(engine, clock, boite)
    assert ouvertes(engine) == ["ALE302", "ALE403"]
    found = await prove_alertes(engine, clock)
    assert found is not None
    assert found.code == "HUB209"
    await boite.start(boite.port)
    for _ in range(3):
        clock.advance(timedelta(hours=1))
        await tour(engine, clock, boite)
    assert sorted(to for to, _ in boite.recus) == [EXPLOITANT, CONTACT]
    assert ouvertes(engine) == ["ALE302"]
    assert await prove_alertes(engine, clock) is None


async def test_an_address_refused_for_ever_is_given_up_and_shown(
    engine: Engine, clock: FixedClock, boite: Boite, partenaire: str
) -> None:
    """[ALE-7]"""
    boite.refuse.add(CONTACT)
    assert (await tour(engine, clock, boite)).courriers == 1
    clock.advance(MINUTE)
    await tour(engine, clock, boite)
    assert ouvertes(engine) == ["ALE302", "ALE403"]
    with engine.connect() as conn:
        (refused,) = [each for each in list_courriers(conn) if each.destinataire == CONTACT]
    assert (refused.envoye_le, refused.prochaine_le) == (None, None)
    assert "550" in refused.detail


async def test_a_storm_is_one_mail_for_each(engine: Engine, clock: FixedClock, boite: Boite) -> None:
    """[ALE-5]"""
    clock.set(RECU_LE)
    codes = [f"G{rang:04}" for rang in range(1, 61)]
    with engine.begin() as conn:
        for code in codes:
            nouveau = NouveauGuichet(code, code, TypeGuichet.BAILLEUR, "", frozenset({"111"}))
            assert isinstance(add_guichet(conn, nouveau, instant=clock.now()), Guichet)
            set_contact(conn, code, Contact("prestataire@partenaire.example"))
    for code in codes:
        cut(engine, code, RECU_LE - timedelta(hours=1))
    assert await tour(engine, clock, boite) == Bilan(60, 60, 0, 2)
    assert {mail["Subject"] for _, mail in boite.recus} == {"[echangeur] Alertes : 60 nouvelles alertes"}


async def test_a_contact_told_of_a_certificate_waits_for_no_operator(
    engine: Engine, clock: FixedClock, boite: Boite, partenaire: str
) -> None:
    """[ALE-10] The notice that the operator had to pass on is marked as sent."""
    mend(engine)
    pem = create_autorite(now=clock.now()).issue_guichet("G1104", now=clock.now()).certificat
    with engine.begin() as conn:
        pin_certificat(conn, "G1104", pem, instant=clock.now())
    clock.advance(timedelta(days=700))
    with engine.begin() as conn:
        produce_avis(conn, clock.now())
        assert len(avis_a_envoyer(conn)) == 1
    assert (await tour(engine, clock, boite)).courriers == 2
    assert "préparez le suivant" in boite.texts(CONTACT)[0]
    with engine.connect() as conn:
        assert avis_a_envoyer(conn) == ()


async def test_a_journal_that_was_changed(engine: Engine, clock: FixedClock, boite: Boite) -> None:
    """[ALE-16] Found at the next whole verification; over when one finds nothing any more."""
    scene = Scene(engine, clock)
    auteur = scene.guichet("G0591")
    for _ in range(3):
        scene.demande(auteur)
    await tour(engine, clock, boite)
    assert "ALE503" not in ouvertes(engine)
    change(engine, "G0591", "G0592")
    clock.advance(REPRISE)
    await tour(engine, clock, boite)
    (alerte,) = [each for each in read(engine) if each.code == "ALE503"]
    assert "entrée 2" in alerte.constat
    change(engine, "G0592", "G0591")
    clock.advance(REPRISE)
    await tour(engine, clock, boite)
    assert "ALE503" not in ouvertes(engine)


def change(engine: Engine, de: str, en: str) -> None:
    with engine.begin() as conn:
        conn.execute(text("SET LOCAL session_replication_role = replica"))
        changed = text("UPDATE journal SET guichet = :en WHERE sequence = 2 AND guichet = :de")
        assert conn.execute(changed, {"de": de, "en": en}).rowcount == 1


def read(engine: Engine) -> tuple[Alerte, ...]:
    with engine.connect() as conn:
        return garde.list_ouvertes(conn)


def test_presences_are_the_days_of_what_came(engine: Engine, clock: FixedClock) -> None:
    """[ALE-11] Kept again, they are the same; what came of one guichet is nothing of another."""
    scene = Scene(engine, clock)
    auteur = scene.guichet("G0591")
    scene.guichet("G0592")
    scene.demande(auteur)
    instant = scene.now + timedelta(hours=3)
    with engine.begin() as conn:
        conn.execute(text("INSERT INTO passage VALUES ('G0592', :le)"), {"le": scene.now})
        for _ in range(2):
            keep_presences(conn, scene.now - timedelta(days=1), scene.now)
            appels = read_presences(conn, Sens.APPEL, instant - timedelta(hours=1))
            assert {code: each.derniere_le for code, each in appels.items()} == {"G0591": RECU_LE}
            assert appels["G0591"].journees == ((RECU_LE, RECU_LE),)
        assert read_presences(conn, Sens.APPEL, RECU_LE)["G0591"].journees == ()
        assert read_presences(conn, Sens.PASSAGE, instant).keys() == {"G0592"}
        assert count_served(conn, instant) == 1


def test_presences_of_long_ago_are_forgotten_at_the_turn_of_the_day(
    engine: Engine, clock: FixedClock
) -> None:
    """[ALE-11] Once a day, and not at each turn: those before what a habit is read from."""
    scene = Scene(engine, clock)
    scene.guichet("G0591")
    jour = scene.now.date()
    count = text("SELECT count(*) FROM presence_guichet")
    with engine.begin() as conn:
        for age in (0, 56, 57, 400):
            conn.execute(
                text("INSERT INTO presence_guichet VALUES ('G0591', 'appel', :jour, :le, :le)"),
                {"jour": jour - timedelta(days=age), "le": scene.now - timedelta(days=age)},
            )
        keep_presences(conn, scene.now, scene.now + timedelta(minutes=1))
        assert conn.execute(count).scalar_one() == 4
        keep_presences(conn, scene.now, scene.now + timedelta(days=1))
        assert conn.execute(count).scalar_one() == 2


def test_processes_tell_themselves(engine: Engine, clock: FixedClock) -> None:
    """[ALE-14] One that stops takes its row away; one that died is kept until another has all its roles."""
    morte, autre = uuid4(), uuid4()
    hub = Surveille("ab" * 32, None, "CN=hub", clock.now(), frozenset())
    with engine.begin() as conn:
        tell_processus(conn, Signe(morte, "h1", 1, ("soap", "worker"), (), 42.0, [hub]), instant=clock.now())
        debut = clock.now()
        clock.advance(10 * MINUTE)
        tell_processus(conn, Signe(autre, "h2", 2, ("soap",), ("HUB201",)), instant=clock.now())
        forget_processus(conn, clock.now())
        seen = list_processus(conn)
        assert [(each.machine, each.pret, each.vu_le) for each in seen] == [
            ("h1", True, debut),
            ("h2", False, clock.now()),
        ]
        assert list_certificats_du_hub(conn) == (hub,)
        clock.advance(MINUTE)
        tell_processus(conn, Signe(autre, "h2", 2, ("soap",), ("HUB201", "HUB203")), instant=clock.now())
        (_, again) = list_processus(conn)
        assert (again.depuis_le, again.codes) == (clock.now() - MINUTE, ("HUB201", "HUB203"))
        tell_processus(conn, Signe(uuid4(), "h1", 3, ("soap", "worker"), ()), instant=clock.now())
        forget_processus(conn, clock.now())
        assert [each.pid for each in list_processus(conn)] == [3, 2]
        withdraw_processus(conn, autre)
        assert [each.pid for each in list_processus(conn)] == [3]


def test_the_contact_of_a_guichet(engine: Engine, clock: FixedClock, partenaire: str) -> None:
    """[ALE-2]"""
    with engine.begin() as conn:
        assert get_contact(conn, partenaire) == Contact(CONTACT)
        assert [each.code for each in set_contact(conn, "G9999", Contact())] == ["GUICHET-INCONNU"]
        wrong = set_contact(conn, partenaire, Contact("pas une adresse", 9_999))
        assert [each.champ for each in wrong] == ["technique", "silence"]
        assert set_contact(conn, partenaire, Contact("", 8)) == ()
        assert get_contact(conn, partenaire) == Contact("", 8)
        assert set_contact(conn, partenaire, Contact()) == ()
        assert get_contact(conn, partenaire) == Contact()
