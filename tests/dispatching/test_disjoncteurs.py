"""The circuit breakers in the database, what is put off, what fails for good."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import TextClause, text

from dispatching import attempts
from dispatching.acquittement import Acquit, Acquittee, acknowledge
from dispatching.attempts import Bail, Fin, due_guichets, finish, take, take_back
from dispatching.deliveries import Etat, replay
from dispatching.disjoncteur import Disjoncteur, EtatDisjoncteur
from dispatching.disjoncteurs import lift, list_disjoncteurs
from dispatching.incidents import list_incidents
from dispatching.rebut import expire, summarise
from dispatching.retry import ECHEANCE, REGLES, Echeancier, ReglesRemise
from dispatching.transport import Accuse, Cause, Echec, Envoi, GenreEchec, Remis, Statut
from filters.language import Filtre
from registry.guichets import CanalDistribution, Guichet
from tests.dispatching.scene import Scene

BAIL = Bail()
RECU = Accuse(Statut.RECU)
PANNE = Echec(GenreEchec.INJOIGNABLE, "connexion refusée")
REFUS = Echec(GenreEchec.REFUS, "refusé")
SEUIL = REGLES.disjoncteur.seuil


def _take(scene: Scene) -> Envoi | None:
    with scene.engine.begin() as conn:
        return next(iter(take(conn, ["G0002"], instant=scene.now, porteur=1, bail=BAIL)), None)


def _next(scene: Scene) -> Envoi:
    envoi = _take(scene)
    assert envoi is not None
    return envoi


def _end(scene: Scene, envoi: Envoi, result: Accuse | Remis | Echec, regles: ReglesRemise = REGLES) -> None:
    with scene.engine.begin() as conn:
        finish(conn, [Fin(envoi, result)], instant=scene.now, regles=regles)


def _due(scene: Scene) -> bool:
    with scene.engine.begin() as conn:
        return due_guichets(conn, instant=scene.now) == ("G0002",)


def _breaker(scene: Scene) -> Disjoncteur | None:
    with scene.engine.begin() as conn:
        found = list_disjoncteurs(conn, "G0002")
    return found[0] if found else None


def _incidents(scene: Scene) -> list[str]:
    with scene.engine.begin() as conn:
        return [each.genre.value for each in list_incidents(conn, "G0002")][::-1]


@pytest.fixture
def author(scene: Scene) -> Guichet:
    found = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    return found


@pytest.fixture
def opened(scene: Scene, author: Guichet) -> Scene:
    """The guichet has three demandes to receive, and its channel has just failed five times."""
    scene.register([scene.recue(author) for _ in range(3)])
    for _ in range(SEUIL):
        scene.clock.advance(timedelta(hours=1))
        _end(scene, _next(scene), PANNE)
    return scene


def test_nothing_goes_while_it_is_open(opened: Scene) -> None:
    """[DST-40] The operator reads since when, why, and when it is next tried."""
    assert (_due(opened), _take(opened)) == (False, None)
    found = _breaker(opened)
    assert found is not None
    assert found.etat(opened.now) is EtatDisjoncteur.OUVERT
    assert (found.echecs, found.cause, found.detail) == (SEUIL, "injoignable", "connexion refusée")
    assert found.suspendu_jusqu_a == opened.now + REGLES.disjoncteur.ouverture
    assert _incidents(opened) == ["ouverture"]


def test_one_probe_for_all_the_workers(opened: Scene) -> None:
    """[DST-41] [DST-42] While one is being sent, another worker finds nothing."""
    opened.clock.advance(REGLES.disjoncteur.ouverture)
    assert _due(opened)
    probe = _next(opened)
    assert probe.sonde
    found = _breaker(opened)
    assert found is not None
    assert (found.etat(opened.now), found.sonde) == (EtatDisjoncteur.DEMI_OUVERT, probe.id)
    assert (_due(opened), _take(opened)) == (False, None)
    _end(opened, probe, RECU)
    assert _breaker(opened) is None
    assert [_next(opened).sonde, _next(opened).sonde] == [False, False]
    assert _incidents(opened) == ["ouverture", "fermeture"]


def test_a_failed_probe_costs_no_attempt_and_another_distribution_is_the_next_one(opened: Scene) -> None:
    """[DST-42] Forty failed probes: nothing has failed for good, all the distributions took their turn."""
    probes = set()
    for _ in range(40):
        opened.clock.advance(timedelta(minutes=30))
        probe = _next(opened)
        probes.add(probe.sequence)
        _end(opened, probe, PANNE)
    assert probes == {1, 2, 3}
    assert {each.etat for each in opened.distributions("G0002")} == {Etat.EN_ATTENTE}
    opened.clock.advance(timedelta(minutes=30))
    _end(opened, _next(opened), RECU)
    assert len({_next(opened).id, _next(opened).id}) == 2
    assert _take(opened) is None


def test_a_probe_whose_worker_died_is_made_again(opened: Scene) -> None:
    """[DST-41] Nobody holds the lock of porteur 1: the lease is not waited for."""
    opened.clock.advance(REGLES.disjoncteur.ouverture)
    probe = _next(opened)
    with opened.engine.begin() as conn:
        assert take_back(conn, instant=opened.now) == 1
    assert _due(opened)
    again = _next(opened)
    found = _breaker(opened)
    assert found is not None
    assert (again.sonde, found.sonde) == (True, again.id)
    # What the dead one was sending is still to be sent.
    assert probe.id in {each.id for each in opened.distributions("G0002") if each.etat is Etat.EN_ATTENTE}


def test_a_probe_whose_worker_is_frozen_is_made_again_after_its_lease(opened: Scene) -> None:
    """[DST-41]"""
    opened.clock.advance(REGLES.disjoncteur.ouverture)
    probe = _next(opened)
    opened.clock.advance(BAIL.duree)
    again = _next(opened)
    assert again.sonde
    # The frozen one wakes up: its failure is that of a probe that is no longer one.
    if again.id != probe.id:
        _end(opened, probe, PANNE)
        found = _breaker(opened)
        assert found is not None
        assert (found.echecs, found.sonde) == (SEUIL, again.id)
    _end(opened, again, RECU)
    assert _breaker(opened) is None


def test_the_operator_lifts_it(opened: Scene) -> None:
    """[DST-43]"""
    with opened.engine.begin() as conn:
        assert lift(conn, "G0002", None, instant=opened.now) == 1
        assert lift(conn, "G0002", CanalDistribution.PUSH, instant=opened.now) == 0
    opened.clock.advance(timedelta(hours=1))
    assert not _next(opened).sonde
    assert _incidents(opened) == ["ouverture", "levee"]


def test_refusals_never_open_it(scene: Scene, author: Guichet) -> None:
    """[DST-40]"""
    scene.register([scene.recue(author) for _ in range(3)])
    for _ in range(20):
        scene.clock.advance(timedelta(days=1))
        _end(scene, _next(scene), REFUS)
    found = _breaker(scene)
    assert found is not None
    assert (found.ouvert_le, found.echecs, found.refus) == (None, 0, 20)
    assert _incidents(scene) == []


def _events(scene: Scene, author: Guichet, versions: int) -> None:
    """A demande with that many events."""
    recue = scene.recue(author)
    (numero,) = scene.register([recue])
    scene.events(recue, numero, range(2, versions + 1))


def test_what_follows_a_distribution_put_off_is_put_off_with_it(scene: Scene, author: Guichet) -> None:
    """[DST-46] Nobody walks past it to reach what is due; acknowledged, it lets the next one go at once."""
    _events(scene, author, 3)
    first = _next(scene)
    _end(scene, first, Remis(timedelta(hours=6)))
    assert not _due(scene)
    waits = {each.prochaine_tentative for each in scene.distributions("G0002")}
    assert waits == {scene.now + timedelta(hours=6)}
    _end(scene, first, RECU)
    assert _due(scene)
    second = _next(scene)
    assert (second.sequence, _take(scene)) == (2, None)
    _end(scene, second, RECU)
    assert _next(scene).sequence == 3


def test_what_follows_a_failure_for_good_goes_at_once(scene: Scene, author: Guichet) -> None:
    """[DST-14]"""
    _events(scene, author, 2)
    regles = ReglesRemise(push=Echeancier(delais=(timedelta(hours=1),)))
    _end(scene, _next(scene), REFUS, regles)
    assert not _due(scene)
    scene.clock.advance(timedelta(hours=1))
    _end(scene, _next(scene), REFUS, regles)
    assert [each.etat for each in scene.distributions("G0002")] == [Etat.ECHEC, Etat.EN_ATTENTE]
    assert _next(scene).sequence == 2


def test_each_channel_has_its_schedule(scene: Scene, author: Guichet) -> None:
    """[DST-44]"""
    scene.demande(author)
    regles = ReglesRemise(push=Echeancier(delais=(timedelta(minutes=7), timedelta(minutes=11))))
    for wait in regles.push.delais:
        _end(scene, _next(scene), REFUS, regles)
        (found,) = scene.distributions("G0002")
        assert found.prochaine_tentative == scene.now + wait
        scene.clock.advance(wait)
    _end(scene, _next(scene), REFUS, regles)
    (found,) = scene.distributions("G0002")
    assert (found.etat, found.cause, found.tentatives) == (Etat.ECHEC, Cause.REFUS, 3)


def _expire(scene: Scene) -> int:
    with scene.engine.begin() as conn:
        return expire(conn, instant=scene.now, regles=REGLES)


def test_what_its_deadline_catches_has_failed_for_good_even_untried(opened: Scene, author: Guichet) -> None:
    """[DST-44] And what is within it waits on; a replay gives another deadline."""
    opened.clock.advance(ECHEANCE - timedelta(hours=SEUIL, seconds=1))
    opened.demande(author)
    assert _expire(opened) == 0
    opened.clock.advance(timedelta(seconds=1))
    assert _expire(opened) == 3
    found = opened.distributions("G0002")
    assert [each.etat for each in found] == [Etat.ECHEC] * 3 + [Etat.EN_ATTENTE]
    assert {each.cause for each in found[:3]} == {Cause.ECHEANCE}
    opened.clock.advance(timedelta(days=2))
    with opened.engine.begin() as conn:
        assert replay(conn, instant=opened.now, guichet="G0002") == 3
    assert _expire(opened) == 0
    opened.clock.advance(ECHEANCE)
    assert _expire(opened) == 4


def test_a_guichet_that_pulls_has_no_deadline(scene: Scene, author: Guichet) -> None:
    """[DST-21] [DST-44]"""
    scene.demande(author)
    with scene.engine.begin() as conn:
        conn.execute(text("UPDATE guichet SET canal = 'retrait' WHERE code = 'G0002'"))
    scene.clock.advance(10 * ECHEANCE)
    assert _expire(scene) == 0


def test_what_failed_is_replayed_by_guichet_cause_and_period(scene: Scene, author: Guichet) -> None:
    """[DST-45]"""
    scene.guichet("G0003", Filtre("Tout"))
    scene.register([scene.recue(author) for _ in range(4)])
    start = scene.now
    with scene.engine.begin() as conn:
        conn.execute(
            text(
                "UPDATE distribution SET etat = 'echec', tentatives = 12,"
                " termine_le = :start + sequence * interval '1 hour',"
                " cause = CASE WHEN sequence < 3 THEN 'refus' ELSE 'delai' END"
            ),
            {"start": start},
        )

        def count(**criteres: object) -> int:
            with conn.begin_nested() as essai:
                done = replay(conn, instant=scene.now, **criteres)  # type: ignore[arg-type]
                essai.rollback()
            return done

        assert [(each.guichet, each.cause, each.nombre) for each in summarise(conn)] == [
            ("G0002", "delai", 2),
            ("G0002", "refus", 2),
            ("G0003", "delai", 2),
            ("G0003", "refus", 2),
        ]
        assert count() == 8
        assert count(guichet="G0002") == 4
        assert count(cause=Cause.REFUS) == 4
        assert count(cause=Cause.PANNE) == 0
        assert count(depuis=start + timedelta(hours=2)) == 6
        assert count(avant=start + timedelta(hours=2)) == 2
        assert count(guichet="G0003", cause=Cause.DELAI, depuis=start + timedelta(hours=4)) == 1
        (one, *_) = (each.id for each in scene.distributions("G0002"))
        assert count(ids=[one, uuid.uuid4()]) == 1
        assert replay(conn, instant=scene.now, cause=Cause.REFUS) == 4
        assert {each.cause for each in summarise(conn)} == {"delai"}
    assert [_next(scene).sequence, _next(scene).sequence, _take(scene)] == [1, 2, None]


def _read(scene: Scene, query: TextClause, **values: object) -> int:
    """How many rows of the distributions a query of the worker looks at, on the whole."""
    usual = {"canaux": ["push"], "fin_du_bail": scene.now, "porteur": 1, "sauf": []}
    values = {**usual, "instant": scene.now, **values}
    with scene.engine.connect() as conn:
        (plan,) = conn.execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {query.text}"), values).scalar_one()
        conn.rollback()

    def rows(node: dict[str, Any]) -> float:
        read = sum(node.get(name, 0) for name in ("Actual Rows", "Rows Removed by Filter"))
        own = read * node["Actual Loops"] if node.get("Relation Name") == "distribution" else 0
        return own + sum(map(rows, node.get("Plans", ())))

    return int(rows(plan["Plan"]))


@pytest.mark.parametrize(
    "arriere",
    [
        "prochaine_tentative = :instant, differee = false",
        # By mail, or refused: all of it has left and waits.
        "prochaine_tentative = :instant + interval '1 hour', differee = true, tentatives = 1",
    ],
)
def test_a_backlog_is_not_walked(scene: Scene, author: Guichet, arriere: str) -> None:
    """[DST-46] Three thousand that wait for one guichet: the worker reads a few rows of them, not all."""
    scene.demande(author)
    with scene.engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO distribution (id, guichet, sequence, numero, version, nature, raison, cree_le,"
                " prochaine_tentative) SELECT gen_random_uuid(), guichet, n, 'N' || n, 1, nature, raison,"
                " cree_le, prochaine_tentative FROM distribution, generate_series(2, 3000) AS n"
            )
        )
    with scene.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        # The statistics are of before: they tell nothing of what is put off.
        conn.execute(text("VACUUM ANALYZE distribution"))
        conn.execute(text(f"UPDATE distribution SET {arriere} WHERE sequence > 1"), {"instant": scene.now})
    assert _due(scene)
    (first, *_) = scene.distributions("G0002")
    assert _read(scene, attempts._ACKNOWLEDGE, ids=[first.id]) < 20
    assert _read(scene, attempts._FOLLOW, ids=[first.id]) < 20
    assert _read(scene, attempts._DUE) < 20
    assert _read(scene, attempts._TAKE, guichets=["G0002"], places=[1]) < 20
    assert _next(scene).sequence == 1


REMIS = Remis(timedelta(hours=1))


def _acknowledge(scene: Scene, envoi: Envoi) -> None:
    acquit = Acquit(envoi.sequence, hashlib.sha256(envoi.contenu).hexdigest())
    with scene.engine.begin() as conn:
        (answer,) = acknowledge(
            conn, "G0002", [acquit], instant=scene.now, echange=uuid.uuid4(), canal=CanalDistribution.PUSH
        )
    assert isinstance(answer, Acquittee)


@pytest.fixture
def unanswered(scene: Scene, author: Guichet) -> Scene:
    """All that was sent has left, as by mail, has left again, and nothing was acknowledged."""
    scene.register([scene.recue(author) for _ in range(SEUIL + 1)])
    for _ in range(SEUIL + 1):
        _end(scene, _next(scene), REMIS)
    assert _breaker(scene) is None
    scene.clock.advance(REMIS.delai)
    for _ in range(SEUIL):
        _end(scene, _next(scene), REMIS)
    return scene


def test_acknowledgements_that_do_not_come_open_it(unanswered: Scene) -> None:
    """[DST-24] [DST-40] [DST-43] What leaves says nothing of the guichet: the operator reads why it is
    open."""
    assert (_due(unanswered), _take(unanswered)) == (False, None)
    found = _breaker(unanswered)
    assert found is not None
    assert found.etat(unanswered.now) is EtatDisjoncteur.OUVERT
    assert (found.echecs, found.cause) == (SEUIL, Cause.SANS_ACCUSE)
    assert found.detail == "la distribution n° 5 est partie, et son accusé n'est pas venu à temps"
    assert _incidents(unanswered) == ["ouverture"]


def test_a_probe_that_leaves_closes_nothing_and_its_acknowledgement_does(unanswered: Scene) -> None:
    """[DST-24] [DST-42] One distribution at each interval, until one is acknowledged."""
    unanswered.clock.advance(REGLES.disjoncteur.ouverture)
    probe = _next(unanswered)
    assert probe.sonde
    _end(unanswered, probe, REMIS)
    found = _breaker(unanswered)
    assert found is not None
    assert found.suspendu_jusqu_a is not None
    assert found.sonde is None
    assert found.suspendu_jusqu_a > unanswered.now
    assert _take(unanswered) is None
    _acknowledge(unanswered, probe)
    assert _breaker(unanswered) is None
    assert _incidents(unanswered) == ["ouverture", "fermeture"]


def test_an_acknowledgement_in_time_starts_the_count_again(scene: Scene, author: Guichet) -> None:
    """[DST-24] [DST-40] Failures in a row: what is acknowledged interrupts them, what leaves does not."""
    scene.register([scene.recue(author) for _ in range(SEUIL + 1)])
    first = [_next(scene) for _ in range(SEUIL + 1)]
    for envoi in first:
        _end(scene, envoi, REMIS)
    scene.clock.advance(REMIS.delai)
    for _ in range(SEUIL - 1):
        _end(scene, _next(scene), REMIS)
    scene.demande(author)
    sequences = {envoi.sequence for envoi in first}
    while (envoi := _next(scene)).sequence in sequences:
        pass
    _end(scene, envoi, REMIS)
    found = _breaker(scene)
    assert found is not None
    assert (found.echecs, found.ouvert_le) == (SEUIL - 1, None)
    _acknowledge(scene, first[0])
    assert _breaker(scene) is None


def test_a_relay_that_is_back_closes_what_its_absence_had_opened(opened: Scene) -> None:
    """[DST-42] It could not be reached; what leaves again by it is enough."""
    opened.clock.advance(REGLES.disjoncteur.ouverture)
    _end(opened, _next(opened), REMIS)
    assert _breaker(opened) is None
