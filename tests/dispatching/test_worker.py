"""The worker against the real database, with transports that answer, hang, fail or die."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text

from dispatching.attempts import Bail, due_guichets, take_back
from dispatching.deliveries import Etat
from dispatching.liveness import Session
from dispatching.retry import DELAIS
from dispatching.secours import set_simultanes
from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Remis, Statut, Transport
from dispatching.voies import SIMULTANES
from dispatching.worker import Worker
from filters.language import Filtre
from registry.database import open_engine
from registry.guichets import CanalDistribution
from tests.dispatching.scene import Scene

TIMEOUT = 20
HELD = """
    SELECT count(*) FROM pg_stat_activity WHERE application_name = :engine AND datname = current_database()
        AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'
"""
END_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'echangeur-envois' AND datname = current_database()
"""


class Partners:
    """The partners of all guichets: they remember, acknowledge, and can be told to behave otherwise."""

    def __init__(self) -> None:
        self.received: dict[uuid.UUID, Envoi] = {}
        self.answers: list[tuple[str, int, Statut]] = []
        self.calls: Counter[uuid.UUID] = Counter()
        self.in_progress: Counter[uuid.UUID] = Counter()
        self.failures: dict[str, Echec] = {}
        self.hang: set[str] = set()
        self.lose_answer: set[str] = set()
        self.changed = asyncio.Condition()

    async def send(self, envoi: Envoi) -> Accuse | Echec:
        assert self.in_progress[envoi.id] == 0, "the same distribution sent twice at once"
        self.in_progress[envoi.id] += 1
        self.calls[envoi.id] += 1
        try:
            await self._tell()
            if envoi.guichet in self.failures:
                return self.failures[envoi.guichet]
            if envoi.guichet in self.hang:
                await asyncio.Event().wait()
            known = envoi.id in self.received
            self.received[envoi.id] = envoi
            if envoi.guichet in self.lose_answer:
                await self._tell()
                await asyncio.Event().wait()
            statut = Statut.DEJA_RECU if known else Statut.RECU
            self.answers.append((envoi.guichet, envoi.sequence, statut))
            await asyncio.sleep(0)
            return Accuse(statut)
        finally:
            self.in_progress[envoi.id] -= 1
            await self._tell()

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(condition), TIMEOUT)


@asynccontextmanager
async def running(
    scene: Scene, transport: Transport, bail: Bail | None = None, grace: timedelta = timedelta(seconds=10)
) -> AsyncIterator[Worker]:
    releve = timedelta(milliseconds=50)
    transports = {CanalDistribution.PUSH: transport}
    worker = Worker(scene.engine, transports, scene.clock, bail=bail, releve=releve, grace=grace)
    await worker.start()
    try:
        yield worker
    finally:
        await asyncio.wait_for(worker.stop(), TIMEOUT)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for what no event announces: the commit that follows an acknowledgement."""

    async def look() -> None:
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.01)

    await asyncio.wait_for(look(), TIMEOUT)


def acknowledged(scene: Scene) -> int:
    return sum(item.etat is Etat.ACQUITTEE for item in scene.distributions())


def ended(scene: Scene) -> int:
    with scene.engine.connect() as conn:
        query = "SELECT count(*) FROM tentative WHERE terminee_le IS NOT NULL"
        return int(conn.execute(text(query)).scalar_one())


class Counted:
    """Another transport, of which no more than one sending is in progress."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._busy = False

    async def send(self, envoi: Envoi) -> Accuse | Remis | Echec:
        assert not self._busy, "two sendings at once"
        self._busy = True
        try:
            return await self._transport.send(envoi)
        finally:
            self._busy = False


@pytest.fixture
async def partners() -> Partners:
    return Partners()


async def test_everything_due_is_sent_once_in_order(scene: Scene, partners: Partners) -> None:
    """What waited before the start, and what is registered afterwards: announced by notification."""
    author = scene.guichet("G0001")
    for code in ("G0002", "G0003"):
        scene.guichet(code, Filtre("Tout"))
    scene.register([scene.recue(author) for _ in range(5)])
    async with running(scene, partners):
        await partners.until(lambda: len(partners.answers) == 10)
        await asyncio.to_thread(scene.register, [scene.recue(author) for _ in range(5)])
        await partners.until(lambda: len(partners.answers) == 20)
        await eventually(lambda: acknowledged(scene) == 20)
    by_guichet = defaultdict(list)
    for guichet, sequence, _ in partners.answers:
        by_guichet[guichet].append(sequence)
    assert by_guichet == {"G0002": list(range(1, 11)), "G0003": list(range(1, 11))}
    assert set(partners.calls.values()) == {1}


