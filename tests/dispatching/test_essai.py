"""A draft of a filter takes, of the stock, what activating it and deciding again distributes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, text

from dispatching.connu import read_connu
from dispatching.decision import Distributeur
from dispatching.essai import Essai, essayer, not_held, relax, select_each
from filters.criteria import CONNUS, CRITERES
from filters.genres import CritereCodes
from filters.language import AnyCondition, Condition, Filtre, Intervalle, filtre, ordered
from filters.naive import matches
from filters.source import contexte_of
from filters.stock import Stock
from filters.store import save_filtre
from filters.traits import Traits, traits_of
from registry.controles import PARIS
from registry.documents_gardes import read_kept
from registry.droits import may_read
from registry.effacement import erase
from registry.evenements import EvenementDemande
from registry.exchanges_store import record_receptions
from registry.guichets import Guichet, TypeGuichet
from registry.guichets_store import close_guichet, get_guichet
from registry.registration import Enregistrement
from registry.regles import REGLES
from registry.vie import change
from tests.dispatching.scene import DOUAI, LILLE, ROUBAIX, Scene
from tests.registry.vies import changement_of, radiation, sent, situation_of

COMMUNES = (LILLE, ROUBAIX, DOUAI, "59009", "59606")


def stock(engine: Engine) -> list[EvenementDemande]:
    """The last event of each active demande, as the decision would be told of it again."""
    with engine.connect() as conn:
        rows = conn.execute(
            text(
                "SELECT d.numero, d.territoire, d.version, v.nature, v.guichet, v.instant, v.document "
                "FROM demande d JOIN demande_version v USING (numero, version) WHERE d.etat = 'active'"
            )
        ).all()
    return [
        EvenementDemande(
            10_000 + n, r.numero, r.version + 1, r.nature, r.territoire, r.guichet, r.instant,
            read_kept(r.document),
        )
        for n, r in enumerate(rows)
    ]  # fmt: skip


def traits_now(scene: Scene, evenements: Sequence[EvenementDemande]) -> dict[str, Traits]:
    jour = scene.now.astimezone(PARIS).date()
    with scene.engine.connect() as conn:
        connus = read_connu(conn, [each.numero for each in evenements], jour)
    return {
        each.numero: traits_of(
            each.demande, contexte_of(each.nature, each.auteur, scene.now, connus[each.numero])
        )
        for each in evenements
    }


def filtre_near(rng: random.Random, traits: Traits, nom: str) -> Filtre:
    """A filter that takes this demande, or nearly: half of the conditions of two or three on what it says."""
    conditions: list[AnyCondition] = []
    for critere in rng.sample(CRITERES, rng.randint(1, 3)):
        said = traits[critere.nom]
        absent = rng.random() < 0.3
        if isinstance(critere, CritereCodes):
            assert isinstance(said, frozenset)
            codes = sorted(said) or list(critere.codes[:1])
            if not codes:
                continue
            if rng.random() < 0.7:
                conditions.append(Condition(critere.nom, frozenset(codes), frozenset(), absent))
            else:
                conditions.append(Condition(critere.nom, frozenset(), frozenset(codes[:1]), absent))
        elif isinstance(said, int):
            low = max(said - rng.randint(0, 3), critere.mini)
            mini, maxi = rng.choice([(low, None), (None, max(said, critere.mini)), (low, low + 10)])
            conditions.append(Intervalle(critere.nom, mini, maxi, rng.random() < 0.2, absent))
    return ordered(nom, conditions)


@dataclass(frozen=True)
class Resultat:
    """What a draft gives, by number."""

    essai: Essai
    retenues: set[str]
    nouvelles: set[str]
    entrantes: set[str]
    sortantes: set[str]


def tried(scene: Scene, stock_: Stock, guichet: str, draft: Filtre, contre: Filtre | None = None) -> Resultat:
    with stock_.follow(scene.engine, scene.now) as image, scene.engine.connect() as conn:
        found = get_guichet(conn, guichet)
        assert found is not None
        essai = essayer(conn, image, found, draft, contre, scene.now.astimezone(PARIS).date())
        none = essai.retenues[:0]
        entrantes = none if essai.contre is None else essai.contre.entrantes
        sortantes = none if essai.contre is None else essai.contre.sortantes
        sets = (essai.retenues, not_held(conn, image, guichet, essai.retenues), entrantes, sortantes)
        return Resultat(essai, *(set(image.numbers_of(each)) for each in sets))


def given_by_the_decision(scene: Scene, guichet: str, draft: Filtre) -> set[str]:
    """What the guichet is given because of the filter when it is put in force and all is decided again; the
    database is left as it was."""
    evenements = stock(scene.engine)
    with scene.engine.connect() as conn:
        save_filtre(conn, guichet, draft, instant=scene.now)
        Distributeur(scene.clock).decide(conn, evenements)
        found = conn.scalars(
            text(
                "SELECT d.numero FROM distribution d JOIN demande USING (numero) "
                "JOIN filtre f ON f.id = d.filtre "
                "WHERE d.guichet = :guichet AND d.version > demande.version AND f.nom = :nom"
            ),
            {"guichet": guichet, "nom": draft.nom},
        ).all()
        conn.rollback()
    assert len(found) == len(set(found))
    return set(found)


def changed(scene: Scene, numero: str, kind: str, guichet: Guichet, *pairs: tuple[str, str]) -> None:
    scene.clock.advance(timedelta(minutes=10))
    document = situation_of(scene.engine, numero).document
    if kind == "RAD":
        data = radiation(document, "RADABA", scene.now.date().isoformat(), guichet=guichet, ecrit=scene.now)
    else:
        data = sent(document, kind, *pairs, guichet=guichet, ecrit=scene.now)
    item = changement_of(data, guichet, scene.now)
    with scene.engine.begin() as conn:
        record_receptions(conn, [item.echange])
        (fait,) = change(conn, [item], decideur=scene.distributeur, repondu_le=scene.now)
    assert isinstance(fait, Enregistrement), fait


@pytest.fixture
def monde(scene: Scene) -> list[Guichet]:
    """Guichets of all kinds of rights; demandes of several authors, some changed or gone; some of them
    beyond a delay, some of recognised priority."""
    guichets = [
        scene.guichet("G0001"),
        scene.guichet("G0002", filtre("Lille", communes=[LILLE])),
        scene.guichet("G0003", genre=TypeGuichet.COMMUNE, perimetre=ROUBAIX),
        scene.guichet("G0004", territoires=("062",)),
        scene.guichet("G0005", genre=TypeGuichet.EPCI, perimetre="200093201"),
    ]
    rng = random.Random(11)
    recues = []
    for _ in range(60):
        wished = rng.sample(COMMUNES, rng.randint(1, 3))
        types = rng.sample(["T1", "T2", "T3", "T4"], rng.randint(1, 2))
        recues.append(scene.recue(rng.choice(guichets[:2]), wished, types))
    numeros = [*scene.register(recues[:30]), *scene.register(recues[30:])]
    for numero in numeros[:8]:
        changed(scene, numero, "MOD", guichets[rng.randint(0, 1)])
    for numero in numeros[5:10]:
        changed(scene, numero, "RAD", guichets[0])
    with scene.engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO recherche (numero, territoire, depot, anormal_le, termes) "
                "SELECT numero, territoire, date_depot, :jour, '{}' FROM demande "
                "WHERE numero = ANY(:numeros)"
            ),
            {"jour": scene.now.date(), "numeros": numeros[10:30]},
        )
    return guichets


def test_essai_is_what_the_decision_gives(scene: Scene, monde: list[Guichet]) -> None:
    """[FIL-40] Drafts near real demandes, for guichets of all rights: the numbers of the naive evaluation
    and of the rights; and those that the real decision distributes once the draft is in force."""
    rng = random.Random(5)
    memory = Stock()
    evenements = stock(scene.engine)
    traits = traits_now(scene, evenements)
    given = taken = 0
    for n in range(60):
        guichet = monde[n % len(monde)]
        draft = filtre_near(rng, traits[rng.choice(evenements).numero], f"Essai {n}")
        found = tried(scene, memory, guichet.code, draft)
        readable = {e.numero for e in evenements if _may_read(guichet, e)}
        expected = {numero for numero in readable if matches(draft, traits[numero])}
        assert (found.essai.stock, found.essai.lisibles) == (len(evenements), len(readable))
        assert found.retenues == expected
        assert found.nouvelles == given_by_the_decision(scene, guichet.code, draft)
        taken += len(expected)
        given += len(found.nouvelles)
    assert taken > 300
    assert given > 100


@pytest.mark.parametrize("critere", sorted(CONNUS))
def test_what_only_the_registry_knows(scene: Scene, monde: list[Guichet], critere: str) -> None:
    """[FIL-40] [FIL-13] Priority and delay, of those whom the other conditions take."""
    del monde
    for valeur in ("OUI", "NON"):
        draft = filtre("Connu", Condition(critere, frozenset({valeur})), communes=[LILLE])
        found = tried(scene, Stock(), "G0001", draft)
        traits = traits_now(scene, stock(scene.engine))
        assert found.retenues == {n for n, said in traits.items() if matches(draft, said)}
        assert found.nouvelles == given_by_the_decision(scene, "G0001", draft)
    assert len(found.retenues)


def test_the_difference_with_the_version_in_force(scene: Scene, monde: list[Guichet]) -> None:
    """[FIL-41] Who would enter, who would leave, and the counts of those taken."""
    del monde
    in_force = filtre("Lille", communes=[LILLE])
    draft = filtre("Lille", communes=[LILLE, DOUAI], types_logement=["T2"])
    found = tried(scene, Stock(), "G0002", draft, in_force)
    traits = traits_now(scene, stock(scene.engine))
    before = {n for n, said in traits.items() if matches(in_force, said)}
    after = {n for n, said in traits.items() if matches(draft, said)}
    assert found.essai.contre is not None
    assert len(found.essai.contre.retenues) == len(before)
    assert found.entrantes == after - before
    assert found.sortantes == before - after
    assert after - before
    assert before - after
    assert found.essai.par["types_logement"]["T2"] == len(after)
    assert sum(found.essai.mois.values()) == len(after)
    with Stock().follow(scene.engine, scene.now) as image:
        lignes, in_order = image.select(draft, image.all(), found.essai.jour), sorted(after)
        assert image.numbers_of(lignes, "", 2) == in_order[:2]
        assert image.numbers_of(lignes, in_order[1], 3) == in_order[2:5]


def test_what_each_condition_alone_keeps_out(scene: Scene, monde: list[Guichet]) -> None:
    """[FIL-46] Without it, so many more: by the naive evaluation, for guichets of all rights, what only the
    registry knows included; and several filters asked at once take what each takes."""
    rng = random.Random(7)
    memory = Stock()
    evenements = stock(scene.engine)
    traits = traits_now(scene, evenements)
    jour = scene.now.astimezone(PARIS).date()
    gained = 0
    drafts = [filtre_near(rng, traits[rng.choice(evenements).numero], f"Essai {n}") for n in range(30)]
    drafts += [
        filtre("Connus", *(Condition(nom, frozenset({"OUI"})) for nom in sorted(CONNUS)), communes=[LILLE]),
        Filtre("Tout"),
    ]
    for n, draft in enumerate(drafts):
        guichet = monde[n % len(monde)] if n < 30 else monde[0]
        readable = {e.numero for e in evenements if _may_read(guichet, e)}
        with memory.follow(scene.engine, scene.now) as image, scene.engine.connect() as conn:
            found = relax(conn, image, guichet, draft, jour)
            each = select_each(conn, image, guichet, drafts, jour)
            taken = [set(image.numbers_of(lignes)) for lignes in each]
        assert taken == [{m for m in readable if matches(other, traits[m])} for other in drafts]
        assert {each.condition for each in found} == set(draft.conditions)
        for relachement in found:
            rest = ordered("reste", [c for c in draft.conditions if c != relachement.condition])
            without = {numero for numero in readable if matches(rest, traits[numero])}
            assert relachement.gagnees == len(without - taken[n])
            gained += relachement.gagnees
    assert gained > 100


def test_the_image_follows_the_journal(scene: Scene, monde: list[Guichet], tmp_path: Path) -> None:
    """[FIL-42] After changes of all kinds, an image kept in a folder, one kept in memory, and one made
    afresh answer the same; what is erased leaves it."""
    folder, memory = tmp_path / "image", Stock()
    drafts = [Filtre("Tout"), filtre("Lille", communes=[LILLE]), filtre("MOD", evenements=["MOD"])]

    def check() -> None:
        fresh = [tried(scene, Stock(), "G0001", draft) for draft in drafts]
        for known in (memory, Stock(folder)):
            for draft, expected in zip(drafts, fresh, strict=True):
                found = tried(scene, known, "G0001", draft)
                assert found.retenues == expected.retenues
                assert found.essai.par == expected.essai.par

    check()
    first = scene.demande(monde[0], [LILLE])
    check()
    changed(scene, first, "MOD", monde[1])
    check()
    changed(scene, first, "RAD", monde[0])
    other = scene.demande(monde[1], [DOUAI])
    check()
    scene.clock.advance(timedelta(days=400))
    assert first in list(erase(scene.engine, REGLES, scene.now))
    changed(scene, other, "MOD", monde[1])
    check()
    position = Stock(folder)
    with position.follow(scene.engine, scene.now) as image:
        assert image.taille > 56
    with scene.engine.connect() as conn:
        assert position.position == conn.execute(text("SELECT sequence FROM chaine")).scalar_one()


def test_files_of_another_registry_are_made_again(scene: Scene, monde: list[Guichet], tmp_path: Path) -> None:
    """[FIL-42] A restored database, a truncated file, a clock set back."""
    del monde
    tried(scene, Stock(tmp_path), "G0001", Filtre("Tout"))
    scene.demande(Guichet("G0001", "", TypeGuichet.BAILLEUR, "", frozenset({"059"})))
    expected = tried(scene, Stock(tmp_path), "G0001", Filtre("Tout"))
    fiche = tmp_path / "image.json"
    content = msgspec.json.decode(fiche.read_bytes())
    # As if the last entry that the image knows had been another one.
    fiche.write_bytes(msgspec.json.encode(content | {"empreinte": "AAAA", "taille": 1}))
    found = tried(scene, Stock(tmp_path), "G0001", Filtre("Tout"))
    assert found.retenues == expected.retenues
    with (tmp_path / "souhaits.codes").open("a") as file:
        file.write('"5935')
    found = tried(scene, Stock(tmp_path), "G0001", Filtre("Tout"))
    assert found.retenues == expected.retenues
    scene.clock.advance(timedelta(days=-20))
    assert tried(scene, Stock(tmp_path), "G0001", Filtre("Tout")).retenues == expected.retenues


def test_rights_of_a_closed_guichet(scene: Scene, monde: list[Guichet]) -> None:
    """[FIL-40] [DST-1] It reads nothing."""
    del monde
    with scene.engine.begin() as conn:
        close_guichet(conn, "G0002", instant=scene.now)
    found = tried(scene, Stock(), "G0002", Filtre("Tout"))
    assert (found.essai.lisibles, found.retenues, found.nouvelles) == (0, set(), set())


def _may_read(guichet: Guichet, event: EvenementDemande) -> bool:
    return may_read(guichet, event.territoire, event.demande.communes_souhaitees).accorde
