"""Any interleaving of pushes, pulls, acknowledgements, replays, changes of channel and deaths.

The partner is modelled by what it has: the identifiers, in the order in which it first got them. Whatever
happens: each distribution ends acknowledged, once; the sequences have no gap; the events of a demande are
first got in their order.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from dispatching.acquittement import Acquit, Acquittee, acknowledge
from dispatching.attempts import Bail, Fin, finish, take, take_back
from dispatching.canaux import switch_canal
from dispatching.deliveries import Distribution, Etat, list_distributions, replay
from dispatching.retraits import Vue, list_readable
from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Remis, Statut
from filters.language import Filtre
from registry.clock import FixedClock
from registry.evaluation import DemandeRecue
from registry.evenements import EvenementDemande
from registry.guichets import CanalDistribution, Guichet
from registry.guichets_store import close_guichet, set_adresse_courrier
from tests.dispatching.scene import Scene

DEMANDES = 2
BAIL = Bail()
FIN_DE_PARCOURS = (
    Accuse(Statut.RECU),
    Remis(timedelta(hours=6)),
    Echec(GenreEchec.REFUS, "refusé"),
    Echec(GenreEchec.DELAI, "sans réponse"),
)
DUREES = (timedelta(seconds=5), timedelta(minutes=1), timedelta(hours=7), timedelta(days=3))
OPERATIONS = (
    *("événement", "événement", "prendre", "prendre", "finir", "finir", "lire", "acquitter"),
    *("rejouer", "canal", "mourir", "attendre", "échouer"),
)
_rangs = count(1)


@dataclass
class Monde:
    """The hub, the demandes and the author: shared by all the examples; each has a guichet of its own."""

    scene: Scene
    recues: list[DemandeRecue]
    numeros: list[str]
    versions: list[int]


@pytest.fixture(scope="module")
def monde(module_engine: Engine) -> Monde:
    scene = Scene(module_engine, FixedClock(datetime.fromisoformat("2026-07-01T09:30:00+00:00")))
    auteur = scene.guichet("G0001")
    recues = [scene.recue(auteur) for _ in range(DEMANDES)]
    return Monde(scene, recues, scene.register(recues), [1] * DEMANDES)


@dataclass
class Partenaire:
    """One guichet and its partner. obtenus: SHA-256 by sequence, in the order of the first reception."""

    monde: Monde
    guichet: Guichet
    obtenus: dict[int, str] = field(default_factory=dict)
    ids: dict[int, uuid.UUID] = field(default_factory=dict)
    en_vol: list[Envoi] = field(default_factory=list)
    acquits: dict[int, datetime] = field(default_factory=dict)
    abandonnees: set[int] = field(default_factory=set)

    def get(self, sequence: int, identifiant: uuid.UUID, contenu: bytes) -> None:
        """The partner has it: the same identifier and bytes as ever."""
        empreinte = hashlib.sha256(contenu).hexdigest()
        assert self.obtenus.setdefault(sequence, empreinte) == empreinte
        assert self.ids.setdefault(sequence, identifiant) == identifiant

    @property
    def distributions(self) -> tuple[Distribution, ...]:
        with self.monde.scene.engine.connect() as conn:
            return list_distributions(conn, guichet=self.guichet.code)

    def do(self, operation: str, choix: int) -> None:
        """One step; `choix`, below 256, decides what the step lets open: its two halves are drawn apart."""
        choix, autre = divmod(choix, 16)
        scene = self.monde.scene
        scene.clock.advance(timedelta(seconds=1))
        with scene.engine.begin() as conn:
            code, instant = self.guichet.code, scene.now
            match operation:
                case "événement":
                    self._event(choix % DEMANDES)
                case "prendre":
                    canaux = [CanalDistribution.PUSH, CanalDistribution.COURRIER]
                    for _ in range(1 + choix):
                        taken = take(conn, [code], instant=instant, porteur=1, bail=BAIL, canaux=canaux)
                        self.en_vol += taken
                case "finir" if self.en_vol:
                    envoi = self.en_vol.pop(choix % len(self.en_vol))
                    resultat = FIN_DE_PARCOURS[autre % len(FIN_DE_PARCOURS)]
                    # Refused: the partner has not kept it. Otherwise it may have, even if nobody knows.
                    if isinstance(resultat, Accuse | Remis) or autre > 7:
                        self.get(envoi.sequence, envoi.id, envoi.contenu)
                    finish(conn, [Fin(envoi, resultat)], instant=instant)
                case "lire":
                    lot = list_readable(
                        *(conn, self.guichet, Vue.A_ACQUITTER),
                        apres=0,
                        nombre=1 + choix,
                        instant=instant,
                        echange=uuid.uuid4(),
                    )
                    for item in lot.distributions:
                        assert item.fichier is not None
                        self.get(item.sequence, item.id, item.fichier.contenu)
                case "acquitter":
                    sequences = list(self.obtenus)[choix % 3 :: 1 + autre % 2][::-1]
                    acquits = [Acquit(sequence, self.obtenus[sequence]) for sequence in sequences]
                    answers = acknowledge(conn, code, acquits, instant=instant, echange=uuid.uuid4())
                    assert all(isinstance(answer, Acquittee) for answer in answers)
                case "rejouer":
                    replay(conn, instant=instant, guichet=code)
                case "canal":
                    canal = tuple(CanalDistribution)[choix % 3]
                    assert switch_canal(conn, code, canal, instant=instant) == ()
                case "mourir":
                    # Its porteur holds no lock: all that it had taken is taken back. The partner may have it.
                    for envoi in self.en_vol[: choix % 3]:
                        self.get(envoi.sequence, envoi.id, envoi.contenu)
                    self.en_vol.clear()
                    take_back(conn, instant=instant)
                case "attendre":
                    scene.clock.advance(DUREES[choix % len(DUREES)])
                case "échouer":
                    # As after the last attempt of the schedule.
                    conn.execute(
                        text(
                            "UPDATE distribution SET etat = 'echec', termine_le = :instant WHERE id = ("
                            "SELECT id FROM distribution WHERE guichet = :guichet AND etat = 'en_attente'"
                            " AND tentatives > 0 ORDER BY sequence LIMIT 1)"
                        ),
                        {"instant": instant, "guichet": code},
                    )
        self.check()

    def check(self) -> None:
        """What holds after every step."""
        found = self.distributions
        assert [item.sequence for item in found] == list(range(1, len(found) + 1))
        for item in found:
            if item.etat is Etat.ECHEC:
                self.abandonnees.add(item.sequence)
            if item.etat is Etat.ACQUITTEE:
                assert item.termine_le is not None
                assert item.sequence in self.obtenus, "acknowledged, and nobody has it"
            if item.sequence in self.acquits:
                assert (item.etat, item.termine_le) == (Etat.ACQUITTEE, self.acquits[item.sequence])
            elif item.etat is Etat.ACQUITTEE and item.termine_le is not None:
                self.acquits[item.sequence] = item.termine_le
        # What was given up lets the next ones of its demande pass, and is sent again by hand.
        order: dict[str, int] = {}
        numeros = {item.sequence: item.numero for item in found}
        for sequence in self.obtenus:
            if sequence not in self.abandonnees:
                assert order.get(numeros[sequence], 0) < sequence, "a later event of the demande came first"
                order[numeros[sequence]] = sequence

    def _event(self, rang: int) -> None:
        monde = self.monde
        monde.versions[rang] += 1
        numero, version = monde.numeros[rang], monde.versions[rang]
        event = EvenementDemande(
            *(version, numero, version, "MOD", "059", "G0001", monde.scene.now, monde.recues[rang].demande)
        )
        with monde.scene.engine.begin() as conn:
            conn.execute(
                text(
                    "INSERT INTO demande_version SELECT numero, :version, :version, 'MOD', guichet, instant,"
                    " document, empreinte FROM demande_version WHERE numero = :numero AND version = 1"
                ),
                {"numero": numero, "version": version},
            )
            monde.scene.distributeur.decide(conn, [event])


PAS = st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 255))


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=25,
)
@given(st.lists(PAS, min_size=20, max_size=60))
# Pulled and acknowledged while it is being pushed, then the push is answered too.
@example([("prendre", 255), ("lire", 255), ("acquitter", 0), ("finir", 0), ("finir", 0)])
# All that can leave has left when a later event of the first demande comes; what left last is answered first.
@example([("événement", 0), ("prendre", 255), ("finir", 32), ("prendre", 255), ("finir", 0)])
def test_each_is_acknowledged_once_in_order_without_gap(monde: Monde, pas: list[tuple[str, int]]) -> None:
    """[DST-11] [DST-13] [DST-22] [DST-25] [DST-27]"""
    scene = monde.scene
    code = f"P{next(_rangs):04d}"
    partenaire = Partenaire(monde, scene.guichet(code, Filtre("Tout")))
    with scene.engine.begin() as conn:
        assert set_adresse_courrier(conn, code, "accueil@exemple.fr") == ()
    for rang in range(DEMANDES):
        partenaire.do("événement", 16 * rang)
    for operation, choix in pas:
        partenaire.do(operation, choix)
    # The partner comes at last, as often as it takes.
    while any(item.etat is not Etat.ACQUITTEE for item in partenaire.distributions):
        partenaire.do("lire", 255)
        partenaire.do("acquitter", 0)
    assert len(partenaire.acquits) == len(partenaire.obtenus) == len(partenaire.distributions)
    # Late ends, and the schedule, change nothing any more.
    while partenaire.en_vol:
        partenaire.do("finir", 3)
    partenaire.do("rejouer", 0)
    partenaire.do("attendre", 16 * 3)
    with scene.engine.begin() as conn:
        assert take(conn, [code], instant=scene.now, porteur=1, bail=BAIL) == []
        close_guichet(conn, code, instant=scene.now)
