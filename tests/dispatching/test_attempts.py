"""Attempts: written before they are made, ended once, taken back from the dead."""

from __future__ import annotations

import hashlib
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from dispatching import attempts
from dispatching.acquittement import Acquit, Acquittee, acknowledge
from dispatching.attempts import Bail, Fin, due_guichets, finish, take, take_back
from dispatching.canaux import switch_canal
from dispatching.deliveries import Etat, count_by_etat, replay
from dispatching.disjoncteur import ReglesDisjoncteur
from dispatching.retry import DELAIS, ReglesRemise
from dispatching.secours import set_debit
from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Remis, Statut
from filters.language import Filtre
from registry.evenements import EvenementDemande
from registry.guichets import CanalDistribution
from registry.guichets_store import close_guichet, set_adresse_courrier, set_adresse_reception
from schemas.documents import DEMANDES, Document, read_document
from tests.dispatching.scene import ADRESSE, Scene

BAIL = Bail()
REFUS_DE_SUITE = ReglesDisjoncteur().refus
RECU = Accuse(Statut.RECU)
PANNE = Echec(GenreEchec.INJOIGNABLE, "connexion refusée")
REFUS = Echec(GenreEchec.REFUS, "refusé")


def _take(scene: Scene, *guichets: str) -> dict[str, Envoi]:
    with scene.engine.begin() as conn:
        envois = take(conn, guichets or ("G0002",), instant=scene.now, porteur=1, bail=BAIL)
    return {envoi.guichet: envoi for envoi in envois}


def _end(scene: Scene, envoi: Envoi, result: Accuse | Remis | Echec) -> None:
    with scene.engine.begin() as conn:
        finish(conn, [Fin(envoi, result)], instant=scene.now)


def _due(scene: Scene) -> tuple[str, ...]:
    with scene.engine.begin() as conn:
        return due_guichets(conn, instant=scene.now)


@pytest.fixture
def two(scene: Scene) -> Scene:
    """An author and a guichet that receives two demandes."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    scene.register([scene.recue(author), scene.recue(author)])
    return scene


def test_what_is_sent_is_the_demande_in_type_dis_under_a_name_with_the_sequence(two: Scene) -> None:
    """[DST-10]"""
    envoi = _take(two)["G0002"]
    document = read_document(envoi.contenu, DEMANDES)
    assert isinstance(document, Document)
    assert b"<ns1:typeFichier>DIS</ns1:typeFichier>" in envoi.contenu
    assert envoi.numero.encode() in envoi.contenu
    # 11:30 in Paris.
    assert envoi.nom_fichier == "DEMG0002-202607011130-000001.xml"
    assert (envoi.sequence, envoi.rang, envoi.adresse) == (1, 1, ADRESSE)


def test_the_same_bytes_and_name_go_at_each_attempt(two: Scene) -> None:
    """[DST-10]"""
    first = _take(two)["G0002"]
    _end(two, first, REFUS)
    _end(two, _take(two)["G0002"], RECU)
    two.clock.advance(DELAIS[0])
    again = _take(two)["G0002"]
    assert (again.id, again.rang) == (first.id, 2)
    assert hashlib.sha256(again.contenu).digest() == hashlib.sha256(first.contenu).digest()
    assert again.nom_fichier == first.nom_fichier


def test_an_attempt_is_written_before_it_is_made(two: Scene) -> None:
    """The next attempt is already fixed: a worker that dies leaves a distribution that another will take."""
    envoi = _take(two)["G0002"]
    (found, _) = two.distributions("G0002")
    assert found.id == envoi.id
    assert (found.tentatives, found.prochaine_tentative) == (1, two.now + BAIL.duree)
    assert two.count("tentative") == 1


def test_a_taken_distribution_is_not_taken_again_before_the_end_of_its_lease(two: Scene) -> None:
    taken = {_take(two)["G0002"].id, _take(two)["G0002"].id}
    assert len(taken) == 2
    assert _take(two) == {}
    assert _due(two) == ()
    two.clock.advance(BAIL.duree)
    assert _due(two) == ("G0002",)
    assert _take(two)["G0002"].rang == 2


def test_concurrent_workers_never_take_the_same(scene: Scene) -> None:
    """Eight threads take forty distributions of four guichets: each once."""
    author = scene.guichet("G0001")
    codes = [f"G000{rank}" for rank in range(2, 6)]
    for code in codes:
        scene.guichet(code, Filtre("Tout"))
    scene.register([scene.recue(author) for _ in range(10)])

    def run(_: int) -> list[str]:
        taken = []
        while envois := _take(scene, *codes):
            taken += [f"{envoi.guichet}-{envoi.sequence}" for envoi in envois.values()]
        return taken

    with ThreadPoolExecutor(8) as threads:
        taken = [name for names in threads.map(run, range(8)) for name in names]
    assert len(taken) == len(set(taken))
    # A row locked by another is skipped, not waited for: what is left is due still.
    while envois := _take(scene, *codes):
        taken += [f"{envoi.guichet}-{envoi.sequence}" for envoi in envois.values()]
    assert sorted(taken) == sorted(f"{code}-{rank}" for code in codes for rank in range(1, 11))


def test_several_at_once_are_of_different_demandes(scene: Scene) -> None:
    """[DST-11] [DST-53] Of three demandes of which two have two events, three leave; then the two others."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    recues = [scene.recue(author) for _ in range(3)]
    first, second, _ = scene.register(recues)
    scene.events(recues[0], first, [2])
    scene.events(recues[1], second, [2])
    with scene.engine.begin() as conn:
        taken = take(conn, ["G0002"] * 10, instant=scene.now, porteur=1, bail=BAIL)
    assert [envoi.sequence for envoi in taken] == [1, 2, 3]
    assert scene.count("tentative") == 3
    for envoi in taken:
        _end(scene, envoi, RECU)
    with scene.engine.begin() as conn:
        taken = take(conn, ["G0002"] * 10, instant=scene.now, porteur=1, bail=BAIL)
    assert [(envoi.sequence, envoi.numero) for envoi in taken] == [(4, first), (5, second)]


