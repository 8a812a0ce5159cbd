"""One bad item hurts nobody else (registry.lots)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from registry.lots import Echec, run_batch


def divide(conn: Connection, items: Sequence[int]) -> list[int]:
    conn.execute(text("CREATE TABLE IF NOT EXISTS vu (n int)"))
    conn.execute(text("INSERT INTO vu SELECT unnest(CAST(:n AS int[]))"), {"n": list(items)})
    return [conn.scalar(text("SELECT 100 / CAST(:n AS int)"), {"n": item}) for item in items]


def seen(engine: Engine) -> list[int]:
    with engine.connect() as conn:
        return list(conn.scalars(text("SELECT n FROM vu ORDER BY n")))


def test_a_batch_is_one_transaction(engine: Engine) -> None:
    fois = []

    def work(conn: Connection, items: Sequence[int]) -> list[int]:
        fois.append(len(items))
        return divide(conn, items)

    assert run_batch(engine, work, [1, 2, 4]) == [100, 50, 25]
    assert fois == [3]


def test_only_the_item_at_fault_fails_and_leaves_nothing(engine: Engine) -> None:
    un, faute, deux = run_batch(engine, divide, [1, 0, 2])
    assert (un, deux) == (100, 50)
    assert isinstance(faute, Echec)
    assert isinstance(faute.cause, DBAPIError)
    assert seen(engine) == [1, 2]


def test_an_error_of_ours_is_isolated_too(engine: Engine) -> None:
    def work(conn: Connection, items: Sequence[str]) -> list[int]:
        return [int(item) for item in items]

    un, faute = run_batch(engine, work, ["1", "x"])
    assert un == 1
    assert isinstance(faute, Echec)
    assert isinstance(faute.cause, ValueError)


def test_too_few_results_are_a_failure_of_all(engine: Engine) -> None:
    resultats = run_batch(engine, lambda conn, items: [], [1, 2])
    assert all(isinstance(resultat, Echec) for resultat in resultats)


def test_a_lost_connection_is_replaced_once(engine: Engine) -> None:
    """A restart of the server leaves dead connections in the pool."""
    fois = []

    def work(conn: Connection, items: Sequence[int]) -> list[int]:
        fois.append(1)
        if len(fois) == 1:
            conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return divide(conn, items)

    assert run_batch(engine, work, [1, 2]) == [100, 50]
    assert len(fois) == 2


def test_a_database_that_is_gone_fails_the_batch_without_trying_each_item(engine: Engine) -> None:
    fois = []

    def work(conn: Connection, items: Sequence[int]) -> list[int]:
        fois.append(1)
        conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return []

    assert all(isinstance(resultat, Echec) for resultat in run_batch(engine, work, [1, 2, 3]))
    assert len(fois) == 2
