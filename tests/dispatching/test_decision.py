"""Who receives, decided in the transaction of the registration."""

from __future__ import annotations

import itertools
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event as sa_event
from sqlalchemy import text

from dispatching.decision import Distributeur
from dispatching.recipients import Raison
from filters.language import Filtre, filtre
from filters.naive import matches
from filters.source import Contexte
from filters.store import withdraw_filtre
from filters.traits import traits_of
from registry.droits import may_read
from registry.evaluation import DemandeRecue
from registry.evenements import EvenementDemande
from registry.guichets import TypeGuichet
from registry.guichets_store import close_guichet
from schemas import cog
from tests.dispatching.scene import DOUAI, LILLE, ROUBAIX, Scene

TOUT = Filtre("Tout")


def test_rights_then_filters_and_never_the_author(scene: Scene) -> None:
    """[DST-1] regles §5-6: bailleur by territory, commune and EPCI by wished commune; filters narrow,
    never widen."""
    author = scene.guichet("G0001", TOUT)
    scene.guichet("G0002", TOUT)
    scene.guichet("G0003", filtre("T5", types_logement=["T5"]))
    scene.guichet("G0004")
    scene.guichet("G0005", TOUT, territoires=["062"])
    scene.guichet("G0006", TOUT, genre=TypeGuichet.COMMUNE, perimetre=ROUBAIX)
    scene.guichet("G0007", TOUT, genre=TypeGuichet.COMMUNE, perimetre=DOUAI)
    scene.guichet("G0008", TOUT, genre=TypeGuichet.EPCI, perimetre=cog.epci_of(LILLE) or "")
    numero = scene.demande(author, [LILLE], ["T2"])
    found = scene.distributions()
    # Roubaix is in the EPCI of Lille (regles §5: a commune reads its commune or its EPCI); Douai is not.
    assert [item.guichet for item in found] == ["G0002", "G0006", "G0008"]
    assert {(item.numero, item.version, item.nature, item.raison) for item in found} == {
        (numero, 1, "CRE", Raison.FILTRE)
    }


def test_a_closed_guichet_receives_nothing(scene: Scene) -> None:
    """[DST-1]"""
    author = scene.guichet("G0001")
    scene.guichet("G0002", TOUT)
    scene.demande(author)
    with scene.engine.begin() as conn:
        close_guichet(conn, "G0002", instant=scene.now)
    scene.demande(author)
    assert len(scene.distributions("G0002")) == 1


def test_a_filter_changed_is_seen_by_the_next_decision_of_every_process(scene: Scene) -> None:
    """[DST-3] Two Distributeurs stand for two processes; the distribution names the version that made it."""
    author = scene.guichet("G0001")
    first = scene.guichet("G0002", TOUT)
    other = Distributeur(scene.clock)
    scene.register([scene.recue(author)], other)
    version = scene.filtre(first.code, filtre("Tout", types_logement=["T5"]))
    scene.register([scene.recue(author)], other)
    scene.register([scene.recue(author)])
    scene.register([scene.recue(author, types=["T5"])], other)
    made = scene.distributions("G0002")
    assert [item.filtre_version for item in made] == [1, 2]
    assert made[1].filtre == version.identifiant
    with scene.engine.begin() as conn:
        withdraw_filtre(conn, "G0002", "Tout", instant=scene.now)
    scene.register([scene.recue(author, types=["T5"])], other)
    assert len(scene.distributions("G0002")) == 2


def test_decision_and_distributions_commit_with_the_registration_or_not_at_all(scene: Scene) -> None:
    """[DST-2]"""
    author = scene.guichet("G0001")
    scene.guichet("G0002", TOUT)
    tables = (
        "demande",
        "journal",
        "decision",
        "distribution",
        "compteur_distribution",
        "detention",
        "perimetre",
    )
    with scene.engine.connect() as conn:
        scene.register_in(conn, [scene.recue(author), scene.recue(author)])
        seen = {table: conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in tables}
        conn.rollback()
    assert seen == {
        "demande": 2, "journal": 2, "decision": 2, "distribution": 2, "compteur_distribution": 1,
        "detention": 4, "perimetre": 2,
    }  # fmt: skip
    assert {scene.count(table) for table in tables} == {0}
    # What the decision had in memory after the rollback is right still: perimeters are written again.
    scene.demande(author)
    assert [item.sequence for item in scene.distributions("G0002")] == [1]
    assert scene.count("perimetre") == 2


def test_a_failed_decision_fails_the_registration(scene: Scene) -> None:
    author = scene.guichet("G0001")
    scene.guichet("G0002", TOUT)
    with scene.engine.begin() as conn:
        conn.execute(text("ALTER TABLE distribution ADD CONSTRAINT panne CHECK (sequence < 2)"))
    scene.demande(author)
    with pytest.raises(Exception, match="panne"):
        scene.demande(author)
    assert scene.count("demande") == scene.count("decision") == scene.count("distribution") == 1