def test_no_more_are_taken_than_wanted_and_in_their_order(scene: Scene) -> None:
    """[DST-53] New ones and those put off, in the order in which they became due."""
    author = scene.guichet("G0001")
    for code in ("G0002", "G0003"):
        scene.guichet(code, Filtre("Tout"))
    scene.register([scene.recue(author) for _ in range(6)])
    _end(scene, _take(scene)["G0002"], REFUS)
    scene.clock.advance(DELAIS[0])
    with scene.engine.begin() as conn:
        wanted = ["G0002", "G0003", "G0002", "G0002"]
        taken = take(conn, wanted, instant=scene.now, porteur=1, bail=BAIL)
    assert [(envoi.guichet, envoi.sequence) for envoi in taken] == [
        ("G0002", 2),
        ("G0002", 3),
        ("G0002", 4),
        ("G0003", 1),
    ]
    with scene.engine.begin() as conn:
        taken = take(conn, ["G0002"] * 9, instant=scene.now, porteur=1, bail=BAIL)
    assert [envoi.sequence for envoi in taken] == [1, 5, 6]


def test_a_probe_and_a_pace_leave_one_at_a_time(scene: Scene) -> None:
    """[DST-42] [DST-53] However many are wanted."""
    author = scene.guichet("G0001")
    for code in ("G0002", "G0003"):
        scene.guichet(code, Filtre("Tout"))
    scene.register([scene.recue(author) for _ in range(9)])
    regles = ReglesDisjoncteur(seuil=1)
    with scene.engine.begin() as conn:
        set_debit(conn, "G0003", 12)
        (envoi,) = take(conn, ["G0002"], instant=scene.now, porteur=1, bail=BAIL)
        finish(conn, [Fin(envoi, PANNE)], instant=scene.now, regles=ReglesRemise(disjoncteur=regles))
    scene.clock.advance(regles.ouverture)
    for expected in ([("G0002", True), ("G0003", False)], []):
        with scene.engine.begin() as conn:
            taken = take(conn, ["G0002", "G0003"] * 5, instant=scene.now, porteur=1, bail=BAIL)
        assert [(envoi.guichet, envoi.sonde) for envoi in taken] == expected


def test_an_acknowledged_one_is_never_sent_again(two: Scene) -> None:
    """[DST-12] Whatever comes after: a late failure of another attempt, the end of the lease, a replay."""
    envoi = _take(two)["G0002"]
    two.clock.advance(BAIL.duree)
    again = _take(two)["G0002"]
    assert again.id == envoi.id
    _end(two, envoi, RECU)
    _end(two, again, PANNE)
    two.clock.advance(timedelta(days=3))
    with two.engine.begin() as conn:
        assert replay(conn, instant=two.now) == 0
    assert {_take(two)["G0002"].sequence for _ in range(1)} == {2}
    assert two.distributions("G0002")[0].etat is Etat.ACQUITTEE


