"""What a guichet comes for: what it gets, in its rights, in bounded memory, traced."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text

from dispatching import retraits
from dispatching.acquittement import Acquit, acknowledge
from dispatching.attempts import Bail, take
from dispatching.attente import list_waiting
from dispatching.canaux import switch_canal
from dispatching.deliveries import Etat
from dispatching.explanation import explain_distribution
from dispatching.retraits import Lot, Retiree, Situation, Vue, list_readable, situate
from filters.language import Filtre
from registry.effacement import erase
from registry.guichets import CanalDistribution, Guichet, TypeGuichet
from registry.regles import Regles
from tests.dispatching.scene import LILLE, Scene
from tests.registry.vies import sent, situation_of

ECHANGE = uuid.UUID(int=7 << 76 | 2 << 62)


@pytest.fixture
def auteur(scene: Scene) -> Guichet:
    return scene.guichet("G0001")


@pytest.fixture
def guichet(scene: Scene, auteur: Guichet) -> Guichet:
    """A guichet without address, for which three distributions wait."""
    found = scene.guichet("G0002", Filtre("Tout"), adresse="")
    scene.register([scene.recue(auteur) for _ in range(3)])
    return found


def read(
    scene: Scene,
    guichet: Guichet,
    vue: Vue = Vue.A_ACQUITTER,
    *,
    apres: int = 0,
    nombre: int = 100,
    echange: uuid.UUID = ECHANGE,
) -> Lot:
    with scene.engine.begin() as conn:
        return list_readable(
            conn, guichet, vue, apres=apres, nombre=nombre, instant=scene.now, echange=echange
        )


def sequences(lot: Lot) -> list[int]:
    return [item.sequence for item in lot.distributions]


def confirm(scene: Scene, guichet: Guichet, *items: Retiree) -> None:
    acquits = [Acquit(item.sequence, item.fichier.empreinte) for item in items if item.fichier is not None]
    with scene.engine.begin() as conn:
        acknowledge(conn, guichet.code, acquits, instant=scene.now, echange=ECHANGE)


def test_what_waits_is_read_in_order_and_changes_nothing(scene: Scene, guichet: Guichet) -> None:
    """[DST-27] The same names and bytes at each reading, and those of a push."""
    first, again = read(scene, guichet), read(scene, guichet)
    assert (sequences(first), first.derniere, first.suite) == ([1, 2, 3], 3, False)
    assert again == first
    with scene.engine.begin() as conn:
        switched = switch_canal(conn, "G0002", CanalDistribution.PUSH, instant=scene.now)
        assert [each.code for each in switched] == ["GUICHET-CANAL"]
        conn.execute(text("UPDATE guichet SET canal = 'push', adresse_reception = 'https://127.0.0.1:9/'"))
        (pushed,) = take(conn, ["G0002"], instant=scene.now, porteur=1, bail=Bail())
    fichier = first.distributions[0].fichier
    assert fichier is not None
    assert (fichier.nom, fichier.contenu, fichier.numero) == (
        pushed.nom_fichier,
        pushed.contenu,
        pushed.numero,
    )
    assert fichier.empreinte == hashlib.sha256(pushed.contenu).hexdigest()
    # Being pushed at this moment: it is read all the same, and its identifier tells.
    assert read(scene, guichet).distributions[0].id == pushed.id


def test_an_answer_is_bounded_and_says_whether_there_is_more(
    scene: Scene, guichet: Guichet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[DST-27] By number, and by the bytes of the files: one at least."""
    lot = read(scene, guichet, nombre=2)
    assert (sequences(lot), lot.derniere, lot.suite) == ([1, 2], 2, True)
    lot = read(scene, guichet, apres=lot.derniere, nombre=2)
    assert (sequences(lot), lot.derniere, lot.suite) == ([3], 3, False)
    empty = read(scene, guichet, apres=3)
    assert (sequences(empty), empty.derniere, empty.suite) == ([], 3, False)
    monkeypatch.setattr(retraits, "OCTETS_MAX", 1)
    lot = read(scene, guichet)
    assert (sequences(lot), lot.suite) == ([1], True)


