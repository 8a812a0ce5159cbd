"""The search of demandes on the real database: docs/specification/50-recherche.md."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import DBAPIError

from registry import anomalies_recherche as catalogue
from registry import recherche
from registry.delais import Delai, find_delai, zones_of
from registry.droits import may_read
from registry.guichets import Guichet, TypeGuichet
from registry.limites import LimitesRecherche
from registry.projection import Projection, forget, project, rebuild, redate
from registry.recherche import check, search
from registry.registration import Enregistrement
from registry.tables_pieces import PIECE
from registry.tables_recherche import RECHERCHE
from registry.tables_references import DELAI_ANORMAL
from schemas.demande import Demande
from schemas.gestion_partagee import Criteres, Periode, Personne
from tests.registry.fabrique import (
    AUTRE_BAILLEUR,
    BAILLEUR,
    COMMUNE,
    RECU_LE,
    DecideurTemoin,
    demande_of,
    generate,
    recue_of,
    register_all,
)

JOUR = date(2026, 7, 1)
LIEUX = [["93066"], ["75113"], ["93066", "75113"], ["59350"], ["92012"]]
EPCI = Guichet(
    "G9275", "EPCI", TypeGuichet.EPCI, "", frozenset({"111"}), communes=frozenset({"93066", "59350"})
)


class Decideur(DecideurTemoin):
    """Projects, then remembers."""

    def __init__(self) -> None:
        super().__init__()
        self._projection = Projection(DecideurTemoin())

    def decide(self, conn: Connection, evenements: Sequence[object]) -> None:  # type: ignore[override]
        self._projection.decide(conn, evenements)  # type: ignore[arg-type]


def stock(engine: Engine, count: int = 15) -> dict[str, bytes]:
    """Demandes of several places and guichets, by number."""
    documents = [
        generate(
            f"recherche {rang}",
            BAILLEUR,
            communes=LIEUX[rang % len(LIEUX)],
            association=rang % 7 == 6,
            date_creation=date(2026, 1 + rang % 6, 10),
        )
        for rang in range(count)
    ]
    faits = register_all(engine, [recue_of(each) for each in documents], Decideur())
    assert all(isinstance(each, Enregistrement) for each in faits), faits
    return {
        fait.numero: document
        for fait, document in zip(faits, documents, strict=True)
        if isinstance(fait, Enregistrement)
    }


def found(engine: Engine, criteres: Criteres, guichet: Guichet = BAILLEUR, jour: date = JOUR) -> set[str]:
    with engine.begin() as conn:
        trouvees = search(conn, guichet, criteres, jour)
    assert trouvees.entier
    assert list(trouvees.numeros) == sorted(trouvees.numeros)
    return set(trouvees.numeros)


def set_state(engine: Engine, numero: str, etat: str, **colonnes: object) -> None:
    """What the life of a demande writes, without living it."""
    with engine.begin() as conn:
        conn.execute(text("UPDATE demande SET etat = :e WHERE numero = :n"), {"e": etat, "n": numero})
        if colonnes:
            conn.execute(RECHERCHE.update().where(RECHERCHE.c.numero == numero).values(**colonnes))


def test_each_criterion_finds_what_the_documents_say(engine: Engine) -> None:
    """[REC-4] Each criterion against a naive reading of every document."""
    documents = {numero: demande_of(data) for numero, data in stock(engine).items()}
    numero, premiere = next((n, d) for n, d in documents.items() if d.demandeur is not None)
    assert premiere.demandeur is not None
    qui = premiere.demandeur
    cas = {
        Criteres(num_unique=numero): {numero},
        Criteres(commune_souhaitee="75113"): {
            n for n, d in documents.items() if "75113" in d.communes_souhaitees
        },
        Criteres(motif_demande=premiere.motifs[0]): {
            n for n, d in documents.items() if premiere.motifs[0] in d.motifs
        },
        Criteres(depot=Periode(date(2026, 2, 10), date(2026, 4, 10))): {
            n for n, d in documents.items() if date(2026, 2, 10) <= d.date_creation <= date(2026, 4, 10)
        },
        Criteres(depot=Periode(fin=date(2026, 1, 10))): {
            n for n, d in documents.items() if d.date_creation <= date(2026, 1, 10)
        },
        Criteres(personne=Personne(qui.nom.upper(), qui.prenom, qui.date_naissance)): {numero},
        Criteres(personne=Personne(nom=qui.nom, naissance=qui.date_naissance)): {numero},
        Criteres(personne=Personne(prenom=qui.prenom, naissance=qui.date_naissance)): {numero},
        Criteres(etat="A"): set(documents),
        Criteres(etat="R"): set(),
        Criteres(attributions_multiples=True): set(),
        Criteres(attributions_multiples=False, commune_souhaitee="59350"): {
            n for n, d in documents.items() if "59350" in d.communes_souhaitees
        },
    }
    for criteres, attendues in cas.items():
        assert found(engine, criteres) == attendues, criteres
    associations = {n: d.association for n, d in documents.items() if d.association is not None}
    for numero, association in associations.items():
        assert numero in found(engine, Criteres(association=association.nom))


def test_the_criteria_of_a_person_are_met_by_one_person(engine: Engine) -> None:
    """[REC-6] The name of the one with the first name of the other finds nothing; accents do not matter."""
    documents = {n: demande_of(d) for n, d in stock(engine).items()}
    couple = next(d for d in documents.values() if d.cotitulaires and d.demandeur is not None)
    assert couple.demandeur is not None
    un, autre = couple.demandeur, couple.cotitulaires[0]
    assert found(engine, Criteres(personne=Personne(autre.nom, autre.prenom))) != set()
    if un.date_naissance != autre.date_naissance:
        melange = Personne(un.nom, un.prenom, autre.date_naissance)
        assert found(engine, Criteres(personne=melange)) == set()


def test_the_criteria_add_up(engine: Engine) -> None:
    """[REC-3]"""
    documents = {n: demande_of(d) for n, d in stock(engine).items()}
    criteres = Criteres(commune_souhaitee="93066", depot=Periode(date(2026, 2, 1)), etat="A")
    assert found(engine, criteres) == {
        n
        for n, d in documents.items()
        if "93066" in d.communes_souhaitees and d.date_creation >= date(2026, 2, 1)
    }


@pytest.mark.parametrize("guichet", [BAILLEUR, AUTRE_BAILLEUR, COMMUNE, EPCI], ids=lambda g: g.code)
def test_only_what_may_be_read_is_found(engine: Engine, guichet: Guichet) -> None:
    """[REC-2] Exactly the demandes that registry.droits lets this guichet read."""
    documents = {n: demande_of(d) for n, d in stock(engine).items()}
    # One demande out of the perimeter, whatever bounds it: communes or territories.
    ailleurs = next(n for n, d in documents.items() if "59350" in d.communes_souhaitees)
    detenues = {COMMUNE: {next(iter(documents))}, AUTRE_BAILLEUR: {ailleurs}}.get(guichet, set())
    with engine.begin() as conn:
        for numero in detenues:
            conn.execute(
                text("INSERT INTO detention VALUES (:n, :g, :i, 'distribution') ON CONFLICT DO NOTHING"),
                {"n": numero, "g": guichet.code, "i": RECU_LE},
            )
    lisibles = {
        n
        for n, d in documents.items()
        if may_read(
            guichet,
            "059" if "59350" in d.communes_souhaitees else "111",
            d.communes_souhaitees,
            detenteur=n in detenues or guichet is BAILLEUR,
        ).accorde
    }
    assert found(engine, Criteres(etat="A"), guichet) == lisibles
    assert found(engine, Criteres(etat="A"), replace(guichet, actif=False)) == set()


def test_states(engine: Engine) -> None:
    """[REC-5] A active, E active past its anniversary, R radiée."""
    numeros = sorted(stock(engine, 3))
    set_state(engine, numeros[0], "radiee", radiation=date(2026, 6, 30))
    set_state(engine, numeros[1], "active", depot=date(2025, 6, 30))
    set_state(engine, numeros[2], "active", depot=date(2024, 6, 30), renouvellement=date(2025, 7, 1))
    assert found(engine, Criteres(etat="A")) == set(numeros[1:])
    assert found(engine, Criteres(etat="E")) == {numeros[1]}
    assert found(engine, Criteres(etat="E"), jour=date(2026, 7, 2)) == set(numeros[1:])
    assert found(engine, Criteres(etat="R")) == {numeros[0]}
    assert found(engine, Criteres(radiation=Periode(date(2026, 6, 30), date(2026, 6, 30)))) == {numeros[0]}
    assert found(engine, Criteres(num_unique=numeros[0])) == {numeros[0]}
    set_state(engine, numeros[0], "purgee")
    assert found(engine, Criteres(num_unique=numeros[0])) == set()
    assert found(engine, Criteres(renouvellement=Periode(date(2025, 7, 1)))) == {numeros[2]}


def test_delay(engine: Engine) -> None:
    """[REC-9] The wait of an active demande only is abnormally long, from the day that the table gives."""
    un, deux, trois = sorted(stock(engine, 3))
    set_state(engine, un, "active", anormal_le=JOUR)
    set_state(engine, deux, "radiee", anormal_le=date(2025, 1, 1))
    assert found(engine, Criteres(delai_anormal=True)) == {un}
    assert found(engine, Criteres(delai_anormal=True), jour=date(2026, 6, 30)) == set()
    assert found(engine, Criteres(delai_anormal=False)) == {deux, trois}


def test_a_radiated_demande_is_found_by_its_end(engine: Engine) -> None:
    """[REC-4] Motive of radiation, commune of the attributed dwelling; a déradiation forgets both."""
    donnees = generate("radiation", type_fichier="RAD", complet=True)
    radiee = demande_of(donnees)
    assert radiee.radiation is not None
    (fait,) = register_all(engine, [recue_of(generate("radiation"))], Decideur())
    assert isinstance(fait, Enregistrement)
    with engine.begin() as conn:
        project(conn, [(fait.numero, "111", radiee)], JOUR)
    motif = radiee.radiation.motif
    if motif:
        assert found(engine, Criteres(motif_radiation=motif)) == {fait.numero}
        assert found(engine, Criteres(radiation=Periode(radiee.radiation.date_radiation))) == {fait.numero}
    with engine.begin() as conn:
        project(conn, [(fait.numero, "111", demande_of(generate("radiation")))], JOUR)
    assert found(engine, Criteres(motif_radiation=motif or "RADATT")) == set()


def test_too_many_is_bounded(engine: Engine) -> None:
    """[REC-7] The answer stops at the maximum, and says that there are more."""
    numeros = set(stock(engine, 6))
    with engine.begin() as conn:
        trouvees = search(conn, BAILLEUR, Criteres(etat="A"), JOUR, LimitesRecherche(resultats_max=5))
    assert len(trouvees.numeros) == 5
    assert not trouvees.entier
    assert set(trouvees.numeros) < numeros


def test_too_long_is_cancelled(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """[REC-8] The database gives up at the end of the time given; what else the transaction does is free."""
    monkeypatch.setattr(recherche, "_conditions", lambda *_: (["pg_sleep(1) IS NULL"], {}))
    stock(engine, 1)
    with pytest.raises(DBAPIError) as caught, engine.begin() as conn:
        search(conn, BAILLEUR, Criteres(etat="A"), JOUR, LimitesRecherche(duree_max=0.05))
    assert caught.value.orig is not None
    assert getattr(caught.value.orig, "sqlstate", "") == "57014"


def test_every_criterion_has_its_index(engine: Engine) -> None:
    """[REC-8] On a stock that would make it slow, no criterion that singles out reads the whole table."""
    numeros = stock(engine, 5)
    with engine.begin() as conn:
        conn.execute(text("SET LOCAL enable_seqscan = off"))
        for condition in (
            "termes @> ARRAY['c:93066']",
            "termes && ARRAY['c:93066']",
            "territoire = '111' AND depot >= '2026-01-01'",
            "territoire = '111' AND renouvellement >= '2026-01-01'",
            "territoire = '111' AND radiation >= '2026-01-01'",
            "territoire = '111' AND anormal_le <= '2026-01-01'",
            "territoire = '111' AND attributions > 1",
            f"numero = '{next(iter(numeros))}'",
        ):
            plan = "\n".join(conn.scalars(text(f"EXPLAIN SELECT numero FROM recherche WHERE {condition}")))
            assert "Index" in plan, (condition, plan)
            assert "Seq Scan" not in plan, (condition, plan)


def test_a_search_is_planned_for_its_criteria(engine: Engine) -> None:
    """[REC-8] A plan good for any criteria read the whole stock of 3 million for some of them."""
    stock(engine, 1)
    with engine.begin() as conn:
        search(conn, BAILLEUR, Criteres(etat="A"), JOUR)
        assert conn.scalar(text("SHOW plan_cache_mode")) == "force_custom_plan"
    with engine.begin() as conn:
        assert conn.scalar(text("SHOW plan_cache_mode")) == "auto"


def test_few_words_wait_to_be_sorted(engine: Engine) -> None:
    """[REC-8] Each search reads the whole list of those that wait, so it is kept short."""
    with engine.connect() as conn:
        options = conn.scalar(text("SELECT reloptions FROM pg_class WHERE relname = 'recherche_termes_ix'"))
    assert options == ["gin_pending_list_limit=128"]


def test_what_is_held_elsewhere_is_found_without_reading_all_that_is_held(engine: Engine) -> None:
    """[REC-8] The index tells by territory what a guichet holds."""
    stock(engine, 5)
    with engine.begin() as conn:
        conn.execute(text("SET LOCAL enable_seqscan = off"))
        requete = text(f"EXPLAIN {recherche._elsewhere(2)}")
        plan = list(conn.scalars(requete, {"guichet": "G1104", "t0": "059", "t1": "111"}))
        lues = [ligne for ligne in plan if "Index Cond" in ligne]
        assert len(lues) == 3, plan
        assert all("left" in ligne for ligne in lues), plan


def test_the_projection_can_be_made_again(engine: Engine) -> None:
    """It proves nothing of its own: dropped, it comes back the same; what is erased leaves it."""
    numeros = sorted(stock(engine))
    with engine.begin() as conn:
        before = conn.execute(RECHERCHE.select().order_by(RECHERCHE.c.numero)).all()
        conn.execute(RECHERCHE.delete())
        seen: list[tuple[int, int]] = []
        assert rebuild(conn, JOUR, lambda done, total: seen.append((done, total))) == len(numeros)
        assert conn.execute(RECHERCHE.select().order_by(RECHERCHE.c.numero)).all() == before
        assert seen[-1] == (len(numeros), len(numeros))
        forget(conn, numeros[:2])
        assert len(conn.execute(RECHERCHE.select()).all()) == len(numeros) - 2


def test_what_is_searched_as_before_is_not_written_again(engine: Engine) -> None:
    """Most modifications change nothing of what a demande is found by: its row then stays the same one."""
    ((numero, document),) = stock(engine, 1).items()
    demande = demande_of(document)
    ailleurs = demande_of(document.replace(b'code="93066"', b'code="93067"'))
    assert ailleurs.communes_souhaitees != demande.communes_souhaitees

    def row(vue: Demande) -> object:
        with engine.begin() as conn:
            project(conn, [(numero, "111", vue)], JOUR)
            return conn.execute(text("SELECT ctid::text, termes FROM recherche")).one()

    first = row(demande)
    assert row(demande) == first
    assert row(ailleurs) != first


@pytest.mark.parametrize(
    ("criteres", "attendue"),
    [
        (Criteres(), catalogue.SANS_CRITERE),
        (Criteres(etat="Z"), catalogue.ETAT_INCONNU),
        (Criteres(depot=Periode(date(2026, 2, 1), date(2026, 1, 1))), catalogue.PERIODE_RENVERSEE),
        (Criteres(radiation=Periode(date(2026, 2, 1), date(2026, 1, 1))), catalogue.PERIODE_RENVERSEE),
        (Criteres(commune_souhaitee="99999"), catalogue.COMMUNE_INCONNUE),
        (Criteres(commune_attribution="99999"), catalogue.COMMUNE_INCONNUE),
        (Criteres(personne=Personne(prenom="Anne")), catalogue.PRENOM_SEUL),
        (Criteres(personne=Personne(nom="--")), catalogue.CRITERE_VIDE),
        (Criteres(association=" ' "), catalogue.CRITERE_VIDE),
    ],
    ids=lambda value: value.code if hasattr(value, "code") else "",
)
def test_what_cannot_be_searched_is_said(criteres: Criteres, attendue: object) -> None:
    """[REC-3] [REC-4] [REC-5] [REC-6]"""
    (anomalie,) = check(criteres)
    assert anomalie.type is attendue


def test_several_attributions_under_condition(engine: Engine) -> None:
    """[REC-10]"""
    un, deux, trois = sorted(stock(engine, 3))
    set_state(engine, un, "active", attributions=2)
    set_state(engine, deux, "active", attributions=1)
    assert found(engine, Criteres(attributions_multiples=True)) == {un}
    assert found(engine, Criteres(attributions_multiples=False)) == {deux, trois}


def test_pieces(engine: Engine) -> None:
    """[REC-11] A pièce of each category; one that was removed does not count."""
    un, deux, trois = sorted(stock(engine, 3))
    with engine.begin() as conn:
        for rang, (numero, categorie, supprimee) in enumerate(
            [
                (un, "IDENTITE", None),
                (un, "IMPOT", None),
                (deux, "IDENTITE", None),
                (deux, "IMPOT", RECU_LE),
                (trois, "IMPOT", None),
            ]
        ):
            conn.execute(
                PIECE.insert().values(
                    id=uuid.UUID(int=rang),
                    numero=numero,
                    categorie=categorie,
                    nom="a.pdf",
                    type="application/pdf",
                    taille=1,
                    empreinte=bytes([rang]),
                    marque="",
                    guichet="G1104",
                    depose_le=RECU_LE,
                    sequence_journal=rang,
                    supprimee_le=supprimee,
                )
            )
    assert found(engine, Criteres(pieces=("IDENTITE",))) == {un, deux}
    assert found(engine, Criteres(pieces=("IDENTITE", "IMPOT"))) == {un}
    assert found(engine, Criteres(pieces=("AUTRE",))) == set()


def add_months(jour: date, mois: int) -> date:
    """As PostgreSQL adds months: the last day of the month when there is no such day."""
    rang = jour.year * 12 + jour.month - 1 + mois
    for recul in range(4):
        try:
            return date(rang // 12, rang % 12 + 1, jour.day - recul)
        except ValueError:
            continue
    raise AssertionError(jour)


def expected(demande: Demande, delais: Sequence[Delai], jour: date) -> date | None:
    """The rule, pair by pair."""
    trouves = [
        find_delai(delais, commune, typologie, jour)
        for commune in demande.communes_souhaitees
        for typologie in demande.types_logement
    ]
    mois = [each.mois for each in trouves if each is not None]
    return add_months(demande.date_creation, min(mois)) if mois else None


def test_the_delay_is_that_of_the_table(engine: Engine) -> None:
    """[GPE-30] The narrowest zone, the named type, the latest arrêté in force; the shortest of the pairs."""
    documents = {n: demande_of(d) for n, d in stock(engine).items()}
    rng = random.Random(30)
    zones = ["", "93066", "75", "75056", "93", *zones_of("93066")[:-1], *zones_of("75113")[:-1]]

    def kept() -> dict[str, date | None]:
        with engine.connect() as conn:
            return dict(conn.execute(select(RECHERCHE.c.numero, RECHERCHE.c.anormal_le)).all())  # type: ignore[arg-type]

    assert set(kept().values()) == {None}
    for _ in range(5):
        lignes = {
            (
                rng.choice(zones),
                rng.choice(["", "T1", "T2", "T3", "T4"]),
                date(rng.choice((2020, 2025, 2027)), 1, 1),
            ): rng.randint(1, 40)
            for _ in range(12)
        }
        delais = [Delai(zone, typologie, du, mois) for (zone, typologie, du), mois in lignes.items()]
        with engine.begin() as conn:
            conn.execute(DELAI_ANORMAL.delete())
            for each in delais:
                conn.execute(
                    DELAI_ANORMAL.insert().values(
                        territoire="111",
                        zone=each.zone,
                        typologie=each.typologie,
                        valide_du=each.valide_du,
                        mois=each.mois,
                    )
                )
        attendues = {
            n: expected(d, delais, JOUR) if "59350" not in d.communes_souhaitees else None
            for n, d in documents.items()
        }
        avant, examinees = kept(), list[int]()
        changes = redate(engine, JOUR, essai=True)
        assert kept() == avant
        assert redate(engine, JOUR, progress=examinees.append) == changes
        assert sum(examinees) == len(documents)
        assert kept() == attendues
        assert redate(engine, JOUR, "111") == 0
        # What a registration writes is what the later computation finds.
        with engine.begin() as conn:
            rebuild(conn, JOUR, lambda done, total: None)
        assert kept() == attendues
        assert any(attendues.values())