async def test_new_work_is_heard_of_without_waiting_for_the_next_look(
    scene: Scene, partners: Partners
) -> None:
    """NOTIFY at the commit of the registration wakes the worker: the regular look here is in an hour."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    worker = Worker(scene.engine, {CanalDistribution.PUSH: partners}, scene.clock, releve=timedelta(hours=1))
    await worker.start()
    try:
        for expected in (1, 2, 3):
            await asyncio.to_thread(scene.demande, author)
            await partners.until(lambda expected=expected: len(partners.answers) == expected)  # type: ignore[misc]
    finally:
        await worker.stop()


async def test_a_hung_partner_delays_nobody(scene: Scene, partners: Partners) -> None:
    """[DST-14] One guichet never answers: the others receive all, while its own sending is still in
    progress."""
    author = scene.guichet("G0001")
    for code in ("G0002", "G0003", "G0004"):
        scene.guichet(code, Filtre("Tout"))
    partners.hang.add("G0003")
    scene.register([scene.recue(author) for _ in range(10)])
    worker = Worker(scene.engine, {CanalDistribution.PUSH: partners}, scene.clock, grace=timedelta(0))
    await worker.start()
    # An answer counts before its sending has ended: wait for both.
    await partners.until(lambda: len(partners.answers) == 20 and sum(partners.in_progress.values()) == 1)
    assert {guichet for guichet, _, _ in partners.answers} == {"G0002", "G0004"}
    await worker.stop()


async def test_several_sendings_at_once_are_of_different_demandes(scene: Scene) -> None:
    """[DST-53] One at first, one more for each that passes; the events of one demande one after the other,
    whatever order the answers come in."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    recues = [scene.recue(author) for _ in range(12)]
    numeros = scene.register(recues)
    for recue, numero in zip(recues, numeros, strict=True):
        scene.events(recue, numero, [2, 3])
    rng = random.Random(5)
    waiting: list[tuple[Envoi, asyncio.Future[None]]] = []
    order: dict[str, list[int]] = defaultdict(list)
    peaks: list[int] = []

    class Held:
        async def send(self, envoi: Envoi) -> Accuse | Echec:
            assert envoi.numero not in {other.numero for other, _ in waiting}
            answer = asyncio.get_running_loop().create_future()
            waiting.append((envoi, answer))
            await answer
            order[envoi.numero].append(envoi.sequence)
            return Accuse(Statut.RECU)

    async with running(scene, Held()):
        while sum(map(len, order.values())) < 36:
            unfinished = sum(len(order[numero]) < 3 for numero in numeros)
            wanted = min(unfinished, len(peaks) + 1, SIMULTANES)
            await eventually(lambda wanted=wanted: len(waiting) >= wanted)  # type: ignore[misc]
            peaks.append(len(waiting))
            envoi, answer = waiting.pop(rng.randrange(len(waiting)))
            answer.set_result(None)
            done = len(order[envoi.numero])
            await eventually(lambda numero=envoi.numero, done=done: len(order[numero]) > done)  # type: ignore[misc]
        await eventually(lambda: acknowledged(scene) == 36)
    assert max(peaks) == SIMULTANES
    assert all(sequences == sorted(sequences) for sequences in order.values())


async def test_a_partner_that_asks_for_one_gets_one(scene: Scene, partners: Partners) -> None:
    """[DST-53] Whatever the configuration says; `Counted` fails when two are in progress."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    with scene.engine.begin() as conn:
        set_simultanes(conn, "G0002", 1)
    scene.register([scene.recue(author) for _ in range(12)])
    async with running(scene, Counted(partners)):
        await eventually(lambda: acknowledged(scene) == 12)
    assert [sequence for _, sequence, _ in partners.answers] == list(range(1, 13))


async def test_one_sending_only_after_a_failure(scene: Scene) -> None:
    """[DST-53] Four were in progress; one is refused, the others pass: one at a time from then on, until it
    passes."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    scene.register([scene.recue(author) for _ in range(20)])
    waiting: list[asyncio.Future[Accuse | Echec]] = []

    class Held:
        async def send(self, _: Envoi) -> Accuse | Echec:
            waiting.append(asyncio.get_running_loop().create_future())
            return await waiting[-1]

    def answer(result: Accuse | Echec) -> None:
        waiting.pop(0).set_result(result)

    worker = Worker(
        scene.engine,
        {CanalDistribution.PUSH: Held()},
        scene.clock,
        releve=timedelta(hours=1),
        grace=timedelta(0),
    )
    await worker.start()
    for wanted in (1, 2, 3, 4):
        await eventually(lambda wanted=wanted: len(waiting) == wanted)  # type: ignore[misc]
        if wanted < 4:
            answer(Accuse(Statut.RECU))
    answer(Echec(GenreEchec.REFUS, "refusé"))
    await eventually(lambda: ended(scene) == 4)
    assert len(waiting) == 3
    for left in (2, 1):
        answer(Echec(GenreEchec.REFUS, "refusé"))
        await eventually(lambda left=left: ended(scene) == 7 - left)  # type: ignore[misc]
        assert len(waiting) == left
    answer(Echec(GenreEchec.REFUS, "refusé"))
    await eventually(lambda: len(waiting) == 1)
    assert ended(scene) == 7
    await worker.stop()


