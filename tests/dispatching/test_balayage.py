"""What enters a filter because time passes: each day, what crosses a threshold that day, and nothing else."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import event as sa_event
from sqlalchemy import text

from dispatching.attendus import list_attendus, read_histoire
from dispatching.balayage import Balayees, sweep
from dispatching.decision import Distributeur, Sortie
from dispatching.deliveries import NATURE_SORTIE
from dispatching.explanation import explain_distribution
from dispatching.recipients import Raison
from dispatching.seuils import DEPOT, PERSONNE, TITULAIRE, seuils_of
from filters.language import Condition, Filtre, Intervalle, filtre
from filters.naive import matches
from filters.source import contexte_of
from filters.traits import traits_of
from registry.guichets import Guichet
from registry.projection import Projection
from schemas.demande import Demande
from tests.dispatching.scene import LILLE, Scene

TROIS_MOIS = Filtre("Anciennes", (Intervalle("anciennete", 3, None),))


@pytest.fixture
def auteur(scene: Scene) -> Guichet:
    return scene.guichet("G0001")


def register(scene: Scene, auteur: Guichet, nombre: int = 1) -> dict[str, Demande]:
    """Demandes with what the search keeps of them, by number; the same ones whatever ran before."""
    recues = [scene.recue(auteur, [LILLE], graine=f"balayage-{rang}") for rang in range(nombre)]
    numeros = scene.register(recues, Projection(scene.distributeur))  # type: ignore[arg-type]
    return {numero: recue.demande for numero, recue in zip(numeros, recues, strict=True)}


def swept(scene: Scene, *, essai: bool = False) -> int:
    """How many entered."""
    found = sweep(scene.engine, scene.now, essai=essai)
    assert found.sorties == 0
    return found.entrees


def test_a_seniority_reached_makes_a_demande_enter_once(scene: Scene, auteur: Guichet) -> None:
    """[FIL-14] The day when it is reached, not the day before; told by its reason; run again, nothing."""
    ((numero, demande),) = register(scene, auteur).items()
    scene.guichet("G0002", TROIS_MOIS)
    depot = demande.date_creation
    atteint = date(depot.year + (depot.month + 2) // 12, (depot.month + 2) % 12 + 1, min(depot.day, 28))
    assert depot.day <= 28, "the day of the test is in every month"
    scene.clock.set(datetime.fromisoformat(f"{atteint - timedelta(days=2)}T03:00:00+00:00"))
    assert swept(scene) == 0
    scene.clock.advance(timedelta(days=1))
    assert swept(scene) == 0
    scene.clock.advance(timedelta(days=1))
    assert swept(scene, essai=True) == 1
    assert scene.distributions("G0002") == ()
    assert swept(scene) == 1
    assert swept(scene) == 0
    (made,) = scene.distributions("G0002")
    assert (made.numero, made.raison, made.filtre_version) == (numero, Raison.BALAYAGE, 1)
    with scene.engine.connect() as conn:
        found = explain_distribution(conn, numero, "G0002")
    assert found is not None
    assert found.verdict is not None
    assert (found.verdict.raison, found.decidee_le) == (Raison.BALAYAGE, scene.now)
    assert found.texte.startswith("retenue depuis ce jour, par le temps qui passe : le filtre « Anciennes »")


def test_nights_that_were_missed_are_swept_together(scene: Scene, auteur: Guichet) -> None:
    """[FIL-14]"""
    register(scene, auteur, 3)
    scene.guichet("G0002", TROIS_MOIS)
    assert swept(scene) == 0
    scene.clock.advance(timedelta(days=130))
    assert swept(scene) == 3


def test_what_a_filter_took_already_is_left_to_a_back_fill(scene: Scene, auteur: Guichet) -> None:
    """[FIL-14] It did not enter because of time."""
    register(scene, auteur, 2)
    scene.guichet("G0002", filtre("T2", types_logement=["T2"]), TROIS_MOIS)
    assert swept(scene) == 0
    scene.clock.advance(timedelta(days=130))
    assert swept(scene) == 0


def test_a_delay_that_becomes_abnormal(scene: Scene, auteur: Guichet) -> None:
    """[FIL-14] [FIL-13]"""
    une, autre = register(scene, auteur, 2)
    scene.guichet("G0002", Filtre("En retard", (Condition("delai_anormal", frozenset({"OUI"})),)))
    assert swept(scene) == 0
    demain = scene.now.date() + timedelta(days=1)
    with scene.engine.begin() as conn:
        query = text("UPDATE recherche SET anormal_le = :le WHERE numero = :numero")
        conn.execute(query, {"le": demain, "numero": une})
        conn.execute(query, {"le": demain + timedelta(days=1), "numero": autre})
    scene.clock.advance(timedelta(days=1))
    assert swept(scene) == 1
    assert [each.numero for each in scene.distributions("G0002")] == [une]


def test_only_filters_that_depend_on_time_are_looked_at(scene: Scene, auteur: Guichet) -> None:
    """[FIL-14] Nothing is read of the demandes when there is none."""
    register(scene, auteur, 2)
    scene.guichet("G0002", filtre("T5", types_logement=["T5"]))
    statements: list[str] = []
    sa_event.listen(scene.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    swept(scene)
    assert not any("recherche" in each or "identite" in each for each in statements)
    jeunes = Filtre("Jeunes", (Intervalle("age_demandeur", 18, 29, hors=True), Intervalle("loyer_max", 1, 9)))
    assert seuils_of([jeunes, TROIS_MOIS]) == {
        *((TITULAIRE, age) for age in (0, 18, 30)),
        *((DEPOT, mois) for mois in (0, 3)),
    }
    modestes = Filtre("Modestes", (Intervalle("ressources_uc", None, 20_000),))
    assert seuils_of([modestes]) == {(PERSONNE, 0), (PERSONNE, 14)}


AU_FIL_DU_TEMPS = {
    "ancienneté": [Intervalle("anciennete", 2, 4)],
    "demandeur": [Intervalle("age_demandeur", 30, 45)],
    "plus âgée": [Intervalle("age_plus_age", 35, 44), Intervalle("anciennete", 1, None)],
    "plus jeune": [Intervalle("age_plus_jeune", 3, 12)],
    "unités de consommation": [Intervalle("ressources_uc", 9_000, 14_000)],
}


@pytest.mark.parametrize(
    ("nom", "sortie"), [("ancienneté", Sortie.DROITS), *((nom, Sortie.FILTRES) for nom in AU_FIL_DU_TEMPS)]
)
def test_day_after_day_it_does_what_a_daily_look_at_all_would(
    scene: Scene, auteur: Guichet, nom: str, sortie: Sortie
) -> None:
    """[FIL-14] [DST-110] Against the plainest evaluator, on every demande, every few days of two years: what
    enters is offered, what leaves is told where that is wanted, and comes back when it enters again."""
    scene.distributeur = Distributeur(scene.clock, sortie)
    sweep(scene.engine, scene.now, sortie)
    wanted = Filtre("Au fil du temps", tuple(AU_FIL_DU_TEMPS[nom]))
    scene.guichet("G0002", wanted)
    # Of these households, some have a child that reaches 14 in the two years.
    demandes = register(scene, auteur, 60)

    def taken() -> set[str]:
        contexte = contexte_of("CRE", "G0001", scene.now)
        return {n for n, each in demandes.items() if matches(wanted, traits_of(each, contexte))}

    rng = random.Random(3)
    avant = tenues = taken()
    attendues = [(numero, Raison.FILTRE) for numero in tenues]
    for _ in range(40):
        scene.clock.advance(timedelta(days=rng.randint(1, 36)))
        maintenant = taken()
        entrees = maintenant - avant - tenues
        sorties = (avant - maintenant) & tenues if sortie is Sortie.FILTRES else set()
        assert sweep(scene.engine, scene.now, sortie) == Balayees(len(entrees), len(sorties))
        attendues += [(numero, Raison.BALAYAGE) for numero in entrees]
        attendues += [(numero, Raison.SORTIE_TEMPS) for numero in sorties]
        tenues = (tenues | entrees) - sorties
        avant = maintenant
    made = [(each.numero, each.raison) for each in scene.distributions("G0002")]
    assert sorted(made) == sorted(attendues)
    raisons = {raison for _, raison in made}
    assert Raison.BALAYAGE in raisons
    assert (Raison.SORTIE_TEMPS in raisons) is (sortie is Sortie.FILTRES)
    with scene.engine.connect() as conn:
        held = conn.execute(text("SELECT numero FROM detention WHERE guichet = 'G0002'")).scalars()
        assert set(held) == tenues
        assert not any(each.rompu for each in list_attendus(conn, read_histoire(conn), au=scene.now))


def test_what_time_makes_leave_is_told_that_day_and_explained(scene: Scene, auteur: Guichet) -> None:
    """[FIL-14] [DST-110] [DST-111] A notice like any other, when it happens, once."""
    scene.distributeur = Distributeur(scene.clock, Sortie.FILTRES)
    recente = Filtre("Récentes", (Intervalle("anciennete", None, 600),))
    scene.guichet("G0002", recente)
    ((numero, demande),) = register(scene, auteur).items()
    mois = traits_of(demande, contexte_of("CRE", "G0001", scene.now))["anciennete"]
    assert isinstance(mois, int)
    scene.filtre("G0002", Filtre(recente.nom, (Intervalle("anciennete", None, mois),)))
    assert sweep(scene.engine, scene.now, Sortie.FILTRES) == Balayees()
    scene.clock.advance(timedelta(days=40))
    assert sweep(scene.engine, scene.now, Sortie.FILTRES, essai=True) == Balayees(sorties=1)
    assert sweep(scene.engine, scene.now, Sortie.FILTRES) == Balayees(sorties=1)
    scene.clock.advance(timedelta(days=40))
    assert sweep(scene.engine, scene.now, Sortie.FILTRES) == Balayees()
    creation, avis = scene.distributions("G0002")
    assert (creation.nature, creation.raison) == ("CRE", Raison.FILTRE)
    assert (avis.numero, avis.nature, avis.version) == (numero, NATURE_SORTIE, 1)
    with scene.engine.connect() as conn:
        explained = explain_distribution(conn, numero, "G0002")
    assert explained is not None
    assert explained.verdict is not None
    assert explained.verdict.raison is avis.raison is Raison.SORTIE_TEMPS
    assert explained.destinataire
    assert "ne la retient plus depuis ce jour, par le temps qui passe ; le filtre" in explained.texte
    assert any(conseil.startswith("filtre « Récentes », dans le filtre") for conseil in explained.conseils)