def test_a_late_acknowledgement_counts(two: Scene) -> None:
    """The lease ran out and another attempt began: the acknowledgement of the first still ends the matter."""
    envoi = _take(two)["G0002"]
    two.clock.advance(BAIL.duree)
    _take(two)
    _end(two, envoi, Accuse(Statut.DEJA_RECU))
    assert two.distributions("G0002")[0].etat is Etat.ACQUITTEE


def test_failures_follow_the_schedule_then_stay_visible_until_replayed(scene: Scene) -> None:
    """[DST-14]"""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    scene.demande(author)
    for delay in DELAIS:
        _end(scene, _take(scene)["G0002"], REFUS)
        assert scene.distributions("G0002")[0].prochaine_tentative == scene.now + delay
        scene.clock.advance(delay)
    _end(scene, _take(scene)["G0002"], REFUS)
    (failed,) = scene.distributions("G0002")
    assert (failed.etat, failed.tentatives, failed.termine_le) == (Etat.ECHEC, 12, scene.now)
    scene.clock.advance(timedelta(days=30))
    assert _take(scene) == {}
    with scene.engine.begin() as conn:
        assert replay(conn, instant=scene.now, guichet="G0009") == 0
        assert replay(conn, instant=scene.now, ids=[failed.id]) == 1
    again = _take(scene)["G0002"]
    assert (again.id, again.sequence, again.rang) == (failed.id, 1, 13)
    _end(scene, again, REFUS)
    assert scene.distributions("G0002")[0].prochaine_tentative == scene.now + DELAIS[0]
    with scene.engine.connect() as conn:
        assert count_by_etat(conn) == {("G0002", Etat.EN_ATTENTE): 1}


def test_a_guichet_that_cannot_be_reached_is_left_alone_then_found_again(two: Scene) -> None:
    _end(two, _take(two)["G0002"], PANNE)
    # The second distribution is due, but its guichet is spared.
    assert _due(two) == ()
    assert _take(two) == {}
    two.clock.advance(DELAIS[0])
    assert _due(two) == ("G0002",)
    for _ in range(2):
        _end(two, _take(two)["G0002"], RECU)
    assert two.count("disjoncteur") == 0


def test_a_refused_document_does_not_stop_the_others_until_all_are_refused(scene: Scene) -> None:
    """[DST-14]"""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    scene.register([scene.recue(author) for _ in range(REFUS_DE_SUITE + 1)])
    for sequence in range(1, REFUS_DE_SUITE + 1):
        envoi = _take(scene)["G0002"]
        assert envoi.sequence == sequence
        _end(scene, envoi, REFUS)
    assert _take(scene) == {}


