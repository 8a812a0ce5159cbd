"""The acknowledgement that comes by itself, and what is withdrawn."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text

from dispatching.acquittement import Acquit, Acquittee, acknowledge
from dispatching.attempts import Bail, Fin, finish, take
from dispatching.deliveries import Etat
from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Statut
from filters.language import Filtre
from registry.anomalies import Anomalie
from registry.effacement import erase
from registry.regles import Regles
from tests.dispatching.scene import Scene

ECHANGE = uuid.UUID(int=7 << 76 | 2 << 62)


@pytest.fixture
def scene2(scene: Scene) -> Scene:
    """Three distributions for G0002, as many for G0003."""
    author = scene.guichet("G0001")
    for code in ("G0002", "G0003"):
        scene.guichet(code, Filtre("Tout"))
    scene.register([scene.recue(author) for _ in range(3)])
    return scene


def sent(scene: Scene, guichet: str = "G0002") -> list[Envoi]:
    """All that is due to the guichet, as it leaves."""
    found = []
    with scene.engine.begin() as conn:
        while taken := take(conn, [guichet], instant=scene.now, porteur=1, bail=Bail()):
            found += taken
    return found


def acquit_of(envoi: Envoi) -> Acquit:
    return Acquit(envoi.sequence, hashlib.sha256(envoi.contenu).hexdigest())


def acknowledged(scene: Scene, *acquits: Acquit, guichet: str = "G0002") -> list[object]:
    with scene.engine.begin() as conn:
        answers = acknowledge(conn, guichet, acquits, instant=scene.now, echange=ECHANGE)
    return [answer.code if isinstance(answer, Anomalie) else answer for answer in answers]


def test_in_any_order_as_often_as_one_likes(scene2: Scene) -> None:
    """[DST-25]"""
    first, second, third = map(acquit_of, sent(scene2))
    begin = scene2.now
    assert acknowledged(scene2, third, first) == [Acquittee(3, begin), Acquittee(1, begin)]
    scene2.clock.advance(timedelta(hours=1))
    upper = Acquit(1, f" {first.empreinte.upper()}\n")
    assert acknowledged(scene2, upper, second, second) == [
        Acquittee(1, begin),
        Acquittee(2, scene2.now),
        Acquittee(2, scene2.now),
    ]
    assert {item.etat for item in scene2.distributions("G0002")} == {Etat.ACQUITTEE}
    assert {item.etat for item in scene2.distributions("G0003")} == {Etat.EN_ATTENTE}


def test_each_refusal_has_its_reason_and_stops_no_other(scene2: Scene) -> None:
    """[DST-25] The answer to a wrong empreinte never says the right one."""
    first, second, _ = map(acquit_of, sent(scene2))
    with scene2.engine.begin() as conn:
        answers = acknowledge(
            conn,
            "G0002",
            [Acquit(1, second.empreinte), Acquit(9, first.empreinte), Acquit(3, "zz"), second],
            instant=scene2.now,
            echange=ECHANGE,
        )
    anomalies = [answer for answer in answers if isinstance(answer, Anomalie)]
    assert [each.code for each in anomalies] == ["DIS205", "DIS203", "DIS204"]
    assert first.empreinte not in anomalies[0].message
    assert answers[3] == Acquittee(2, scene2.now)


def test_one_acknowledges_what_is_its_own(scene2: Scene) -> None:
    """[DST-25] The file of the same demande for another guichet: its sequence names another distribution."""
    (mine, *_) = sent(scene2)
    assert acknowledged(scene2, Acquit(7, "0" * 64), guichet="G0009") == ["DIS203"]
    assert acknowledged(scene2, acquit_of(mine), guichet="G0003") == [Acquittee(1, scene2.now)]
    assert scene2.distributions("G0002")[0].etat is Etat.EN_ATTENTE


def test_a_push_in_flight_and_an_acknowledgement_cross(scene2: Scene) -> None:
    """[DST-22] [DST-25] Whatever the push ends with, it is acknowledged once, at the first time."""
    first, second, third = sent(scene2)
    begin = scene2.now
    assert acknowledged(scene2, acquit_of(first), acquit_of(second)) == [
        Acquittee(1, begin),
        Acquittee(2, begin),
    ]
    scene2.clock.advance(timedelta(seconds=5))
    with scene2.engine.begin() as conn:
        finish(
            conn,
            [
                Fin(first, Accuse(Statut.DEJA_RECU)),
                Fin(second, Echec(GenreEchec.REFUS, "refusé")),
                Fin(third, Accuse(Statut.RECU)),
            ],
            instant=scene2.now,
        )
    assert [(item.etat, item.termine_le) for item in scene2.distributions("G0002")] == [
        (Etat.ACQUITTEE, begin),
        (Etat.ACQUITTEE, begin),
        (Etat.ACQUITTEE, scene2.now),
    ]
    assert acknowledged(scene2, acquit_of(third)) == [Acquittee(3, scene2.now)]


def test_what_is_left_of_an_erased_demande_is_withdrawn(scene2: Scene) -> None:
    """[DST-26] Nothing waits for ever for a file that is no more; the next one of the guichet goes."""
    first, second, third = sent(scene2)
    assert acknowledged(scene2, acquit_of(first)) == [Acquittee(1, scene2.now)]
    close = "UPDATE demande SET etat = 'radiee', date_radiation = '2026-07-01' WHERE numero <> :garde"
    with scene2.engine.begin() as conn:
        conn.execute(text(close), {"garde": third.numero})
    scene2.clock.advance(timedelta(days=800))
    assert set(erase(scene2.engine, Regles(), scene2.now)) == {first.numero, second.numero}
    found = scene2.distributions("G0002")
    assert [item.etat for item in found] == [Etat.ACQUITTEE, Etat.RETIREE, Etat.EN_ATTENTE]
    assert [envoi.sequence for envoi in sent(scene2)] == [3]
    # Acknowledged, then erased: the same positive answer; withdrawn: there is nothing to acknowledge.
    assert acknowledged(scene2, acquit_of(first), acquit_of(second), acquit_of(third)) == [
        Acquittee(1, found[0].termine_le),
        "DIS206",
        Acquittee(3, scene2.now),
    ]
