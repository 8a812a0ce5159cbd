"""Any interleaving of registrations, changes, changes of filters, steps of back-fills and deaths.

The model is naive: what the filters in force take, as the demandes are at the end, must have been sent, and
nothing that they never took. Whatever happens on the way, a demande is first sent once, then followed until
it leaves what the guichet may read ([DST-110]).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from dispatching.offres import Offreur
from dispatching.rattrapages import (
    Rattrapage,
    Rythme,
    ask_rattrapage,
    cancel_rattrapage,
    pause_rattrapage,
    resume_rattrapage,
)
from dispatching.recipients import Raison
from filters.language import Filtre, filtre
from filters.store import filtres_in_force, save_filtre, withdraw_filtre
from registry.clock import FixedClock
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import close_guichet
from tests.dispatching.scene import DOUAI, LILLE, ROUBAIX, Scene
from tests.dispatching.test_vie import changed, current
from tests.registry.vies import sent

COMMUNES = (LILLE, DOUAI, ROUBAIX)
# The guichet reads Lille and Roubaix, not Douai.
FILTRES = (
    filtre("A", communes=[LILLE]),
    filtre("A", communes=[ROUBAIX, DOUAI]),
    Filtre("A"),
    filtre("B", communes=[ROUBAIX]),
    filtre("B", communes=[DOUAI]),
)
OPERATIONS = (
    *("enregistrer", "enregistrer", "modifier", "modifier", "filtrer", "retirer"),
    *("lancer", "avancer", "avancer", "avancer", "mourir", "suspendre", "reprendre", "annuler"),
)
_rangs = count(1)


@dataclass
class Monde:
    """What all the examples share: the author and its demandes; each example has a guichet of its own."""

    scene: Scene
    auteur: Guichet
    communes: dict[str, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)


@pytest.fixture(scope="module")
def monde(module_engine: Engine) -> Monde:
    scene = Scene(module_engine, FixedClock(datetime.fromisoformat("2026-07-01T09:30:00+00:00")))
    monde = Monde(scene, scene.guichet("G0001"))
    for commune in COMMUNES:
        for _ in range(2):
            _register(monde, commune)
    return monde


def _register(monde: Monde, commune: str) -> None:
    numero = monde.scene.demande(monde.auteur, [commune])
    monde.communes[numero] = commune
    monde.versions[numero] = 1


def _change(monde: Monde, numero: str, commune: str) -> None:
    document = current(monde.scene, numero).document
    place = f'commune code="{monde.communes[numero]}"', f'commune code="{commune}"'
    changed(
        monde.scene,
        sent(document, "MOD", place, guichet=monde.auteur, ecrit=monde.scene.now),
        monde.auteur,
    )
    monde.communes[numero] = commune
    monde.versions[numero] += 1


def _do(monde: Monde, code: str, offreur: Offreur, operation: str, choix: int) -> None:
    scene = monde.scene
    scene.clock.advance(timedelta(seconds=1))
    match operation:
        case "enregistrer":
            _register(monde, COMMUNES[choix % 3])
            return
        case "modifier":
            numeros = sorted(monde.communes)
            numero = numeros[choix % len(numeros)]
            _change(monde, numero, COMMUNES[(COMMUNES.index(monde.communes[numero]) + 1 + choix % 2) % 3])
            return
        case "mourir":
            # What PostgreSQL does with the transaction of a process that is no more.
            with scene.engine.connect() as conn:
                offreur.step_in(conn, code)
                conn.rollback()
            return
        case "avancer":
            offreur.step(scene.engine, code)
            return
    with scene.engine.begin() as conn:
        match operation:
            case "filtrer":
                save_filtre(conn, code, FILTRES[choix % len(FILTRES)], instant=scene.now)
            case "retirer":
                withdraw_filtre(conn, code, "AB"[choix % 2], instant=scene.now)
            case "lancer":
                rythme = Rythme((12, 36, 60_000)[choix % 3], 5 + choix)
                ask_rattrapage(conn, code, instant=scene.now, rythme=rythme)
            case "suspendre":
                pause_rattrapage(conn, code, instant=scene.now)
            case "reprendre":
                resume_rattrapage(conn, code, instant=scene.now)
            case "annuler":
                cancel_rattrapage(conn, code, instant=scene.now)


def _finish(monde: Monde, code: str, offreur: Offreur) -> None:
    """Offer all that is left, if the guichet has a filter."""
    scene = monde.scene
    with scene.engine.begin() as conn:
        cancel_rattrapage(conn, code, instant=scene.now)
        asked = ask_rattrapage(conn, code, instant=scene.now, rythme=Rythme(60_000, 1_000_000))
    if not isinstance(asked, Rattrapage):
        return
    while True:
        moved = offreur.step(scene.engine, code)
        if moved is not None and moved.termine_le is not None:
            return
        scene.clock.advance(timedelta(seconds=1))


def _taken(monde: Monde, code: str) -> set[str]:
    """What the filters in force take of what the guichet may read."""
    with monde.scene.engine.connect() as conn:
        filtres = filtres_in_force(conn, monde.scene.now, code)
    return {
        numero
        for numero, commune in monde.communes.items()
        if commune in (LILLE, ROUBAIX)
        and any(_takes(version.filtre, commune) for version in filtres if version.filtre)
    }


def _check(monde: Monde, code: str, prises: set[str]) -> None:
    """prises: what was taken at some moment."""
    scene = monde.scene
    made = scene.distributions(code)
    assert [item.sequence for item in made] == list(range(1, len(made) + 1))
    last: dict[str, int] = {}
    for item in made:
        if item.raison is Raison.DETENTEUR:
            # Each change since, in order, none left out.
            assert item.version == last[item.numero] + 1
        elif item.raison is Raison.SORTIE_DROITS:
            # It holds it no more, and may be sent it anew.
            assert item.version == last.pop(item.numero) + 1
            continue
        else:
            assert item.numero not in last, "first sent twice"
        last[item.numero] = item.version
    assert last == {numero: monde.versions[numero] for numero in last}, "an older state than the register's"
    assert _taken(monde, code) <= last.keys() <= {n for n in prises if monde.communes[n] in (LILLE, ROUBAIX)}


def _takes(filtre: Filtre, commune: str) -> bool:
    return not filtre.conditions or filtre.conditions[0].accepte(frozenset({commune}))


PAS = st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 59))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=40,
)
@given(st.lists(PAS, min_size=10, max_size=30))
# Widened behind the walk; changed before it; killed in the middle.
@example(
    [
        ("filtrer", 0),
        ("lancer", 0),
        ("avancer", 0),
        ("filtrer", 2),
        ("modifier", 3),
        ("mourir", 0),
        ("avancer", 0),
    ]
)
# Offered, and then all that may be changed is: from Lille to Douai and back, among others.
@example([("filtrer", 2), ("lancer", 2), ("avancer", 0), *(("modifier", n) for n in range(24))])
@example([("filtrer", 2), ("lancer", 2), ("avancer", 0), *(("modifier", n // 2) for n in range(24))])
def test_each_demande_taken_is_first_sent_once_and_is_up_to_date(
    monde: Monde, pas: list[tuple[str, int]]
) -> None:
    """[DST-11] [DST-100] [DST-101] [DST-102] [DST-104]"""
    scene = monde.scene
    code = f"P{next(_rangs):04d}"
    scene.guichet(code, genre=TypeGuichet.COMMUNE, perimetre=ROUBAIX)
    offreur = Offreur(scene.clock)
    prises: set[str] = set()
    for operation, choix in pas:
        _do(monde, code, offreur, operation, choix)
        prises |= _taken(monde, code)
    _finish(monde, code, offreur)
    _check(monde, code, prises)
    with scene.engine.begin() as conn:
        close_guichet(conn, code, instant=scene.now)