async def test_guichets_that_hang_hold_nothing_that_the_others_need(scene: Scene, partners: Partners) -> None:
    """[DST-53] [DST-14] Ninety-five guichets hang, each with its sendings in progress and more waiting; the
    five others get all that is theirs. No lane, transaction, connection to the base or thread is held by
    those that hang: the pool has two connections, one thread takes and records, and the look is made by one
    of a pool of two."""
    author = scene.guichet("G0001")
    codes = [f"G{rank:04d}" for rank in range(2, 102)]
    for code in codes:
        scene.guichet(code, Filtre("Tout"))
    healthy = set(codes[::20])
    partners.hang.update(set(codes) - healthy)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    engine = open_engine(scene.engine.url.render_as_string(hide_password=False), pool_size=1)
    scene.register([scene.recue(author) for _ in range(6)])
    worker = Worker(engine, {CanalDistribution.PUSH: partners}, scene.clock, grace=timedelta(0))
    await worker.start()
    # One sending each for those that hang: they have shown nothing that would give them more.
    await eventually(lambda: acknowledged(scene) == 30 and sum(partners.in_progress.values()) == 95)
    await asyncio.to_thread(scene.register, [scene.recue(author) for _ in range(6)])
    await eventually(lambda: acknowledged(scene) == 60 and sum(partners.in_progress.values()) == 95)
    with scene.engine.connect() as conn:
        held = conn.execute(text(HELD), {"engine": "echangeur"}).scalar_one()
    assert held == 0, "a transaction is open while partners hang"
    assert {guichet for guichet, _, _ in partners.answers} == healthy
    await worker.stop()
    engine.dispose()


async def test_a_sending_that_lasts_too_long_is_a_failure(scene: Scene, partners: Partners) -> None:
    """Whatever the transport does, a sending ends before its lease."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    partners.hang.add("G0002")
    scene.demande(author)
    async with running(scene, partners, Bail(envoi_max=timedelta(milliseconds=20))):
        await eventually(lambda: scene.count("disjoncteur") == 1)
    (found,) = scene.distributions()
    assert found.prochaine_tentative == scene.now + DELAIS[0]


async def test_a_failing_partner_is_tried_again_by_the_schedule(scene: Scene, partners: Partners) -> None:
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    partners.failures["G0002"] = Echec(GenreEchec.INJOIGNABLE, "connexion refusée")
    scene.demande(author)
    async with running(scene, partners):
        await eventually(lambda: scene.count("disjoncteur") == 1)
        assert sum(partners.calls.values()) == 1
        partners.failures.clear()
        scene.clock.advance(DELAIS[0])
        await partners.until(lambda: len(partners.answers) == 1)
        await eventually(lambda: acknowledged(scene) == 1)
    assert set(partners.calls.values()) == {2}


async def test_killed_between_sending_and_acknowledgement_sends_again_with_the_same_id(
    scene: Scene, partners: Partners
) -> None:
    """[DST-13] The partner has it, the answer is lost with the worker; the next worker sends the same, the
    partner
    says DEJA_RECU, and it is over. The lease is not waited for: the dead one holds its lock no more."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    partners.lose_answer.add("G0002")
    scene.demande(author)
    worker = Worker(scene.engine, {CanalDistribution.PUSH: partners}, scene.clock, grace=timedelta(0))
    await worker.start()
    await partners.until(lambda: len(partners.received) == 1)
    await worker.stop()  # without grace: the sending is cut, nothing is recorded
    assert acknowledged(scene) == 0
    partners.lose_answer.clear()
    async with running(scene, partners):
        await partners.until(lambda: len(partners.answers) == 1)
        await eventually(lambda: acknowledged(scene) == 1)
    assert partners.answers == [("G0002", 1, Statut.DEJA_RECU)]
    assert len(partners.received) == 1
    with scene.engine.connect() as conn:
        issues = conn.execute(text("SELECT issue FROM tentative ORDER BY rang")).scalars().all()
    assert issues == ["interrompue", "DEJA_RECU"]


