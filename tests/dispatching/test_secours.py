"""The fallback of a guichet and its pace, on the real database."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta

import pytest

from dispatching.acquittement import Acquit, acknowledge
from dispatching.attempts import Bail, Fin, due_guichets, finish, take
from dispatching.canaux import switch_canal
from dispatching.deliveries import Etat
from dispatching.disjoncteurs import lift, list_disjoncteurs
from dispatching.incidents import list_incidents
from dispatching.retry import REGLES
from dispatching.secours import ReglageRemise, fail_over, get_reglage, set_debit, set_secours
from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Remis, Statut
from filters.language import Filtre
from registry.guichets import CanalDistribution
from registry.guichets_store import get_guichet, set_adresse_courrier
from tests.dispatching.scene import Scene

PUSH, COURRIER, RETRAIT = CanalDistribution.PUSH, CanalDistribution.COURRIER, CanalDistribution.RETRAIT
BAIL = Bail()
RECU = Accuse(Statut.RECU)
REMIS = Remis(timedelta(hours=4))
PANNE = Echec(GenreEchec.INJOIGNABLE, "connexion refusée")
APRES = 10


def _take(scene: Scene) -> Envoi | None:
    with scene.engine.begin() as conn:
        canaux = (PUSH, COURRIER)
        return next(iter(take(conn, ["G0002"], instant=scene.now, porteur=1, bail=BAIL, canaux=canaux)), None)


def _next(scene: Scene) -> Envoi:
    envoi = _take(scene)
    assert envoi is not None
    return envoi


def _end(scene: Scene, envoi: Envoi, result: Accuse | Remis | Echec) -> None:
    with scene.engine.begin() as conn:
        finish(conn, [Fin(envoi, result)], instant=scene.now)


def _fail_over(scene: Scene) -> int:
    with scene.engine.begin() as conn:
        return fail_over(conn, instant=scene.now)


def _canal(scene: Scene) -> CanalDistribution:
    with scene.engine.begin() as conn:
        guichet = get_guichet(conn, "G0002")
    assert guichet is not None
    return guichet.canal


def _incidents(scene: Scene) -> list[tuple[str, str]]:
    with scene.engine.begin() as conn:
        return [(each.genre.value, each.canal.value) for each in list_incidents(conn, "G0002")][::-1]


def _broken(scene: Scene, secours: CanalDistribution | None) -> Scene:
    """Three demandes wait; the channel of pushing has just opened."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    with scene.engine.begin() as conn:
        assert set_adresse_courrier(conn, "G0002", "accueil@exemple.fr") == ()
        if secours is not None:
            assert set_secours(conn, "G0002", secours, APRES, instant=scene.now) == ()
    scene.register([scene.recue(author) for _ in range(3)])
    for _ in range(REGLES.disjoncteur.seuil):
        scene.clock.advance(timedelta(hours=1))
        _end(scene, _next(scene), PANNE)
    return scene


@pytest.fixture
def failed_over(scene: Scene) -> Scene:
    """Served by mail since the pushing has been open for ten minutes."""
    _broken(scene, COURRIER)
    scene.clock.advance(timedelta(minutes=APRES))
    assert _fail_over(scene) == 1
    return scene


def test_nothing_fails_over_unless_it_was_declared(scene: Scene) -> None:
    """[DST-50]"""
    _broken(scene, None)
    scene.clock.advance(timedelta(days=2))
    assert (_fail_over(scene), _canal(scene)) == (0, PUSH)


def test_it_fails_over_after_the_time_declared(scene: Scene) -> None:
    """[DST-50] [DST-51] All that waits leaves at once, the same as ever, its attempts counted anew."""
    _broken(scene, COURRIER)
    scene.clock.advance(timedelta(minutes=APRES, seconds=-1))
    assert (_fail_over(scene), _canal(scene)) == (0, PUSH)
    scene.clock.advance(timedelta(seconds=1))
    before = {each.id: (each.sequence, each.numero) for each in scene.distributions("G0002")}
    assert (_fail_over(scene), _fail_over(scene), _canal(scene)) == (1, 0, COURRIER)
    with scene.engine.begin() as conn:
        reglage = get_reglage(conn, "G0002")
    assert reglage == ReglageRemise(COURRIER, APRES, PUSH, scene.now, None)
    assert _incidents(scene) == [("ouverture", "push"), ("bascule", "courrier")]
    # The probe of the pushing comes first, since it is due; it fails, and leaves by mail at once.
    probe = _next(scene)
    assert (probe.canal, probe.sonde) == (PUSH, True)
    _end(scene, probe, PANNE)
    by_mail = [_next(scene) for _ in range(3)]
    assert {each.canal for each in by_mail} == {COURRIER}
    assert {each.adresse for each in by_mail} == {"accueil@exemple.fr"}
    assert {each.id: (each.sequence, each.numero) for each in by_mail} == before
    again = next(each for each in by_mail if each.id == probe.id)
    assert (again.nom_fichier, again.contenu) == (probe.nom_fichier, probe.contenu)
    assert _take(scene) is None