def test_sequences_have_no_gap_under_concurrency_and_rollbacks(scene: Scene) -> None:
    """[DST-11] Four threads, each its own Distributeur, one batch in four rolled back: 1, 2, 3… for each
    guichet."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", TOUT)
    scene.guichet("G0003", filtre("T2", types_logement=["T2"]))
    batches = [
        [[scene.recue(author, types=["T2" if rank % 2 else "T3"]) for rank in range(3)] for _ in range(4)]
        for _ in range(4)
    ]

    def run(mine: list[list[DemandeRecue]]) -> None:
        distributeur = Distributeur(scene.clock)
        for rank, batch in enumerate(mine):
            with scene.engine.connect() as conn:
                scene.register_in(conn, batch, distributeur)
                conn.rollback() if rank == 1 else conn.commit()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(run, batches))
    assert [item.sequence for item in scene.distributions("G0002")] == list(range(1, 37))
    assert [item.sequence for item in scene.distributions("G0003")] == list(range(1, 13))


def test_a_holder_receives_every_event_whatever_its_filters(scene: Scene) -> None:
    """[DST-1] recipients = (rights ∩ filters) ∪ holders − author: checked on a second version of the
    demande."""
    author = scene.guichet("G0001")
    scene.guichet("G0002", TOUT)
    other = scene.guichet("G0003")
    recue = scene.recue(author)
    (numero,) = scene.register([recue])
    scene.filtre("G0002", filtre("Tout", types_logement=["T5"]))
    event = EvenementDemande(2, numero, 2, "MOD", "059", other.code, scene.now, recue.demande)
    with scene.engine.begin() as conn:
        scene.distributeur.decide(conn, [event])
    second = [item for item in scene.distributions() if item.version == 2]
    assert [(item.guichet, item.raison) for item in second] == [
        ("G0001", Raison.DETENTEUR),
        ("G0002", Raison.DETENTEUR),
    ]


@pytest.mark.parametrize(("dalo", "attendus"), [(False, 3), (True, 4)])
def test_a_batch_costs_few_statements(scene: Scene, dalo: bool, attendus: int) -> None:
    """Three statements for a batch, whatever its size and the number of recipients; one more feeds the lists
    asked by date when a demande of the batch bears a DALO status."""
    author = scene.guichet("G0001")
    for rank in range(2, 9):
        scene.guichet(f"G000{rank}", TOUT)
    scene.demande(author)
    recues = (scene.recue(author) for _ in itertools.count())
    # Some 3 % of the generated demandes bear one.
    chosen = itertools.islice((recue for recue in recues if recue.demande.dalo is None), 19 if dalo else 20)
    portees = itertools.islice((recue for recue in recues if recue.demande.dalo is not None), 1)
    events = [
        EvenementDemande(
            99 + rank, f"0590726{rank:06d}G0001", 1, "CRE", "059", "G0001", scene.now, recue.demande
        )
        for rank, recue in enumerate([*chosen, *(portees if dalo else ())])
    ]
    statements: list[str] = []
    with scene.engine.begin() as conn:
        sa_event.listen(conn, "before_cursor_execute", lambda *args: statements.append(args[2]))
        scene.distributeur.decide(conn, events)
    assert len(statements) == attendus
    assert scene.count("distribution") == 7 * 21


def test_random_guichets_get_exactly_what_rights_and_filters_say(scene: Scene) -> None:
    """Against a direct evaluation of rights and filters on 12 guichets and 60 demandes."""
    rng = random.Random(7)
    communes = [LILLE, ROUBAIX, DOUAI, "59009", "59183", "59606"]
    guichets = {}
    filtres: dict[str, list[Filtre]] = {}
    for rank in range(12):
        code = f"G01{rank:02d}"
        genre = rng.choice([TypeGuichet.BAILLEUR, TypeGuichet.COMMUNE])
        perimetre = rng.choice(communes) if genre is TypeGuichet.COMMUNE else ""
        filtres[code] = [
            filtre(
                f"F{n}", communes=rng.sample(communes, 2), types_logement=rng.sample(["T1", "T2", "T3"], 2)
            )
            for n in range(rng.randint(0, 3))
        ]
        guichets[code] = scene.guichet(code, *filtres[code], genre=genre, perimetre=perimetre)
    authors = [guichet for guichet in guichets.values() if guichet.type is TypeGuichet.BAILLEUR]
    recues = [
        scene.recue(rng.choice(authors), rng.sample(communes, 2), [rng.choice(["T1", "T2", "T3"])])
        for _ in range(60)
    ]
    numeros = scene.register(recues)
    expected = {
        (numero, code)
        for numero, recue in zip(numeros, recues, strict=True)
        for code, guichet in guichets.items()
        if code != recue.guichet
        and may_read(guichet, "059", recue.demande.communes_souhaitees).accorde
        and any(matches(item, traits_of(recue.demande, Contexte())) for item in filtres[code])
    }
    assert {(item.numero, item.guichet) for item in scene.distributions()} == expected
    assert len(expected) > 50
