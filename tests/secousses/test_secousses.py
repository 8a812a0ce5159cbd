"""Thirty crashes, at places and of kinds that turn; the nightly form has five hundred (`make secousses`)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from conformance.client_reference import Lecture
from schemas.emission import emit_demande
from schemas.generation import generate_demande
from schemas.revision import stamp
from tests.bout_en_bout.constats import INSTANT
from tests.registry.fabrique import demande_of
from tests.secousses.acteurs import Arrivee, Fait
from tests.secousses.campagne import DEMARRAGE, HASARD, POINTS, Genre, draw, run
from tests.secousses.jugement import check_deliveries
from tests.secousses.points import ECRIT, NOMS
from tests.secousses.seance import Seance

GRAINE = "make test"
SECOUSSES = 30
MANCHE = 15
HORS_CAMPAGNE = {
    "démarrage",
    "réponses par courrier relevées",
    "reprise après la mort d'un ouvrier",
    "enregistrement déjà fait",
    "changement déjà fait",
}
"""Steps that a hub passes by when it starts, after a crash, or without anything to do: reached by chance."""


# ssl leaves its socket open when the other side resets it between TCP and TLS: its fault, not the hub's.
SANS_FERMETURE = "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"


@pytest.mark.slow
@pytest.mark.filterwarnings(SANS_FERMETURE)
def test_thirty_crashes_lose_and_double_nothing() -> None:
    """[DST-2] [DST-11] [DST-12] [DST-13] [ENR-1] [COU-12] Killed, without database or cut off at each step of
    registration, decision, delivery and acknowledgement: what was answered is registered once, every guichet
    gets every event once, numbered without gap and in order, by push, by mail or when it comes."""
    with Seance(GRAINE) as seance:
        secousses = draw(GRAINE, SECOUSSES)
        for debut in range(0, SECOUSSES, MANCHE):
            for issue in run(seance, secousses[debut : debut + MANCHE]):
                assert issue.atteint, issue.secousse.nom
        # What the hub commits and sends is known by name, and each of these steps has its crashes.
        points = [point for hub in seance.hubs.values() for point in hub.count()]
        seen = {etape for etape, moment in points if moment != ECRIT}
        assert seen <= set(NOMS), f"à nommer dans points.py : {seen - set(NOMS)}"
        # A writing whose function has moved would be waited for in vain.
        unnamed = {etape for etape, moment in points if moment == ECRIT and "." in etape}
        assert not unnamed, f"à nommer dans points.py : {unnamed}"
        struck = {etape for etapes in POINTS.values() for etape, _ in etapes}
        assert seen - HORS_CAMPAGNE <= struck, f"sans secousse : {seen - HORS_CAMPAGNE - struck}"


@pytest.mark.long
@pytest.mark.filterwarnings(SANS_FERMETURE)
def test_without_a_namespace_the_relays_hold_everything() -> None:
    """The same on a machine that allows no network namespace."""
    with Seance("relais", isole=False) as seance:
        assert not seance.reseau.espace
        for issue in run(seance, draw("relais", 8, (Genre.SILENCE, Genre.RUPTURE))):
            assert issue.atteint, issue.secousse.nom


def test_a_campaign_strikes_every_point_with_every_kind() -> None:
    """500 crashes: each point of each process with each of the five kinds; the same seed, the same list."""
    secousses = draw("x", 500)
    assert secousses == draw("x", 500)
    struck = Counter((s.role, s.etape, s.moment, s.genre) for s in secousses if s.moment)
    points = [(role, *point) for role, etapes in POINTS.items() for point in etapes]
    assert len(struck) == sum(len(moments) for *_, moments in points) * len(Genre)
    assert sum(s.etape in (HASARD, DEMARRAGE) for s in secousses) == 500 // 8


def _events() -> tuple[list[Fait], list[Arrivee]]:
    """Two demandes of two events each, and what a guichet should get of them."""
    faits, arrivees = [], []
    for dossier in range(2):
        root = demande_of(generate_demande(f"secousses {dossier}")).root
        for version in (1, 2):
            numero = f"11112600000{dossier}G1104"
            document = stamp(
                emit_demande(root, type_fichier="DIS", date_fichier=INSTANT, num_unique=numero), version
            )
            faits.append(Fait(dossier, version, b"", "", Lecture(document.decode()), b""))
            arrivees.append(Arrivee(f"id-{dossier}-{version}", len(faits), document))
    return faits, arrivees


def test_the_judgement_sees_what_is_lost_doubled_or_out_of_order() -> None:
    """A judge that accepts everything proves nothing."""
    faits, arrivees = _events()
    check_deliveries("G0001", arrivees, faits)
    un, deux, trois, quatre = arrivees
    wrong: dict[str, list[Arrivee]] = {
        "lost": [un, deux, trois],
        "doubled under another identifier": [*arrivees, replace(un, id="autre", sequence=5)],
        "the same number twice": [un, deux, trois, replace(quatre, sequence=3)],
        "out of order": [deux, un, trois, quatre],
        "numbered out of order": [replace(un, sequence=2), replace(deux, sequence=1), trois, quatre],
        "other bytes": [un, deux, trois, replace(quatre, contenu=trois.contenu)],
    }
    for fault, found in wrong.items():
        assert _is_refused(found, faits), fault


def _is_refused(arrivees: list[Arrivee], faits: list[Fait]) -> bool:
    try:
        check_deliveries("G0001", arrivees, faits)
    except AssertionError:
        return True
    return False