def test_each_guichet_sees_its_own(scene: Scene, auteur: Guichet, guichet: Guichet) -> None:
    """[DST-27]"""
    other = scene.guichet("G0003", Filtre("Tout"))
    scene.demande(auteur)
    assert (sequences(read(scene, guichet)), sequences(read(scene, other))) == ([1, 2, 3, 4], [1])
    assert sequences(read(scene, auteur)) == []


def test_what_was_acknowledged_can_be_read_again(scene: Scene, guichet: Guichet) -> None:
    """[DST-30] A partner may lose its base; nothing becomes waiting again."""
    first, second, third = read(scene, guichet).distributions
    confirm(scene, guichet, first, third)
    assert sequences(read(scene, guichet)) == [2]
    again = read(scene, guichet, Vue.ACQUITTEE).distributions
    assert [(item.sequence, item.etat, item.fichier) for item in again] == [
        (1, Etat.ACQUITTEE, first.fichier),
        (3, Etat.ACQUITTEE, third.fichier),
    ]
    assert sequences(read(scene, guichet, Vue.TOUTES)) == [1, 2, 3]
    assert sequences(read(scene, guichet, Vue.EN_ATTENTE)) == [2]
    assert [sequences(read(scene, guichet, vue)) for vue in (Vue.ECHEC, Vue.RETIREE)] == [[], []]
    assert second.etat is Etat.EN_ATTENTE


def test_what_failed_on_the_way_of_a_push_is_left_to_be_read(scene: Scene, guichet: Guichet) -> None:
    """[DST-27] In its place: the order of the sequences is that of the demandes."""
    with scene.engine.begin() as conn:
        conn.execute(text("UPDATE distribution SET etat = 'echec' WHERE sequence = 2"))
    assert sequences(read(scene, guichet)) == [1, 2, 3]
    assert sequences(read(scene, guichet, Vue.ECHEC)) == [2]
    lot = read(scene, guichet, nombre=2)
    assert (sequences(lot), lot.suite) == ([1, 2], True)


def test_what_may_no_longer_be_read_is_withdrawn(scene: Scene, guichet: Guichet) -> None:
    """[DST-28] The right is that of the reading: neither file nor number; the sequence stays, without gap."""
    first = read(scene, guichet).distributions[0]
    confirm(scene, guichet, first)
    with scene.engine.begin() as conn:
        conn.execute(text("DELETE FROM detention WHERE guichet = 'G0002'"))
    moved = Guichet("G0002", "Ailleurs", TypeGuichet.BAILLEUR, "", frozenset({"111"}))
    found = read(scene, moved, Vue.TOUTES).distributions
    assert [(item.etat, item.fichier) for item in found] == [
        (Etat.ACQUITTEE, None),
        (Etat.RETIREE, None),
        (Etat.RETIREE, None),
    ]
    assert [item.etat for item in scene.distributions("G0002")] == [
        Etat.ACQUITTEE,
        Etat.RETIREE,
        Etat.RETIREE,
    ]
    # Withdrawn for good: what was announced as such does not come back.
    assert sequences(read(scene, guichet)) == []
    assert read(scene, guichet, Vue.RETIREE).distributions[0].fichier is None


def test_a_demande_erased_before_it_was_read_leaves_its_place(scene: Scene, guichet: Guichet) -> None:
    """[DST-26] [DST-28] [DST-30]"""
    first, *_ = read(scene, guichet).distributions
    confirm(scene, guichet, first)
    with scene.engine.begin() as conn:
        conn.execute(text("UPDATE demande SET etat = 'radiee', date_radiation = '2026-07-01'"))
    scene.clock.advance(timedelta(days=800))
    assert len(list(erase(scene.engine, Regles(), scene.now))) == 3
    assert sequences(read(scene, guichet)) == []
    found = read(scene, guichet, Vue.TOUTES).distributions
    assert [(item.sequence, item.etat, item.fichier) for item in found] == [
        (1, Etat.ACQUITTEE, None),
        (2, Etat.RETIREE, None),
        (3, Etat.RETIREE, None),
    ]


