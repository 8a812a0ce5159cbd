"""How long a trace is kept: longer than the data that were read (docs/specification, clauses TRA)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, text

from registry.controles import PARIS
from registry.echanges import Canal
from registry.regles import Regles
from registry.tables import DEMANDE
from registry.tables_traces import TRACE_LECTURE
from registry.traces import EXPLOITANT, Trace, erase_traces, list_traces, record_command

EFFACEE = datetime(2026, 1, 10, 3, tzinfo=PARIS)
LUE = EFFACEE - timedelta(days=400)
UNE, AUTRE = "1110124000001G1104", "1110124000002G1104"


@pytest.fixture
def effacee(engine: Engine) -> Engine:
    """A demande whose data were erased, and another that lives."""
    with engine.begin() as conn:
        for numero, etat in ((UNE, "purgee"), (AUTRE, "active")):
            conn.execute(insert(DEMANDE), row(numero, etat))
    return engine


def row(numero: str, etat: str) -> dict[str, object]:
    return {
        "numero": numero,
        "territoire": "111",
        "guichet": "G1104",
        "etat": etat,
        "date_depot": date(2024, 1, 5),
        "recue_le": LUE,
        "communes": ["75113"],
        "types": ["T2"],
        "version": 1,
        "doublon_force": False,
        "sequence_journal": 1,
        "maj_le": EFFACEE,
    }


def read(engine: Engine, *numeros: str, instant: datetime = LUE) -> None:
    with engine.begin() as conn:
        record_command(conn, "essai", "root", numeros, instant=instant)


def left(engine: Engine) -> list[tuple[str, ...]]:
    with engine.connect() as conn:
        return [trace.numeros for trace in list_traces(conn)]


def test_a_trace_outlives_the_data_then_goes(effacee: Engine) -> None:
    """[TRA-6] The months run from the erasure of the data, not from the reading; a dry run only counts."""
    read(effacee, UNE)
    regles = Regles(traces_mois=6)
    for jour, effaces in ((10, 0), (11, 1)):
        instant = datetime(2026, 7, jour, 3, tzinfo=PARIS)
        assert erase_traces(effacee, regles, instant, essai=True) == effaces
        assert len(left(effacee)) == 1
        assert erase_traces(effacee, regles, instant) == effaces
    assert left(effacee) == []


def test_a_list_is_kept_as_long_as_one_of_its_demandes(effacee: Engine) -> None:
    """[TRA-6] Whatever the size of the batches; a message that made no demande goes by its own age."""
    for _ in range(3):
        read(effacee, UNE, AUTRE)
    read(effacee)
    examined: list[int] = []
    assert erase_traces(effacee, Regles(), datetime(2030, 1, 1, tzinfo=PARIS), progress=examined.append) == 1
    assert left(effacee) == [(UNE, AUTRE)] * 3
    assert sum(examined) == 4


def test_what_a_trace_says(engine: Engine) -> None:
    """[TRA-4]"""
    read(engine, UNE)
    with engine.connect() as conn:
        (trace,) = list_traces(conn, numero=UNE)
        assert list_traces(conn, numero=AUTRE) == ()
    assert trace == Trace(LUE, "", "", EXPLOITANT, "root", Canal.TACHE, "essai", None, (UNE,))


def test_who_read_a_demande_is_found_by_the_index(engine: Engine) -> None:
    """[TRA-5]"""
    for _ in range(20):
        read(engine, UNE, AUTRE)
    query = f"SELECT id FROM {TRACE_LECTURE.name} WHERE numeros @> ARRAY['{UNE}']"
    with engine.connect() as conn:
        conn.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(conn.scalars(text(f"EXPLAIN {query}")))
    assert "trace_lecture_numeros_ix" in plan