def test_order_is_kept_per_demande(scene: Scene) -> None:
    """[DST-11] The second event of a demande waits for the first one; those of other demandes do not."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    recue = scene.recue(author)
    (numero,) = scene.register([recue])
    with scene.engine.begin() as conn:
        event = EvenementDemande(2, numero, 2, "MOD", "059", "G0001", scene.now, recue.demande)
        scene.distributeur.decide(conn, [event])
        conn.execute(
            text(
                "INSERT INTO demande_version SELECT numero, 2, 2, 'MOD', guichet, instant, document,"
                " empreinte FROM demande_version"
            )
        )
    scene.demande(author)
    first = _take(scene)["G0002"]
    other = _take(scene)["G0002"]
    assert (first.sequence, other.sequence) == (1, 3)
    assert _take(scene) == {}
    _end(scene, first, RECU)
    assert _take(scene)["G0002"].sequence == 2


def test_a_guichet_without_address_or_closed_keeps_its_distributions(two: Scene) -> None:
    """[DST-21]"""
    with two.engine.begin() as conn:
        set_adresse_reception(conn, "G0002", "")
    assert _due(two) == ()
    assert _take(two) == {}
    with two.engine.begin() as conn:
        set_adresse_reception(conn, "G0002", ADRESSE)
    assert _due(two) == ("G0002",)
    with two.engine.begin() as conn:
        close_guichet(conn, "G0002", instant=two.now)
    assert _due(two) == ()
    assert _take(two) == {}


def test_what_a_dead_worker_held_is_due_at_once_and_does_not_count(two: Scene) -> None:
    """Nobody holds the advisory lock of porteur 1: the lease is not waited for."""
    envoi = _take(two)["G0002"]
    with two.engine.begin() as conn:
        assert take_back(conn, instant=two.now) == 1
        assert take_back(conn, instant=two.now) == 0
    again = _take(two)["G0002"]
    assert (again.id, again.rang) == (envoi.id, 2)
    _end(two, again, REFUS)
    assert two.distributions("G0002")[0].prochaine_tentative == two.now + DELAIS[0]


def test_a_sending_cannot_outlive_its_lease() -> None:
    with pytest.raises(ValueError, match="bail"):
        Bail(marge=timedelta(0))


def test_taking_does_not_walk_the_backlog(two: Scene) -> None:
    """The plan looks up a demande by its number; walking what waits made each step as long as the backlog."""
    values = {"guichets": ["G0002"], "places": [1], "instant": two.now, "fin_du_bail": two.now, "porteur": 1}
    values |= {"canaux": ["push"]}
    with two.engine.begin() as conn:
        plan = "\n".join(conn.execute(text(f"EXPLAIN {attempts._TAKE.text}"), values).scalars())
    assert "using distribution_numero_ix on distribution avant" in plan
    assert "using distribution_attente_ix on distribution d_1" in plan


def test_what_left_without_an_answer_waits_for_it_then_goes_again(two: Scene) -> None:
    """[DST-24] As by mail: the guichet is no failure, the demande waits, the others leave meanwhile."""
    envoi = _take(two)["G0002"]
    _end(two, envoi, Remis(timedelta(hours=6)))
    (first, _) = two.distributions("G0002")
    assert (first.etat, first.prochaine_tentative) == (Etat.EN_ATTENTE, two.now + timedelta(hours=6))
    second = _take(two)["G0002"]
    assert second.sequence == 2
    _end(two, second, RECU)
    assert two.count("disjoncteur") == 0
    two.clock.advance(timedelta(hours=6))
    assert _take(two)["G0002"].id == envoi.id


def test_what_is_never_answered_ends_as_a_visible_failure(scene: Scene) -> None:
    """[DST-24] And a receipt that comes later still ends it well."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    scene.demande(author)
    for _ in range(len(DELAIS) + 1):
        envoi = _take(scene)["G0002"]
        _end(scene, envoi, Remis(timedelta(hours=1)))
        scene.clock.advance(timedelta(hours=1))
    assert scene.distributions("G0002")[0].etat is Etat.ECHEC
    acquit = Acquit(1, hashlib.sha256(envoi.contenu).hexdigest())
    with scene.engine.begin() as conn:
        (answer,) = acknowledge(conn, "G0002", [acquit], instant=scene.now, echange=uuid.uuid4())
    assert answer == Acquittee(1, scene.now)
    assert scene.distributions("G0002")[0].etat is Etat.ACQUITTEE


def test_a_change_of_channel_makes_what_waits_due_at_once(two: Scene) -> None:
    """[DST-22] What waits for a receipt, or for the schedule; not what is being sent."""
    waits = _take(two)["G0002"]
    _end(two, waits, Remis(timedelta(days=1)))
    in_flight = _take(two)["G0002"]
    with two.engine.begin() as conn:
        assert set_adresse_courrier(conn, "G0002", "accueil@exemple.fr") == ()
        assert switch_canal(conn, "G0002", CanalDistribution.COURRIER, instant=two.now) == ()
    assert (_due(two), _take(two)) == ((), {})
    by_mail = [CanalDistribution.COURRIER]
    with two.engine.begin() as conn:
        assert due_guichets(conn, instant=two.now, canaux=by_mail) == ("G0002",)
        (taken,) = take(conn, ["G0002"], instant=two.now, porteur=1, bail=BAIL, canaux=by_mail)
        assert take(conn, ["G0002"], instant=two.now, porteur=1, bail=BAIL, canaux=by_mail) == []
    assert (taken.id, taken.canal, taken.adresse) == (
        waits.id,
        CanalDistribution.COURRIER,
        "accueil@exemple.fr",
    )
    assert taken.contenu == waits.contenu
    _end(two, in_flight, RECU)
    assert two.distributions("G0002")[1].etat is Etat.ACQUITTEE


def test_a_channel_without_its_address_is_refused(two: Scene) -> None:
    """[DST-20]"""
    with two.engine.begin() as conn:
        (refus,) = switch_canal(conn, "G0002", CanalDistribution.COURRIER, instant=two.now)
        assert refus.code == "GUICHET-CANAL"
        assert switch_canal(conn, "G0009", CanalDistribution.RETRAIT, instant=two.now)[0].code == (
            "GUICHET-INCONNU"
        )
        assert switch_canal(conn, "G0002", CanalDistribution.RETRAIT, instant=two.now) == ()
    assert _take(two) == {}