async def test_a_demande_taken_out_before_it_was_read_tells_its_story(scene: Scene, auteur: Guichet) -> None:
    """[DST-28] What it was, then its suppression, in order: the guichet ends where the register is."""
    from tests.dispatching.test_vie import changed

    guichet = scene.guichet("G0002", Filtre("Tout"), adresse="")
    numero = scene.demande(auteur, [LILLE])
    scene.clock.advance(timedelta(minutes=10))
    document = situation_of(scene.engine, numero).document
    changed(scene, sent(document, "SUP", guichet=auteur, ecrit=scene.now), auteur)
    found = [item.fichier for item in read(scene, guichet).distributions]
    assert [fichier and fichier.type_fichier for fichier in found] == ["DIS", "SUP"]
    assert {fichier.numero for fichier in found if fichier} == {numero}


def test_each_reading_is_traced(scene: Scene, guichet: Guichet) -> None:
    """[DST-29] Who read what, and when; not what was listed without its file. The operator sees it."""
    other = uuid.UUID(int=ECHANGE.int + 1)
    read(scene, guichet, nombre=1)
    scene.clock.advance(timedelta(minutes=1))
    read(scene, guichet, echange=other)
    (one, two, _) = scene.distributions("G0002")
    with scene.engine.connect() as conn:
        found = explain_distribution(conn, one.numero, "G0002")
        assert found is not None
        assert found.lectures == ((ECHANGE, scene.now - timedelta(minutes=1)), (other, scene.now))
        assert retraits.list_readings(conn, two.id) == ((other, scene.now),)
    assert scene.count("retrait") == 4


def test_one_knows_where_one_stands(scene: Scene, auteur: Guichet, guichet: Guichet) -> None:
    """[DST-31]"""
    begin = scene.now
    first, second, third = read(scene, guichet).distributions
    with scene.engine.begin() as conn:
        assert situate(conn, "G0002") == Situation(CanalDistribution.RETRAIT, 3, 3, 0, 1, begin, None, None)
        assert situate(conn, "G0001") == Situation(CanalDistribution.PUSH, 0, 0, 0, None, None, None, None)
        conn.execute(text("UPDATE distribution SET etat = 'echec' WHERE sequence = 2"))
    scene.clock.advance(timedelta(hours=1))
    confirm(scene, guichet, first, third)
    with scene.engine.begin() as conn:
        assert situate(conn, "G0002") == Situation(CanalDistribution.RETRAIT, 3, 0, 1, 2, begin, 3, scene.now)
    assert second.sequence == 2


def test_what_nobody_comes_for_is_seen_with_its_age(scene: Scene, auteur: Guichet, guichet: Guichet) -> None:
    """[DST-21] Nothing is tried, nothing has failed; the operator sees since when, and the last coming."""
    begin = scene.now
    with scene.engine.begin() as conn:
        assert take(conn, ["G0002"], instant=scene.now, porteur=1, bail=Bail()) == []
    scene.clock.advance(timedelta(days=9))
    scene.guichet("G0003", Filtre("Tout"))
    scene.demande(auteur)
    read(scene, guichet)
    with scene.engine.connect() as conn:
        first, second = list_waiting(conn)
    assert (first.guichet, first.canal, first.en_attente, first.en_echec, first.depuis_le) == (
        "G0002",
        CanalDistribution.RETRAIT,
        4,
        0,
        begin,
    )
    assert (first.retrait_le, second.retrait_le) == (scene.now, None)
    assert (second.guichet, second.en_attente, second.depuis_le) == ("G0003", 1, scene.now)
    assert {item.tentatives for item in scene.distributions("G0002")} == {0}


def test_reading_does_not_walk_what_was_acknowledged(scene: Scene, guichet: Guichet) -> None:
    """[DST-27] Years of distributions acknowledged cost nothing to a guichet that comes for the last one."""
    values = {"guichet": "G0002", "apres": 0, "limite": 101}
    with scene.engine.begin() as conn:
        conn.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(
            conn.execute(text(f"EXPLAIN {retraits._READ[Vue.A_ACQUITTER].text}"), values).scalars()
        )
    assert "distribution_attente_ix" in plan
    assert "distribution_echec_ix" in plan
    assert "distribution_guichet_sequence_uq" not in plan