def test_it_comes_back_when_a_probe_passes(failed_over: Scene) -> None:
    """[DST-52] What left by mail and waits for its receipt is not sent again; what comes next is pushed."""
    scene = failed_over
    _end(scene, _next(scene), PANNE)
    first = _next(scene)
    _end(scene, first, REMIS)
    scene.clock.advance(timedelta(minutes=30))
    probe = _next(scene)
    assert (probe.canal, probe.sonde) == (PUSH, True)
    second = _next(scene)
    assert second.canal is COURRIER
    _end(scene, second, REMIS)
    _end(scene, probe, RECU)
    assert _canal(scene) is PUSH
    assert _incidents(scene)[-2:] == [("fermeture", "push"), ("retour", "push")]
    assert _take(scene) is None
    with scene.engine.begin() as conn:
        assert list_disjoncteurs(conn) == ()
        assert get_reglage(conn, "G0002").principal is None
        acquits = [
            Acquit(each.sequence, hashlib.sha256(each.contenu).hexdigest()) for each in (first, second)
        ]
        acknowledge(conn, "G0002", acquits, instant=scene.now, echange=uuid.uuid4(), canal=COURRIER)
    assert {each.etat for each in scene.distributions("G0002")} == {Etat.ACQUITTEE}


def test_a_probe_refused_brings_it_back_too(failed_over: Scene) -> None:
    """[DST-52] The service answers: it is this document that it does not want."""
    _end(failed_over, _next(failed_over), Echec(GenreEchec.REFUS, "refusé"))
    assert _canal(failed_over) is PUSH


def test_pulling_as_the_last_resort_is_probed_too(scene: Scene) -> None:
    """[DST-51] [DST-52] Nothing is sent, but the probes."""
    _broken(scene, RETRAIT)
    scene.clock.advance(timedelta(minutes=APRES))
    assert _fail_over(scene) == 1
    for _ in range(3):
        with scene.engine.begin() as conn:
            assert due_guichets(conn, instant=scene.now, canaux=(PUSH, COURRIER)) == ("G0002",)
        probe = _next(scene)
        assert (probe.sonde, _take(scene)) == (True, None)
        _end(scene, probe, PANNE)
        with scene.engine.begin() as conn:
            assert due_guichets(conn, instant=scene.now, canaux=(PUSH, COURRIER)) == ()
        scene.clock.advance(timedelta(minutes=30))
    _end(scene, _next(scene), RECU)
    assert _canal(scene) is PUSH
    assert {_next(scene).canal, _next(scene).canal} == {PUSH}


def test_an_open_fallback_is_spared_as_well(failed_over: Scene) -> None:
    """[DST-40] Each channel has its own circuit breaker."""
    scene = failed_over
    for _ in range(REGLES.disjoncteur.seuil):
        while (envoi := _take(scene)) is not None:
            _end(scene, envoi, PANNE)
        scene.clock.advance(timedelta(minutes=10))
    while (envoi := _take(scene)) is not None:
        _end(scene, envoi, PANNE)
    with scene.engine.begin() as conn:
        assert {each.canal for each in list_disjoncteurs(conn) if each.ouvert_le} == {PUSH, COURRIER}
    assert _take(scene) is None
    assert (_fail_over(scene), _canal(scene)) == (0, COURRIER)


def test_the_operator_brings_it_back(failed_over: Scene) -> None:
    """[DST-43] By lifting, by changing the channel, by taking the fallback away."""
    scene = failed_over
    with scene.engine.begin() as conn:
        assert lift(conn, "G0002", PUSH, instant=scene.now) == 1
    assert _canal(scene) is PUSH
    assert _incidents(scene)[-2:] == [("levee", "push"), ("retour", "push")]


def test_a_person_decides_of_the_channel(failed_over: Scene) -> None:
    """[DST-22] Nothing comes back by itself to what a person has left."""
    with failed_over.engine.begin() as conn:
        assert switch_canal(conn, "G0002", RETRAIT, instant=failed_over.now) == ()
        assert get_reglage(conn, "G0002").principal is None
    assert _take(failed_over) is None


def test_without_a_fallback_any_more_it_comes_back(failed_over: Scene) -> None:
    """[DST-50]"""
    with failed_over.engine.begin() as conn:
        assert set_secours(conn, "G0002", None, instant=failed_over.now) == ()
        assert get_reglage(conn, "G0002") == ReglageRemise()
    assert _canal(failed_over) is PUSH


def test_what_cannot_be_a_fallback(scene: Scene) -> None:
    """[DST-50] The channel itself; one without its address; any, for a guichet that pulls."""
    scene.guichet("G0002")
    scene.guichet("G0003", adresse="")
    with scene.engine.begin() as conn:
        for code, canal in (("G0002", PUSH), ("G0002", COURRIER), ("G0003", PUSH)):
            (refus,) = set_secours(conn, code, canal, instant=scene.now)
            assert refus.code == "GUICHET-SECOURS"
        (refus,) = set_secours(conn, "G0009", RETRAIT, instant=scene.now)
        assert refus.code == "GUICHET-INCONNU"
        assert set_secours(conn, "G0002", RETRAIT, instant=scene.now) == ()


def test_a_guichet_gets_no_more_a_minute_than_was_set(scene: Scene) -> None:
    """[DST-53] Twelve a minute: one every five seconds; after a silence, no more than one at once."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", Filtre("Tout"))
    scene.register([scene.recue(author) for _ in range(30)])
    with scene.engine.begin() as conn:
        set_debit(conn, "G0002", 12)
    left = 0
    for _ in range(60):
        while (envoi := _take(scene)) is not None:
            _end(scene, envoi, RECU)
            left += 1
        scene.clock.advance(timedelta(seconds=1))
    assert left in (12, 13)
    scene.clock.advance(timedelta(hours=1))
    burst = 0
    while (envoi := _take(scene)) is not None:
        _end(scene, envoi, RECU)
        burst += 1
    assert burst == 1
    with scene.engine.begin() as conn:
        set_debit(conn, "G0002", None)
    while (envoi := _take(scene)) is not None:
        _end(scene, envoi, RECU)
        left += 1
    assert left + burst == 30
