"""The database: addresses, upgrade, and what PostgreSQL itself is asked to guarantee."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from registry.database import SchemaInconnu, open_engine, read_revision, upgrade
from registry.tables import CERTIFICAT, METADATA


def test_an_address_of_another_base_is_refused() -> None:
    with pytest.raises(ValueError, match="postgresql://"):
        open_engine("sqlite://")


@pytest.mark.parametrize("prefix", ["postgresql://", "postgresql+psycopg://"])
def test_the_driver_may_be_told_or_not(prefix: str) -> None:
    engine = open_engine(f"{prefix}u@h/b")
    assert engine.dialect.driver == "psycopg"
    engine.dispose()


def test_a_server_that_does_not_answer_is_an_error_at_once() -> None:
    engine = open_engine("postgresql://u@/b?host=/nulle/part")
    with pytest.raises(OperationalError):
        engine.connect()
    engine.dispose()


def test_instants_come_back_in_utc_whatever_the_server_zone(engine: Engine) -> None:
    with engine.connect() as conn:
        instant = conn.scalar(text("SELECT timestamptz '2026-03-16 10:30:00.123456+01'"))
    assert instant == datetime(2026, 3, 16, 9, 30, 0, 123456, tzinfo=UTC)
    assert instant.utcoffset().total_seconds() == 0


def test_upgrade_twice_and_from_several_processes_does_nothing_more(engine: Engine) -> None:
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: upgrade(engine), range(4)))
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM chaine")) == 1


def test_concurrent_upgrades_of_an_empty_database_queue(administration: Engine, database_url: str) -> None:
    base = open_engine(database_url)
    with base.connect() as conn:
        name = conn.scalar(text("SELECT current_database()"))
    base.dispose()
    with administration.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name}_vide"))
    empty = open_engine(database_url.replace(name, f"{name}_vide"))
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: upgrade(empty), range(3)))
    with empty.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM version_schema")) == 1
    empty.dispose()
    with administration.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name}_vide WITH (FORCE)"))


def test_each_test_gets_an_empty_database(engine: Engine) -> None:
    with engine.connect() as conn:
        for table in METADATA.sorted_tables:
            if table.name in ("chaine", "generation", "releve_coupure"):
                # One row to lock, from the migration on.
                continue
            assert conn.execute(table.select().limit(1)).first() is None, table.name


def test_a_counter_past_six_digits_is_refused_by_the_database(engine: Engine) -> None:
    """regles §3: the sequence has six digits; the last guard against a number of 19 characters."""
    with pytest.raises(IntegrityError), engine.begin() as conn:
        conn.execute(text("INSERT INTO compteur_numero VALUES ('111', '0326', 1000000)"))


def test_a_number_has_18_characters(engine: Engine) -> None:
    with pytest.raises(IntegrityError), engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO demande VALUES ('12345', '111', 'G1104', '2026-03-16', now(), 'active', 1, "
                "'{}', '{}', false, 1, now())"
            )
        )


def test_a_certificate_belongs_to_a_known_guichet(engine: Engine) -> None:
    now = datetime(2026, 3, 16, tzinfo=UTC)
    values = {"sujet": "", "valide_du": now, "valide_au": now, "pem": "", "enregistre_le": now}
    with pytest.raises(IntegrityError), engine.begin() as conn:
        conn.execute(CERTIFICAT.insert().values(empreinte="0" * 64, guichet="G0000", **values))


def test_the_search_of_doublons_uses_its_index(engine: Engine) -> None:
    """The registration path must stay cheap: parameters of type text[] must not defeat the index.

    On rows enough for the planner to prefer it to the index by birth date.
    """
    rows = text(
        "INSERT INTO identite (numero, rang, cle, territoire, role) "
        "SELECT 'n' || i, 0, 'nom' || i || '|1980-01-01', '111', 'demandeur' FROM generate_series(1, 2000) i"
    )
    query = (
        "EXPLAIN SELECT numero FROM identite "
        "WHERE active AND territoire = :t AND cle = ANY(CAST(:c AS text[]))"
    )
    with engine.connect() as conn:
        conn.execute(rows)
        conn.execute(text("ANALYZE identite"))
        plan = "\n".join(conn.scalars(text(query), {"t": "111", "c": ["a", "b"]}))
    assert "identite_cle_ix" in plan
    assert "Index Cond: ((territoire" in plan
    assert "Filter" not in plan


def test_a_frozen_transaction_does_not_keep_its_locks(database_url: str, engine: Engine) -> None:
    """[DST-54] The server ends the session of whoever does nothing in the middle of a transaction."""
    frozen = open_engine(database_url, repos_max=timedelta(milliseconds=100))
    with frozen.connect() as held:
        held.execute(text("SELECT pg_advisory_xact_lock(54)"))
        with engine.begin() as conn:
            # Comes back when the lock is free; without the bound, never.
            conn.execute(text("SET LOCAL statement_timeout = '60s'"))
            conn.execute(text("SELECT pg_advisory_xact_lock(54)"))
        with pytest.raises(DBAPIError):
            held.execute(text("SELECT 1"))
        held.invalidate()
    frozen.dispose()


def test_a_later_schema_is_refused_and_left_as_it_is(engine: Engine) -> None:
    """[EXP-31] An older program never takes a database back."""
    with engine.begin() as conn:
        conn.execute(text("UPDATE version_schema SET version_num = '9999_plus_tard'"))
    with pytest.raises(SchemaInconnu, match="9999_plus_tard, celui d'un programme plus récent"):
        upgrade(engine)
    with engine.connect() as conn:
        assert read_revision(conn) == "9999_plus_tard"
