"""The stock offered to a guichet: what, once, at which pace, and what happens meanwhile."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from dispatching.attempts import Bail, Fin, finish, take
from dispatching.explanation import explain_distribution
from dispatching.offres import Offreur
from dispatching.parcours import count_offers
from dispatching.rattrapages import (
    EtatRattrapage,
    Rattrapage,
    Rythme,
    ask_rattrapage,
    cancel_rattrapage,
    list_rattrapages,
    pause_rattrapage,
    resume_rattrapage,
)
from dispatching.rattrapeur import run_rattrapages
from dispatching.recipients import Raison
from dispatching.transport import Accuse, Statut
from filters.language import Filtre, Intervalle, filtre
from registry.constats import Constat
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import close_guichet
from tests.dispatching.scene import DOUAI, LILLE, ROUBAIX, Scene
from tests.dispatching.test_vie import changed, current
from tests.registry.vies import radiation, sent

TOUT = Filtre("Tout")
T2 = filtre("T2", types_logement=["T2"])
VITE = Rythme(60_000, 10_000)


@pytest.fixture
def auteur(scene: Scene) -> Guichet:
    return scene.guichet("G0001")


def ask(scene: Scene, code: str, rythme: Rythme = VITE) -> Rattrapage:
    with scene.engine.begin() as conn:
        asked = ask_rattrapage(conn, code, instant=scene.now, rythme=rythme)
    assert isinstance(asked, Rattrapage), asked
    return asked


def finish_all(scene: Scene, offreur: Offreur | None = None) -> Rattrapage:
    """Step until the end."""
    offreur = offreur or Offreur(scene.clock)
    while True:
        moved = offreur.step(scene.engine)
        if moved is not None and moved.termine_le is not None:
            return moved
        scene.clock.advance(timedelta(seconds=1))


def followed(scene: Scene) -> Rattrapage:
    with scene.engine.connect() as conn:
        return list_rattrapages(conn)[0]


def offered(scene: Scene, code: str) -> list[str]:
    return [d.numero for d in scene.distributions(code) if d.raison is Raison.RATTRAPAGE]


def test_what_filters_take_and_rights_allow_is_offered_once(scene: Scene, auteur: Guichet) -> None:
    """[DST-100] Not what the guichet holds or sent, nor what is radiated, nor what it may not read."""
    commune = scene.guichet("G0002", genre=TypeGuichet.COMMUNE, perimetre=ROUBAIX)
    voulues = [scene.demande(auteur, [LILLE], ["T2"]) for _ in range(3)]
    scene.demande(auteur, [LILLE], ["T3"])
    scene.demande(auteur, [DOUAI], ["T2"])
    scene.demande(commune, [ROUBAIX], ["T2"])
    radiee = scene.demande(auteur, [LILLE], ["T2"])
    document = current(scene, radiee).document
    changed(
        scene,
        radiation(document, "RADABA", scene.now.date().isoformat(), guichet=auteur, ecrit=scene.now),
        auteur,
    )
    scene.filtre("G0002", T2)
    recue = scene.demande(auteur, [ROUBAIX], ["T2"])
    assert ask(scene, "G0002").total == 8
    fini = finish_all(scene)
    assert (fini.examinees, fini.offertes, fini.etat) == (8, 3, EtatRattrapage.TERMINE)
    made = scene.distributions("G0002")
    assert [d.numero for d in made] == [recue, *sorted(voulues)]
    assert [d.sequence for d in made] == [1, 2, 3, 4]
    version = made[0].filtre, made[0].filtre_version
    assert {(d.raison, d.nature, (d.filtre, d.filtre_version)) for d in made[1:]} == {
        (Raison.RATTRAPAGE, "CRE", version)
    }
    # Again: nothing is left to be offered.
    ask(scene, "G0002")
    assert finish_all(scene).offertes == 0
    assert len(scene.distributions("G0002")) == 4


def test_the_count_without_offering_is_what_is_offered(scene: Scene, auteur: Guichet) -> None:
    """[DST-100]"""
    for types in ("T1", "T2", "T2", "T3"):
        scene.demande(auteur, types=[types])
    scene.guichet("G0002", T2, filtre("Grand", types_logement=["T3"]))
    lues: list[int] = []
    with scene.engine.connect() as conn:
        assert count_offers(conn, "G0002", scene.now, lues.append) == 3
    assert sum(lues) == 4
    assert scene.distributions("G0002") == ()
    ask(scene, "G0002")
    assert finish_all(scene).offertes == 3


def test_what_is_offered_is_held_and_followed(scene: Scene, auteur: Guichet) -> None:
    """[DST-100] [DST-102] A change on the way is told by its own event; it is not offered again."""
    first, second = sorted(scene.demande(auteur, [LILLE]) for _ in range(2))
    scene.guichet("G0002", TOUT)
    ask(scene, "G0002", Rythme(12, 100))
    offreur = Offreur(scene.clock)
    assert offreur.step(scene.engine) is not None
    place = f'commune code="{LILLE}"', f'commune code="{DOUAI}"'
    for numero in (first, second):
        document = current(scene, numero).document
        changed(scene, sent(document, "MOD", place, guichet=auteur, ecrit=scene.now), auteur)
    finish_all(scene, offreur)
    assert [(d.numero, d.version, d.raison) for d in scene.distributions("G0002")] == [
        (first, 1, Raison.RATTRAPAGE),
        (first, 2, Raison.DETENTEUR),
        (second, 2, Raison.FILTRE),
    ]


def test_a_filter_changed_on_the_way_starts_the_walk_again(scene: Scene, auteur: Guichet) -> None:
    """[DST-101] What it takes from then on is behind the walk."""
    par_numero = {scene.demande(auteur, types=[types]): types for types in ("T1", "T2", "T3", "T4")}
    numeros = sorted(par_numero)
    scene.guichet("G0002", filtre("Filtre", types_logement=[par_numero[numeros[3]]]))
    ask(scene, "G0002", Rythme(12, 100))
    offreur = Offreur(scene.clock)
    moved = offreur.step(scene.engine)
    assert moved is not None
    assert (moved.examinees, moved.offertes) == (4, 1)
    scene.filtre("G0002", filtre("Filtre", types_logement=[par_numero[each] for each in numeros[:2]]))
    fini = finish_all(scene, offreur)
    assert (fini.examinees, fini.offertes) == (4, 3)
    assert offered(scene, "G0002") == [numeros[3], *numeros[:2]]


def test_the_pace_and_the_room_left_bound_what_is_offered(scene: Scene, auteur: Guichet) -> None:
    """[DST-103] 24 a minute is two every five seconds; with three waiting, nothing more is offered."""
    for _ in range(5):
        scene.demande(auteur)
    scene.guichet("G0002", TOUT)
    ask(scene, "G0002", Rythme(24, 3))
    offreur = Offreur(scene.clock)

    def offered_after(seconds: float) -> int:
        scene.clock.advance(timedelta(seconds=seconds))
        while offreur.step(scene.engine) is not None:
            pass
        return len(scene.distributions("G0002"))

    assert offered_after(0) == 2
    assert offered_after(4) == 2
    assert offered_after(1) == 3
    assert offered_after(60) == 3
    with scene.engine.begin() as conn:
        conn.execute(text("UPDATE distribution SET etat = 'acquittee'"))
    assert offered_after(5) == 5


def test_an_event_passes_before_the_stock_that_waits(scene: Scene, auteur: Guichet) -> None:
    """[DST-103] Its number comes after those that wait; it is sent before them. Of one demande, in order."""
    stock = sorted(scene.demande(auteur) for _ in range(3))
    scene.guichet("G0002", TOUT)
    ask(scene, "G0002")
    finish_all(scene)
    recue = scene.demande(auteur)
    document = current(scene, stock[2]).document
    changed(scene, sent(document, "MOD", guichet=auteur, ecrit=scene.now), auteur)
    sequences = []
    while True:
        with scene.engine.begin() as conn:
            taken = take(conn, ["G0002"], instant=scene.now, porteur=1, bail=Bail())
            if not taken:
                break
            (envoi,) = taken
            finish(conn, [Fin(envoi, Accuse(Statut.RECU))], instant=scene.now)
        sequences.append(envoi.sequence)
    # 1 to 3: the stock; 4: the new demande; 5: the change of the third of the stock.
    assert sequences == [4, 1, 2, 3, 5]
    assert recue == scene.distributions("G0002")[3].numero


def test_pause_resume_cancel(scene: Scene, auteur: Guichet) -> None:
    """[DST-104]"""
    for _ in range(3):
        scene.demande(auteur)
    scene.guichet("G0002", TOUT)
    ask(scene, "G0002", Rythme(12, 100))
    offreur = Offreur(scene.clock)
    with scene.engine.begin() as conn:
        refuse = ask_rattrapage(conn, "G0002", instant=scene.now, rythme=VITE)
        assert isinstance(refuse, Constat)
        assert refuse.code == "RATTRAPAGE-OUVERT"
    assert offreur.step(scene.engine) is not None
    with scene.engine.begin() as conn:
        assert pause_rattrapage(conn, "G0002", instant=scene.now) is not None
        assert pause_rattrapage(conn, "G0002", instant=scene.now) is None
    scene.clock.advance(timedelta(minutes=5))
    assert offreur.step(scene.engine) is None
    with scene.engine.begin() as conn:
        assert resume_rattrapage(conn, "G0002", instant=scene.now) is not None
    assert offreur.step(scene.engine) is not None
    assert followed(scene).offertes == 2
    with scene.engine.begin() as conn:
        assert cancel_rattrapage(conn, "G0002", instant=scene.now) is not None
    scene.clock.advance(timedelta(minutes=5))
    assert offreur.step(scene.engine) is None
    assert followed(scene).etat is EtatRattrapage.ANNULE
    assert len(scene.distributions("G0002")) == 2
    ask(scene, "G0002")
    assert finish_all(scene).offertes == 1


@pytest.mark.parametrize(
    ("code", "attendu"),
    [("G0009", "GUICHET-INCONNU"), ("G0002", "FILTRE-ABSENT"), ("G0003", "GUICHET-FERME")],
)
def test_what_cannot_be_asked(scene: Scene, code: str, attendu: str) -> None:
    """[DST-100]"""
    scene.guichet("G0002")
    scene.guichet("G0003", TOUT)
    with scene.engine.begin() as conn:
        close_guichet(conn, "G0003", instant=scene.now)
        found = ask_rattrapage(conn, code, instant=scene.now, rythme=VITE)
    assert isinstance(found, Constat)
    assert found.code == attendu


def test_an_offer_is_explained_as_it_was_decided(scene: Scene, auteur: Guichet) -> None:
    """[DST-3] [DST-100] By the filters, the rights and the day of the offer, not of the event."""
    numero = scene.demande(auteur)
    scene.clock.advance(timedelta(days=70))
    scene.guichet("G0002", Filtre("Anciennes", (Intervalle("anciennete", 2, None),)))
    ask(scene, "G0002")
    finish_all(scene)
    offerte_le = scene.now
    scene.filtre("G0002", filtre("Anciennes", types_logement=["T5"]))
    scene.clock.advance(timedelta(days=1))
    with scene.engine.connect() as conn:
        found = explain_distribution(conn, numero, "G0002")
        author = explain_distribution(conn, numero, "G0001")
    assert found is not None
    assert author is not None
    assert found.destinataire
    assert found.verdict is not None
    assert found.verdict.raison is Raison.RATTRAPAGE
    assert found.decidee_le == offerte_le
    assert [item.version.version for item in found.filtres] == [1]
    assert found.texte.startswith("offerte au guichet avec le stock : le filtre « Anciennes »")
    assert found.distribution == scene.distributions("G0002")[0]
    assert author.decidee_le < found.decidee_le


async def test_a_server_moves_them_on(scene: Scene, auteur: Guichet) -> None:
    """[DST-104]"""
    for _ in range(3):
        scene.demande(auteur)
    scene.guichet("G0002", TOUT)
    ask(scene, "G0002")
    task = asyncio.create_task(
        run_rattrapages(scene.engine, Offreur(scene.clock), releve=timedelta(milliseconds=10))
    )
    while followed(scene).etat is EtatRattrapage.EN_COURS:
        scene.clock.advance(timedelta(seconds=1))
        await asyncio.sleep(0.01)
    task.cancel()
    assert len(offered(scene, "G0002")) == 3


_PROCESSUS = """
import sys
from sqlalchemy import create_engine
from datetime import datetime
from dispatching.offres import Offreur
from registry.clock import SystemClock
from registry.database import open_engine
engine = open_engine(sys.argv[1], pool_size=1)
offreur = Offreur(SystemClock())
while True:
    moved = offreur.step(engine)
    if moved is not None:
        print(moved.offertes, flush=True)
"""


def test_killed_again_and_again_it_offers_each_once(scene: Scene, auteur: Guichet) -> None:
    """[DST-104] Processes killed by the system in the middle of their steps."""
    numeros = sorted(scene.demande(auteur) for _ in range(30))
    scene.guichet("G0002", TOUT)
    ask(scene, "G0002", Rythme(60, 1_000))
    url = scene.engine.url.render_as_string(hide_password=False)
    for _ in range(2):
        with subprocess.Popen([sys.executable, "-c", _PROCESSUS, url], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.kill()
    assert 0 < len(offered(scene, "G0002")) < 30
    scene.clock.set(datetime.now(UTC))
    finish_all(scene)
    assert offered(scene, "G0002") == numeros
    assert [d.sequence for d in scene.distributions("G0002")] == list(range(1, 31))
    assert followed(scene).offertes == 30
