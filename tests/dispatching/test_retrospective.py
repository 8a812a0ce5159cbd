"""What a draft would have delivered is what the decisions deliver when they are taken again with it."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest
from sqlalchemy import text

from dispatching.decision import Distributeur, Sortie
from dispatching.passe import Passe, start_of
from dispatching.retrospective import Remises, Retrospective, look_back
from filters.image import Image
from filters.language import Condition, Filtre, Intervalle, filtre
from filters.store import save_filtre, withdraw_filtre
from registry.clock import FixedClock
from registry.controles import PARIS
from registry.declaration_dalo import DaloDeclare, declare_dalo
from registry.documents_gardes import read_kept
from registry.effacement import erase
from registry.evenements import EvenementDemande
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import close_guichet
from registry.regles import REGLES
from tests.dispatching.scene import DOUAI, LILLE, ROUBAIX, Scene
from tests.dispatching.test_essai import COMMUNES, changed
from tests.registry.dalo import declaration, declaration_recue
from tests.registry.vies import situation_of

Lots = set[tuple[str, int, str]]
"""Number and version of the demande, and reason."""

DRAFTS = (
    Filtre("Tout"),
    filtre("Lille", communes=[LILLE]),
    filtre("Lille", types_logement=["T2"]),
    filtre("Modifications", evenements=["MOD", "RAD"]),
    filtre("Des autres", Condition("auteurs", frozenset(), frozenset({"G0001"}))),
    filtre("Jeunes", Intervalle("age_demandeur", None, 45, absent=True), communes=[LILLE, ROUBAIX]),
    filtre("En attente", Condition("delai_anormal", frozenset({"OUI"}))),
    filtre(
        "Prioritaires", Condition("prioritaire", frozenset({"OUI", "NON"}), absent=True), communes=[DOUAI]
    ),
)


def looked_back(
    scene: Scene, passe: Passe, guichet: str, draft: Filtre, depuis: datetime, sortie: Sortie = Sortie.DROITS
) -> tuple[Lots, Lots]:
    """Without and with the draft."""
    with passe.follow(scene.engine, scene.now) as image, scene.engine.connect() as conn:
        found = look_back(conn, image, guichet, draft, draft.nom, depuis, sortie)
        assert isinstance(found, Retrospective)
        months = found.months(image)
        sides = lots(image, found.sans), lots(image, found.avec)
    assert [sum(each) for each in zip(*months.values(), strict=True)] == [*map(len, sides)] or not months
    return sides


def lots(image: Image, remises: Remises) -> Lots:
    versions = image.autres["version"].valeurs
    return {
        (image.numeros.valeurs[ligne].decode(), int(versions[ligne]), raison)
        for raison, lignes in (
            ("filtre", remises.premieres),
            ("detenteur", remises.suites),
            ("sortie-droits", remises.sorties_droits),
            ("sortie-filtres", remises.sorties_filtres),
        )
        for ligne in lignes
    }


def distributed(scene: Scene, guichet: str, depuis: datetime) -> Lots:
    return {
        (each.numero, each.version, each.raison.value)
        for each in scene.distributions(guichet)
        if each.cree_le >= depuis
    }


def decided_again(
    scene: Scene, guichet: str, draft: Filtre, depuis: datetime, sortie: Sortie = Sortie.DROITS
) -> Lots:
    """All the decisions since then, taken again by a Distributeur that knows the draft from the start; the
    database is left as it was."""
    with scene.engine.connect() as conn:
        conn.execute(
            text(
                "DELETE FROM filtre_version WHERE filtre IN (SELECT id FROM filtre WHERE guichet = :g "
                "AND nom = :nom)"
            ),
            {"g": guichet, "nom": draft.nom},
        )
        conn.execute(
            text("DELETE FROM filtre WHERE guichet = :g AND nom = :n"), {"g": guichet, "n": draft.nom}
        )
        save_filtre(conn, guichet, draft, instant=depuis)
        rows = conn.execute(
            text(
                "SELECT d.*, v.document, v.instant FROM decision d JOIN demande_version v "
                "USING (numero, version) WHERE d.decidee_le >= :depuis ORDER BY d.evenement"
            ),
            {"depuis": depuis},
        ).all()
        conn.execute(text("DELETE FROM distribution WHERE cree_le >= :depuis"), {"depuis": depuis})
        conn.execute(text("DELETE FROM decision WHERE decidee_le >= :depuis"), {"depuis": depuis})
        conn.execute(
            text("DELETE FROM detention WHERE depuis_le >= :depuis"),
            {"depuis": depuis},
        )
        conn.execute(text("TRUNCATE releve_radiation, releve_dalo"))
        clock = FixedClock(depuis)
        distributeur = Distributeur(clock, sortie)
        for instant, rows_of_batch in groupby(rows, key=lambda row: row.decidee_le):
            batch = list(rows_of_batch)
            clock.set(instant)
            distributeur.decide(
                conn,
                [
                    EvenementDemande(
                        row.evenement, row.numero, row.version, row.nature, row.territoire, row.auteur,
                        row.instant, read_kept(row.document),
                    )
                    for row in batch
                ],
            )  # fmt: skip
            # As the registration does: whoever changes a demande holds it from then on, unless it declares
            # a DALO, as those whose code begins with E do here.
            holders = [
                {"numero": row.numero, "auteur": row.auteur, "instant": row.instant}
                for row in batch
                if not row.auteur.startswith("E")
            ]
            if holders:
                conn.execute(
                    text(
                        "INSERT INTO detention VALUES (:numero, :auteur, :instant, 'auteur') "
                        "ON CONFLICT (numero, guichet) DO UPDATE SET motif = 'auteur'"
                    ),
                    holders,
                )
        found = conn.execute(
            text(
                "SELECT numero, version, raison FROM distribution WHERE guichet = :guichet "
                "AND cree_le >= :depuis"
            ),
            {"guichet": guichet, "depuis": depuis},
        ).all()
        conn.rollback()
    return {(row.numero, row.version, row.raison) for row in found}


@pytest.fixture
def passe(scene: Scene) -> tuple[list[Guichet], datetime]:
    """A year of events of six guichets whose filters change; and an instant in the middle of it."""
    guichets = [
        scene.guichet("G0001"),
        scene.guichet("G0002", filtre("Lille", communes=[LILLE])),
        scene.guichet("G0003", Filtre("Tout"), genre=TypeGuichet.COMMUNE, perimetre=ROUBAIX),
        scene.guichet("G0004", filtre("T3", types_logement=["T3"])),
        scene.guichet("G0005", Filtre("Tout"), territoires=("062",)),
        scene.guichet("G0006"),
    ]
    rng = random.Random(23)
    numeros: list[str] = []
    middle = scene.now
    for turn in range(12):
        scene.clock.advance(timedelta(days=3, minutes=rng.randint(1, 600)))
        recues = [
            scene.recue(
                rng.choice(guichets[:2]),
                rng.sample(COMMUNES, rng.randint(1, 2)),
                rng.sample(["T1", "T2", "T3"], rng.randint(1, 2)),
            )
            for _ in range(4)
        ]
        numeros += scene.register(recues)
        if turn == 5:
            scene.clock.advance(timedelta(minutes=1))
            middle = scene.now
        for numero in rng.sample(numeros, 2):
            changed(scene, numero, "MOD", rng.choice([*guichets[:2], guichets[5]]))
        if turn in (3, 8):
            scene.filtre("G0002", filtre("Lille", communes=[LILLE, rng.choice(COMMUNES)]))
        if turn == 7:
            with scene.engine.begin() as conn:
                withdraw_filtre(conn, "G0004", "T3", instant=scene.now)
            changed(scene, numeros[0], "RAD", guichets[0])
    with scene.engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO recherche (numero, territoire, depot, anormal_le, termes) "
                "SELECT numero, territoire, date_depot, :jour, '{}' FROM demande WHERE numero = ANY(:numeros)"
            ),
            {"jour": middle.date(), "numeros": numeros[:20]},
        )
    return guichets, middle


@pytest.mark.slow
def test_it_is_what_deciding_again_delivers(scene: Scene, passe: tuple[list[Guichet], datetime]) -> None:
    """[FIL-44] Record for record: number, version, reason; from the start and from the middle; for guichets
    with and without filters, authors and holders."""
    guichets, middle = passe
    memory, gained, lost, followed = Passe(), 0, 0, 0
    for depuis in (start_of(scene.now.astimezone(PARIS).date(), 12), middle):
        for rank, guichet in enumerate(guichets if depuis is not middle else guichets[1:3]):
            actual = distributed(scene, guichet.code, depuis)
            for draft in DRAFTS[rank % 2 :: 2]:
                sans, avec = looked_back(scene, memory, guichet.code, draft, depuis)
                assert sans == actual
                assert avec == decided_again(scene, guichet.code, draft, depuis), (guichet.code, draft)
                gained, lost = gained + len(avec - sans), lost + len(sans - avec)
                followed += sum(raison == "detenteur" for _, _, raison in avec)
    assert gained > 200
    assert lost > 10
    assert followed > 50


@pytest.mark.parametrize("sortie", Sortie)
def test_who_leaves_is_told_and_may_come_back(scene: Scene, sortie: Sortie) -> None:
    """[FIL-44] [DST-110] A demande that moves out of what a guichet may read, or out of its filters, and
    back; with the filters that it had, and with others."""
    scene.distributeur = Distributeur(scene.clock, sortie)
    auteur = scene.guichet("G0001")
    scene.guichet("G0003", Filtre("Tout"), genre=TypeGuichet.COMMUNE, perimetre=ROUBAIX)
    scene.guichet("G0004", filtre("Lille", communes=[LILLE]))
    depuis = scene.now
    numeros = []
    for place in (LILLE, ROUBAIX):
        scene.clock.advance(timedelta(minutes=5))
        numeros.append(scene.demande(auteur, [place, "59606"]))
    for before, after in ((LILLE, DOUAI), (ROUBAIX, LILLE), (DOUAI, ROUBAIX), (LILLE, DOUAI), (DOUAI, LILLE)):
        for numero in numeros:
            pair = (f'commune code="{before}"', f'commune code="{after}"')
            if f'code="{before}"' in situation_of(scene.engine, numero).document.decode():
                changed(scene, numero, "MOD", auteur, pair)
    seen: set[str] = set()
    drafts = (
        filtre("Lille", communes=[LILLE]),
        filtre("Tout", communes=[ROUBAIX, LILLE]),
        filtre("Lille", evenements=["CRE"], communes=[LILLE]),
        filtre("Autre", communes=[DOUAI]),
    )
    for guichet in ("G0003", "G0004"):
        actual = distributed(scene, guichet, depuis)
        seen |= {raison for _, _, raison in actual}
        for draft in drafts:
            sans, avec = looked_back(scene, Passe(), guichet, draft, depuis, sortie)
            assert sans == actual
            assert avec == decided_again(scene, guichet, draft, depuis, sortie), (guichet, draft)
    assert {"filtre", "detenteur", "sortie-droits"} <= seen
    assert ("sortie-filtres" in seen) == (sortie is Sortie.FILTRES)


def test_rights_are_those_of_the_time(
    scene: Scene, passe: tuple[list[Guichet], datetime], tmp_path: Path
) -> None:
    """[FIL-44] A guichet closed since received until then; the image kept in files follows the journal."""
    guichets, _ = passe
    depuis = start_of(scene.now.astimezone(PARIS).date(), 12)
    before = looked_back(scene, Passe(tmp_path), "G0003", DRAFTS[1], depuis)
    with scene.engine.begin() as conn:
        close_guichet(conn, "G0003", instant=scene.now)
    scene.clock.advance(timedelta(minutes=5))
    scene.demande(guichets[0], [ROUBAIX, LILLE])
    assert looked_back(scene, Passe(tmp_path), "G0003", DRAFTS[1], depuis) == before
    assert before[0] == distributed(scene, "G0003", depuis)
    assert before[1]


def test_whoever_declares_a_dalo_holds_nothing(scene: Scene) -> None:
    """[FIL-44] [DAL-4] Its event is not sent back to it, and makes it no holder: the later ones are not
    either."""
    auteur = scene.guichet("G0001")
    etat = scene.guichet("E0059", genre=TypeGuichet.ETAT)
    numero = scene.demande(auteur, [LILLE])
    scene.clock.advance(timedelta(minutes=5))
    fichier = declaration(numero, "CADUC", guichet=etat.code)
    with scene.engine.begin() as conn:
        (fait,) = declare_dalo(
            conn,
            [declaration_recue(fichier, etat, scene.now)],
            decideur=scene.distributeur,
            repondu_le=scene.now,
        )
    assert isinstance(fait, DaloDeclare)
    changed(scene, numero, "MOD", auteur)
    depuis = start_of(scene.now.astimezone(PARIS).date(), 12)
    draft = filtre("Radiations", evenements=["RAD"])
    assert looked_back(scene, Passe(), etat.code, draft, depuis) == (set(), set())
    assert distributed(scene, etat.code, depuis) == set()
    assert {version for _, version, _ in distributed(scene, auteur.code, depuis)} == {2}
    for draft in (filtre("Lille", communes=[LILLE]), filtre("MOD", evenements=["MOD"])):
        _, avec = looked_back(scene, Passe(), etat.code, draft, depuis)
        assert avec == decided_again(scene, etat.code, draft, depuis) != set()


def test_what_is_erased_or_too_old_is_forgotten(
    scene: Scene, passe: tuple[list[Guichet], datetime], tmp_path: Path
) -> None:
    """[FIL-43] [FIL-44]"""
    guichets, _ = passe
    with Passe(tmp_path).follow(scene.engine, scene.now) as image:
        assert image.all().sum() > 60
    scene.clock.advance(timedelta(days=380))
    assert list(erase(scene.engine, REGLES, scene.now))
    numero = scene.demande(guichets[0], [LILLE])
    with Passe(tmp_path).follow(scene.engine, scene.now) as image:
        alive = image.all()
        assert image.numeros.valeurs[: image.taille][alive].tolist() == [numero.encode()]
        assert {len(image.ensembles["souhaits"].get(int(ligne))) for ligne in (~alive).nonzero()[0]} == {0}
