"""Looking for distributions gives what a reading of them all would, page by page, and follows an index."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, text

from dispatching.ampleur import Attente, Echecs, sum_failed, sum_waiting
from dispatching.arrieres import PLAFOND, by_canal, list_arrieres, list_rejets
from dispatching.consultation import Recherche, find_distributions, sequence_at
from dispatching.deliveries import Distribution, Etat, list_distributions
from dispatching.transport import Cause
from registry import fenetres
from registry.fenetres import first_id
from tests.plans import explained

DEBUT = datetime(2026, 3, 1, tzinfo=UTC)
GUICHETS = ("G0001", "G0002", "G0003")
_FILL = text("""
    INSERT INTO distribution (id, guichet, sequence, numero, version, nature, raison, cree_le, etat,
        prochaine_tentative, differee, termine_le, cause)
    SELECT id, guichet, sequence, numero, 1, 'CRE', 'filtre', cree_le, etat, cree_le, differee,
        CASE WHEN etat <> 'en_attente' THEN cree_le END,
        CASE WHEN etat <> 'echec' THEN NULL WHEN sequence % 3 = 0 THEN 'panne' ELSE 'refus' END
    FROM json_to_recordset(CAST(:lot AS json)) AS t(id uuid, guichet text, sequence bigint, numero text,
        cree_le timestamptz, etat text, differee boolean)
""")


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    """300 distributions a minute apart, of three guichets in turn; states spread unevenly."""
    lot = []
    for rank in range(300):
        made = DEBUT + timedelta(minutes=rank)
        etat = Etat.ACQUITTEE
        if rank % 17 == 0:
            etat = Etat.ECHEC
        elif rank % 11 == 0:
            etat = Etat.RETIREE
        elif rank > 250:
            etat = Etat.EN_ATTENTE
        row = {
            "id": str(uuid.UUID(int=first_id(made).int | 7 << 76 | 2 << 62 | rank)),
            "guichet": GUICHETS[rank % 3],
            "sequence": rank // 3 + 1,
            "numero": f"05903260{rank % 40:05}G0001",
            "cree_le": made.isoformat(),
            "etat": etat.value,
            "differee": etat is Etat.EN_ATTENTE and rank % 2 == 0,
        }
        lot.append(row)
    with engine.begin() as conn:
        conn.execute(_FILL, {"lot": json.dumps(lot)})
        counts = [{"g": code, "n": 100} for code in GUICHETS]
        conn.execute(text("INSERT INTO compteur_distribution VALUES (:g, :n)"), counts)
        guichets = text(
            "INSERT INTO guichet (code, nom, type, siren, territoires, communes, numerote, adresse_reception,"
            " cree_le) VALUES (:g, :g, 'bailleur', '', '{059}', '{}', false, '', now())"
        )
        conn.execute(guichets, counts)
    with engine.connect() as conn:
        yield conn


def expected(conn: Connection, recherche: Recherche) -> set[uuid.UUID]:
    return {
        each.id
        for each in list_distributions(conn)
        if recherche.guichet in ("", each.guichet)
        and recherche.numero in ("", each.numero)
        and recherche.sequence in (None, each.sequence)
        and recherche.etat in (None, each.etat)
        and (recherche.du is None or each.cree_le >= recherche.du)
        and (recherche.avant is None or each.cree_le < recherche.avant)
    }


def walk(conn: Connection, recherche: Recherche, limite: int) -> list[Distribution]:
    found: list[Distribution] = []
    suite = ""
    for _ in range(1_000):
        page = find_distributions(conn, recherche, suite=suite, limite=limite)
        assert len(page.distributions) <= limite
        found += page.distributions
        suite = page.suite
        if not suite:
            return found
    raise AssertionError("la suite n'a pas de fin")


@pytest.mark.parametrize("fenetre", [7, 10_000])
def test_every_search_finds_all_that_meets_it_once(
    conn: Connection, fenetre: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[FLX-2] Whatever the criteria, the size of the page and that of the window."""
    monkeypatch.setattr(fenetres, "FENETRE", fenetre)
    periodes = ((None, None), (DEBUT + timedelta(minutes=30), DEBUT + timedelta(minutes=270, seconds=1)))
    for guichet, numero, etat, (du, avant), limite in itertools.product(
        ("", "G0002"), ("", "0590326000003G0001"), (None, *Etat), periodes, (40,)
    ):
        recherche = Recherche(guichet, numero, None, etat, du, avant)
        wanted = expected(conn, recherche)
        found = walk(conn, recherche, max(limite, len(wanted)) if numero else limite)
        assert {each.id for each in found} == wanted, recherche
        assert len(found) == len(wanted)
        if guichet or etat not in (Etat.ECHEC, Etat.EN_ATTENTE):
            moments = [each.cree_le for each in found]
            assert moments == sorted(moments, reverse=True)


