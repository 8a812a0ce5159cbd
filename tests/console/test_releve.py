"""The exchanges kept in memory are those of the base, read once each, whenever they end."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from console.flux import first_hour, read_hours, read_refusals
from console.releve_echanges import DUREE, Echanges, Releve
from registry.clock import FixedClock
from registry.fenetres import first_id

INSERT = text("""
    INSERT INTO echange (id, guichet, certificat, canal, operation, recu_le, taille, empreinte, statut, code,
        termine_le)
    VALUES (:id, :guichet, '', 'soap', 'lire', :le, 1, '', :statut, :code, :fin)
""")
END = text("UPDATE echange SET statut = :s, termine_le = :f WHERE id = :id")


class Base:
    """What is written, and what is then read of the last `heures` hours."""

    def __init__(self, engine: Engine, clock: FixedClock) -> None:
        self.engine, self.clock, self.releve, self._rang = engine, clock, Releve(), 0

    def add(
        self,
        ago: timedelta,
        statut: str = "accepte",
        duree: float | None = 1.0,
        guichet: str = "G0001",
        code: str = "",
    ) -> uuid.UUID:
        self._rang += 1
        le = self.clock.now() - ago
        key = uuid.UUID(int=first_id(le).int + self._rang)
        fin = None if duree is None else le + timedelta(seconds=duree)
        with self.engine.begin() as conn:
            values = {
                "id": key,
                "guichet": guichet,
                "le": le,
                "statut": statut,
                "code": code or None,
                "fin": fin,
            }
            conn.execute(INSERT, values)
        return key

    def end(self, key: uuid.UUID, statut: str, fin: datetime) -> None:
        with self.engine.begin() as conn:
            conn.execute(END, {"s": statut, "f": fin, "id": key})

    def read(self, heures: int = 168, guichets: tuple[str, ...] | None = None) -> Echanges:
        maintenant = self.clock.now()
        with self.engine.connect() as conn:
            return self.releve.read(conn, first_hour(maintenant, heures), maintenant, guichets)

    def counts(self, heures: int = 168, guichets: tuple[str, ...] | None = None) -> tuple[int, int, int]:
        found = read_hours(self.read(heures, guichets), self.clock.now(), heures)
        return (
            sum(each.acceptes for each in found),
            sum(each.refuses for each in found),
            sum(each.echecs for each in found),
        )


@pytest.fixture
def base(engine: Engine, clock: FixedClock) -> Base:
    return Base(engine, clock)


def test_each_exchange_is_counted_once_when_it_has_ended(base: Base) -> None:
    """[CSL-60] One that lasts is looked at again; one that came late is not missed."""
    base.add(timedelta(hours=3))
    lent = base.add(timedelta(minutes=30), "recu", None)
    assert base.counts() == (1, 0, 0)
    base.clock.advance(timedelta(minutes=10))
    base.add(timedelta(minutes=1), "rejeu")
    base.add(timedelta(seconds=1), "echec", code="INT001")
    assert base.counts() == (2, 0, 1)
    base.end(lent, "refuse", base.clock.now())
    assert base.counts() == (2, 1, 1)
    assert base.counts() == (2, 1, 1)
    base.clock.advance(timedelta(minutes=5))
    assert base.counts() == (2, 1, 1)
    assert base.counts(guichets=("G0002",)) == (0, 0, 0)
    base.clock.advance(DUREE)
    assert base.counts() == (0, 0, 0)


def test_hours_and_their_times_are_those_of_the_base(base: Base) -> None:
    """[CSL-60] Centiles as the database interpolates them, for any perimeter; the hours of Paris."""
    for rang in range(40):
        base.add(timedelta(minutes=17 * rang), duree=rang / 7, guichet=f"G000{rang % 3}")
    query = text("""
        SELECT date_trunc('hour', recu_le) AS heure, count(*) AS nombre,
            percentile_cont(ARRAY[0.5, 0.95])
                WITHIN GROUP (ORDER BY extract(epoch FROM termine_le - recu_le)) AS c
        FROM echange WHERE guichet IN ('G0001', 'G0002') GROUP BY 1
    """)
    with base.engine.connect() as conn:
        expected = {row.heure: (row.nombre, *map(float, row.c)) for row in conn.execute(query)}
    found = read_hours(base.read(24, ("G0001", "G0002")), base.clock.now(), 24)
    assert len(found) == 24
    assert found[-1].debut.hour == base.clock.now().astimezone(found[-1].debut.tzinfo).hour
    told = {each.debut: (each.acceptes, each.p50, each.p95) for each in found if each.acceptes}
    assert told.keys() == expected.keys()
    for heure, (nombre, p50, p95) in expected.items():
        assert told[heure] == (nombre, pytest.approx(p50, abs=1e-5), pytest.approx(p95, abs=1e-5))


ARRIVEES = st.lists(
    st.tuples(
        st.integers(1, 400),  # minutes ago
        st.sampled_from((0.5, 1.0, 1.25, 7.5, 30.0)),
        st.sampled_from(("accepte", "rejeu", "refuse", "echec")),
        st.sampled_from(("G0001", "G0002", "G0003")),
        st.integers(0, 2),  # in which reading its answer is seen
    ),
    max_size=25,
)


@given(ARRIVEES)
@settings(max_examples=30, deadline=None)
def test_hours_are_the_same_whenever_answers_come(
    module_engine: Engine, arrivees: list[tuple[int, float, str, str, int]]
) -> None:
    """[CSL-60] Answered at once or readings later, hours ago or now: each reading tells what counting all
    that is answered anew would tell."""
    base = Base(module_engine, FixedClock(datetime.fromisoformat("2026-07-01T09:37:00+00:00")))
    maintenant, debut = base.clock.now(), first_hour(base.clock.now(), 8)
    recus = [maintenant - timedelta(minutes=ago) for ago, *_ in arrivees]
    keys = [uuid.UUID(int=first_id(le).int + rang) for rang, le in enumerate(recus)]
    with module_engine.begin() as conn:
        conn.execute(text("TRUNCATE echange"))
        for key, le, (_, _, _, guichet, _) in zip(keys, recus, arrivees, strict=True):
            rien = {"statut": "recu", "code": None, "fin": None}
            conn.execute(INSERT, {"id": key, "guichet": guichet, "le": le, **rien})
    for rang in range(3):
        with module_engine.begin() as conn:
            for key, le, (_, duree, statut, _, tour) in zip(keys, recus, arrivees, strict=True):
                if tour == rang:
                    conn.execute(END, {"s": statut, "f": le + timedelta(seconds=duree), "id": key})
        found = read_hours(base.read(8, ("G0001", "G0003")), maintenant, 8)
        for heure, dite in enumerate(found):
            answered = [
                (duree, statut)
                for le, (_, duree, statut, guichet, tour) in zip(recus, arrivees, strict=True)
                if tour <= rang and guichet != "G0002" and (le - debut) // timedelta(hours=1) == heure
            ]
            statuts = [statut for _, statut in answered]
            assert dite.acceptes == statuts.count("accepte") + statuts.count("rejeu")
            assert (dite.refuses, dite.echecs) == (statuts.count("refuse"), statuts.count("echec"))
            durees = [duree for duree, _ in answered]
            centiles = np.percentile(durees, (50, 95)).tolist() if durees else [None, None]
            assert [dite.p50, dite.p95] == [each and pytest.approx(each) for each in centiles]


def test_codes_are_told_the_most_frequent_first(base: Base) -> None:
    """[CSL-60]"""
    for guichet, code, statut in (
        ("G0001", "ENR012", "refuse"),
        ("G0002", "ENR012", "refuse"),
        ("G0001", "INT001", "echec"),
        ("G0001", "", "accepte"),
    ):
        base.add(timedelta(minutes=5), statut, guichet=guichet, code=code)
    found = [(each.texte, each.nombre, each.guichets) for each in read_refusals(base.read())]
    assert found == [("ENR012", 2, 2), ("INT001", 1, 1)]


def test_a_clock_put_back_does_not_count_twice(base: Base) -> None:
    base.add(timedelta(hours=5))
    assert base.counts() == (1, 0, 0)
    base.clock.set(base.clock.now() - timedelta(hours=1))
    assert base.counts() == (1, 0, 0)
