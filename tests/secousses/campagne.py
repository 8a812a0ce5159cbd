"""A campaign: crashes drawn from a seed, injected one after the other, judged by rounds.

A crash has a place (a step, a moment of it, or any instant), a victim (`serveur` or `ouvrier`) and a kind.
The list is dealt so that each point of each process gets each kind before any gets one twice; the seed
decides of the order and of what is left to chance.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from tests.secousses.jugement import judge
from tests.secousses.points import APRES, AVANT, ECRIT
from tests.secousses.processus import Hub
from tests.secousses.seance import Seance

HASARD: Final = "n'importe quand"
DEMARRAGE: Final = "pendant le démarrage"
SUITES: Final = 2
"""Changes of each demande of a wave: three events, whose order is judged."""
VAGUE: Final = 2
"""Demandes of a wave."""
_ATTEINTE: Final = 30.0
"""Seconds in which waves pass by every point."""
_VAGUE_SUIVANTE: Final = 2.0
"""Seconds after which another wave follows one that is over."""
_SILENCE: Final = (0.05, 0.6)
"""Seconds that a network is cut."""


class Genre(StrEnum):
    """What happens to a process stopped at a point."""

    TUE = "processus tué"
    """SIGKILL: nothing of the process is asked."""
    BASE = "base tuée"
    """SIGKILL of all the processes of PostgreSQL, which recovers from its journal."""
    LIAISON = "liaison avec la base rompue"
    """Every connection of the hub to its database ends."""
    RUPTURE = "réseau rompu"
    """Every connection between the hub and the outside is reset."""
    SILENCE = "réseau muet"
    """Nothing passes any more, and nobody is told."""


@dataclass(frozen=True, slots=True)
class Secousse:
    """One crash. etape, moment: where; rang: how many times the process passes there before it stops.
    hasard: seconds, for what is left to chance."""

    numero: int
    role: str
    etape: str
    moment: str
    genre: Genre
    rang: int = 1
    hasard: float = 0.0

    @property
    def nom(self) -> str:
        return f"n° {self.numero} : {self.role}, {self.etape}, {self.moment}, {self.genre}"


@dataclass(frozen=True, slots=True)
class Issue:
    """What a crash gave. atteint: the process was stopped where it was to be."""

    secousse: Secousse
    atteint: bool
    secondes: float

    def as_json(self) -> dict[str, object]:
        return {**asdict(self.secousse), "atteint": self.atteint, "secondes": round(self.secondes, 2)}


POINTS: Final = {
    "serveur": (
        ("échange gardé", (AVANT, APRES)),
        ("octets de l'échange", (ECRIT,)),
        ("journal et tête de la chaîne", (ECRIT,)),
        ("demande, numéro et rejeu", (ECRIT,)),
        ("version de la demande", (ECRIT,)),
        ("décision, puis distributions", (ECRIT,)),
        ("colonnes de recherche", (ECRIT,)),
        ("issue de l'échange", (ECRIT,)),
        ("enregistrement, décision et distributions", (AVANT, APRES)),
        ("changement, décision et distributions", (AVANT, APRES)),
        ("réponse à getNumUnique", (AVANT, APRES)),
        ("trace de la lecture", (ECRIT,)),
        ("lecture par le guichet", (AVANT, APRES)),
        ("réponse à listerDistributions", (AVANT, APRES)),
        ("acquit du guichet", (ECRIT,)),
        ("acquittement par le guichet", (AVANT, APRES)),
        ("réponse à acquitterDistributions", (AVANT, APRES)),
    ),
    "ouvrier": (
        ("tentative", (ECRIT,)),
        ("prise d'un envoi", (AVANT, APRES)),
        ("envoi au guichet", (AVANT, APRES)),
        ("remise au relais", (AVANT, APRES)),
        ("issue de la tentative, puis accusé", (ECRIT,)),
        ("report de la distribution", (ECRIT,)),
        ("fin d'un envoi", (AVANT, APRES)),
        ("fin d'un envoi et prise du suivant", (AVANT, APRES)),
        ("octets du courrier", (ECRIT,)),
        ("courrier gardé", (AVANT, APRES)),
        ("réception d'un courrier", (AVANT, APRES)),
        ("courrier en main", (ECRIT,)),
        ("courrier pris", (AVANT, APRES)),
        ("signataire", (ECRIT,)),
        ("signataire d'un courrier écrit", (AVANT, APRES)),
        ("acquit du guichet", (ECRIT,)),
        ("fin du courrier", (ECRIT,)),
        ("accusé d'un courrier pris en compte", (AVANT, APRES)),
    ),
}
"""Where each is stopped: every persisted step of registration, decision, delivery, acknowledgement."""

FREQUENTS: Final = frozenset(
    {
        "échange gardé",
        "octets de l'échange",
        "réponse à getNumUnique",
        "changement, décision et distributions",
        "envoi au guichet",
        "remise au relais",
        "fin d'un envoi et prise du suivant",
        "courrier gardé",
    }
)
"""Steps that a wave passes by several times: the process is stopped at the first or at the third."""


def draw(graine: str, nombre: int, genres: Sequence[Genre] = tuple(Genre)) -> list[Secousse]:
    """A campaign of so many crashes. One in eight is left to chance."""
    rng = random.Random(graine)
    deal = _deal(rng, genres)
    found = []
    for numero in range(1, nombre + 1):
        if numero % 8 == 0:
            role = rng.choice(("serveur", "ouvrier"))
            place = HASARD if numero % 16 else DEMARRAGE
            limit = 0.5 if place == DEMARRAGE else 0.3
            found.append(Secousse(numero, role, place, "", Genre.TUE, 0, round(rng.uniform(0, limit), 3)))
            continue
        role, etape, moment, genre = next(deal)
        hasard = round(rng.uniform(*_SILENCE), 3)
        rang = rng.choice((1, 3)) if etape in FREQUENTS else 1
        found.append(Secousse(numero, role, etape, moment, genre, rang, hasard))
    return found


def _deal(rng: random.Random, genres: Sequence[Genre]) -> Iterator[tuple[str, str, str, Genre]]:
    """Points and kinds without end: every point once, with kinds that turn, before any comes again."""
    points = [
        (role, etape, moment)
        for role, etapes in POINTS.items()
        for etape, moments in etapes
        for moment in moments
    ]
    rng.shuffle(points)
    tour = 0
    while True:
        for rang, point in enumerate(points):
            yield *point, genres[(rang + tour) % len(genres)]
        tour += 1


def run(
    seance: Seance, secousses: Sequence[Secousse], told: Callable[[Issue], object] = lambda _: None
) -> list[Issue]:
    """Inject one round of crashes, then judge all that the session has seen."""
    issues = []
    for secousse in secousses:
        start = time.monotonic()
        atteint = inject(seance, secousse)
        issue = Issue(secousse, atteint, time.monotonic() - start)
        issues.append(issue)
        told(issue)
    judge(seance)
    return issues


def inject(seance: Seance, secousse: Secousse) -> bool:
    """Have a wave of demandes registered and delivered, and crash there; False when the point was not met.

    Ends when every author of the wave has its answers; deliveries go on.
    """
    hub = seance.hubs[secousse.role]
    stopped = secousse.etape not in (HASARD, DEMARRAGE)
    if stopped:
        hub.arm((secousse.etape, secousse.moment), secousse.rang)
    wave = [seance.auteurs.launch(SUITES) for _ in range(VAGUE)]
    seance.visiteur.wake()
    atteint = True
    if stopped:
        atteint = _meet(seance, hub, wave)
        if not atteint:
            hub.release()
        else:
            _strike(seance, hub, secousse)
    else:
        time.sleep(secousse.hasard)
        hub.kill()
        if secousse.etape == DEMARRAGE:
            hub.launch()
            time.sleep(secousse.hasard)
            hub.kill()
        hub.start()
    for dossier in wave:
        dossier.result()
    seance.visiteur.wake()
    return atteint


def _meet(seance: Seance, hub: Hub, wave: list[Future[None]]) -> bool:
    """Wait until it is stopped; False when it does not come to its point in time.

    Two authors whose changes are in one transaction pass by its end once: the third time may be for another
    wave, which is added to this one.
    """
    end = time.monotonic() + _ATTEINTE
    while not (atteint := hub.reached(_VAGUE_SUIVANTE)) and time.monotonic() < end:
        if all(dossier.done() for dossier in wave):
            wave += [seance.auteurs.launch(SUITES) for _ in range(VAGUE)]
            seance.visiteur.wake()
    return atteint


def _strike(seance: Seance, hub: Hub, secousse: Secousse) -> None:
    """Do it to a process that is stopped, and put right what an operator or time would."""
    match secousse.genre:
        case Genre.TUE:
            hub.kill()
            hub.start()
        case Genre.BASE:
            seance.kill_database()
            hub.release()
            time.sleep(secousse.hasard)
            seance.start_database()
        case Genre.LIAISON:
            seance.cut_database()
            hub.release()
        case Genre.RUPTURE:
            seance.reseau.rompre()
            hub.release()
        case Genre.SILENCE:
            seance.reseau.debrancher()
            hub.release()
            time.sleep(secousse.hasard)
            seance.reseau.rebrancher()