def test_a_period_is_found_by_sequence(conn: Connection) -> None:
    """[FLX-2]"""
    every = list_distributions(conn, guichet="G0002")
    for minutes in (-5, 0, 1, 2, 3, 150, 297, 298, 299, 300):
        instant = DEBUT + timedelta(minutes=minutes)
        made = [each.sequence for each in every if each.cree_le >= instant]
        assert sequence_at(conn, "G0002", instant) == min(made, default=101)
    assert sequence_at(conn, "INCONNU", DEBUT) == 1


def test_what_has_not_arrived_is_counted_up_to_a_bound(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[FLX-13]"""
    every = list_distributions(conn)
    waiting = [each for each in every if each.etat is Etat.EN_ATTENTE]
    failed = [each for each in every if each.etat is Etat.ECHEC]
    found = list_arrieres(conn)
    assert {each.guichet: (each.en_attente, each.en_echec) for each in found} == {
        code: (
            sum(each.guichet == code for each in waiting),
            sum(each.guichet == code for each in failed),
        )
        for code in GUICHETS
    }
    assert found[0].depuis_le == min(each.cree_le for each in (*waiting, *failed))
    assert [each.guichet for each in list_arrieres(conn, ["G0003"])] == ["G0003"]
    assert sum(each.nombre for each in list_rejets(conn)) == len(failed) < PLAFOND
    pages = [list_arrieres(conn, debut=rang, nombre=1) for rang in range(len(found) + 1)]
    assert tuple(each for page in pages for each in page) == found
    monkeypatch.setattr("dispatching.arrieres.PLAFOND", 2)
    assert {(each.en_attente, each.en_echec) for each in list_arrieres(conn)} == {(3, 3)}


@pytest.mark.parametrize("plafond", [1, 2, 1000])
@pytest.mark.parametrize("codes", [None, ("G0001",), ("G0003", "G0002"), ()])
def test_what_has_not_arrived_is_added_up(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, plafond: int, codes: tuple[str, ...] | None
) -> None:
    """[CSL-60] By channel and by cause, what is told guichet by guichet."""
    monkeypatch.setattr("dispatching.arrieres.PLAFOND", plafond)
    conn.execute(text("UPDATE guichet SET canal = 'push' WHERE code = 'G0002'"))
    attentes = []
    for canal, siens in by_canal(each for each in list_arrieres(conn, codes) if each.en_attente):
        nombre = sum(min(each.en_attente, plafond) for each in siens)
        depuis = min(each.attend_depuis_le for each in siens if each.attend_depuis_le)
        over = any(each.en_attente > plafond for each in siens)
        attentes.append(Attente(canal, len(siens), nombre, over, depuis))
    assert sum_waiting(conn, codes) == tuple(attentes)
    rejets: dict[Cause | None, list[int]] = {}
    for each in list_rejets(conn, codes):
        rejets.setdefault(each.cause, []).append(each.nombre)
    echecs = [
        Echecs(cause, sum(min(n, plafond) for n in counts), len(counts), max(counts) > plafond)
        for cause, counts in rejets.items()
    ]
    assert set(sum_failed(conn, codes)) == set(echecs)
    assert [each.nombre for each in sum_failed(conn, codes)] == sorted(
        (each.nombre for each in echecs), reverse=True
    )


def test_no_search_reads_the_whole_table(engine: Engine) -> None:
    """[FLX-2] Among 30,000, by plans that touch a few pages of the table."""
    with engine.begin() as conn:
        conn.execute(
            text("""
                INSERT INTO distribution (id, guichet, sequence, numero, version, nature, raison, cree_le,
                    etat, prochaine_tentative)
                SELECT gen_random_uuid(), 'G000' || (n % 3 + 1), n / 3 + 1, 'N' || n, 1, 'CRE', 'filtre',
                    now(), CASE WHEN n % 10000 = 0 THEN 'echec' ELSE 'acquittee' END, now()
                FROM generate_series(0, 29999) AS n
            """)
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE distribution"))
    with engine.connect() as conn, explained(conn) as seen:
        for guichet, etat in itertools.product(("", "G0001"), (None, *Etat)):
            find_distributions(conn, Recherche(guichet, etat=etat))
    assert seen
    assert [plan for plan in seen if "Seq Scan on distribution" in plan] == []