async def test_two_workers_share_the_work_and_never_send_the_same_at_once(
    scene: Scene, partners: Partners
) -> None:
    """`Partners.send` fails the test when the same distribution is in progress twice."""
    author = scene.guichet("G0001")
    codes = [f"G000{rank}" for rank in range(2, 7)]
    for code in codes:
        scene.guichet(code, Filtre("Tout"))
    scene.register([scene.recue(author) for _ in range(12)])
    async with running(scene, partners), running(scene, partners):
        await asyncio.to_thread(scene.register, [scene.recue(author) for _ in range(3)])
        await eventually(lambda: acknowledged(scene) == 75)
    assert set(partners.calls.values()) == {1}
    assert len(partners.calls) == 75


async def test_a_living_worker_is_never_taken_for_dead(scene: Scene) -> None:
    """What another worker looks at while the first one is sending: there is nothing for it."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    release = asyncio.Event()
    calls: list[Envoi] = []

    class Slow:
        async def send(self, envoi: Envoi) -> Accuse | Echec:
            calls.append(envoi)
            await release.wait()
            return Accuse(Statut.RECU)

    scene.demande(author)
    async with running(scene, Slow()):
        await eventually(lambda: len(calls) == 1)
        with scene.engine.begin() as conn:
            assert take_back(conn, instant=scene.now) == 0
            assert due_guichets(conn, instant=scene.now) == ()
        release.set()
        await eventually(lambda: acknowledged(scene) == 1)


async def test_a_lost_session_cuts_what_is_being_sent_and_the_worker_goes_on(
    scene: Scene, partners: Partners
) -> None:
    """The server ends the session that holds the lock: others may take our work, so we stop ours."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    partners.lose_answer.add("G0002")
    scene.demande(author)
    async with running(scene, partners, grace=timedelta(hours=1)):
        await partners.until(lambda: len(partners.received) == 1)
        partners.lose_answer.clear()
        with scene.engine.begin() as conn:
            conn.execute(text(END_SESSIONS))
        await partners.until(lambda: len(partners.answers) == 1)
        await eventually(lambda: acknowledged(scene) == 1)
    assert partners.answers == [("G0002", 1, Statut.DEJA_RECU)]


async def test_without_database_the_worker_leaves_the_event_loop_to_others(
    scene: Scene, partners: Partners, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that refuses at once, as a dead one does on its socket: tried again now and then, and `stop`
    is heard."""
    refusals = 0

    async def refuse(_: object, **__: object) -> Session:
        nonlocal refusals
        refusals += 1
        # A loop that never lets go would hang the whole session of tests: it fails here instead.
        assert refusals < 100
        raise psycopg.OperationalError("connection refused")

    transports = {CanalDistribution.PUSH: partners}
    worker = Worker(scene.engine, transports, scene.clock, releve=timedelta(milliseconds=10))
    await worker.start()
    monkeypatch.setattr(Session, "open", refuse)
    with scene.engine.begin() as conn:
        conn.execute(text(END_SESSIONS))
    await eventually(lambda: refusals >= 3)
    await asyncio.wait_for(worker.stop(), TIMEOUT)


async def test_stop_waits_for_the_sendings_in_progress(scene: Scene) -> None:
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    started, release = asyncio.Event(), asyncio.Event()

    class Slow:
        async def send(self, envoi: Envoi) -> Accuse | Echec:
            started.set()
            await release.wait()
            return Accuse(Statut.RECU)

    scene.register([scene.recue(author), scene.recue(author)])
    worker = Worker(scene.engine, {CanalDistribution.PUSH: Slow()}, scene.clock)
    await worker.start()
    await asyncio.wait_for(started.wait(), TIMEOUT)
    stopping: Awaitable[None] = asyncio.ensure_future(worker.stop())
    await asyncio.sleep(0)
    release.set()
    await asyncio.wait_for(stopping, TIMEOUT)
    assert acknowledged(scene) == 1  # recorded; the second one was not begun


async def test_sessions_hold_distinct_keys(scene: Scene) -> None:
    first, second = [await Session.open(scene.engine, canal="essai", classe=1) for _ in range(2)]
    assert first.porteur != second.porteur
    await first.close()
    await second.close()
