"""Exchanges: raw bytes first, then what became of them."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text, true

from registry import fenetres
from registry.consultation_echanges import Recherche, find_echanges
from registry.echanges import Canal, Echange, Emetteur
from registry.exchanges_store import (
    Issue,
    Statut,
    get_echange,
    list_echanges,
    read_octets,
    record_outcomes,
    record_receptions,
    relax,
)
from registry.guichets import Guichet, TypeGuichet
from tests.plans import explained

INSTANT = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)
GUICHET = Guichet("G1104", "Logis", TypeGuichet.BAILLEUR, "552046484", frozenset({"111"}))


def make(number: int, octets: bytes = b"") -> Echange:
    return Echange(
        uuid.UUID(int=number),
        Emetteur(GUICHET, "ab" * 32),
        Canal.SOAP,
        "getNumUnique",
        INSTANT + timedelta(seconds=number),
        octets,
    )


def test_raw_bytes_come_back_as_they_came(engine: Engine) -> None:
    octets = bytes(range(256)) * 40
    with engine.begin() as conn:
        record_receptions(conn, [make(1, octets), make(2, b"")])
        known = get_echange(conn, uuid.UUID(int=1))
        assert read_octets(conn, uuid.UUID(int=1)) == octets
        assert read_octets(conn, uuid.UUID(int=2)) == b""
        assert read_octets(conn, uuid.UUID(int=3)) is None
    assert known is not None
    assert known.empreinte == hashlib.sha256(octets).digest()
    assert (known.taille, known.statut, known.recu_le) == (len(octets), Statut.RECU, make(1).recu_le)
    assert (known.code, known.numero, known.termine_le) == ("", "", None)


def test_outcomes_are_written_on_the_right_exchanges(engine: Engine) -> None:
    with engine.begin() as conn:
        record_receptions(conn, [make(n) for n in (1, 2, 3)])
        record_outcomes(
            conn,
            [
                Issue(uuid.UUID(int=3), Statut.REFUSE, INSTANT, code="DEM101"),
                Issue(uuid.UUID(int=1), Statut.ACCEPTE, INSTANT, numero="1110326000001G1104"),
                Issue(uuid.UUID(int=9), Statut.ECHEC, INSTANT),
            ],
        )
        found = {known.id.int: (known.statut, known.code, known.numero) for known in list_echanges(conn)}
    assert found == {
        1: (Statut.ACCEPTE, "", "1110326000001G1104"),
        2: (Statut.RECU, "", ""),
        3: (Statut.REFUSE, "DEM101", ""),
    }


def test_receptions_do_not_wait_for_the_disk_and_only_they(engine: Engine) -> None:
    """What a registration commits must wait; the setting must not outlive its transaction."""
    show = text("SHOW synchronous_commit")
    with engine.connect() as conn:
        with conn.begin():
            record_receptions(conn, [make(1)])
            assert conn.scalar(show) == "off"
        with conn.begin():
            record_outcomes(conn, [Issue(uuid.UUID(int=1), Statut.ECHEC, INSTANT)])
            assert conn.scalar(show) == "on"
        with conn.begin():
            relax(conn)
            assert conn.scalar(show) == "off"
        with conn.begin():
            assert conn.scalar(show) == "on"


def test_nothing_to_write_asks_nothing(engine: Engine) -> None:
    with engine.begin() as conn:
        record_receptions(conn, [])
        record_outcomes(conn, [])
        assert list_echanges(conn) == ()


def test_the_list_is_newest_first_by_page_and_filtered(engine: Engine) -> None:
    with engine.begin() as conn:
        record_receptions(conn, [make(n) for n in range(1, 6)])
        record_outcomes(conn, [Issue(uuid.UUID(int=2), Statut.REFUSE, INSTANT, "DEM101")])
        page = list_echanges(conn, limite=2)
        assert [known.id.int for known in page] == [5, 4]
        assert [known.id.int for known in list_echanges(conn, avant=page[-1].id)] == [3, 2, 1]
        assert [known.id.int for known in list_echanges(conn, statut=Statut.REFUSE)] == [2]
        assert list_echanges(conn, guichet="G9999") == ()


_RECEIVED = text("""
    INSERT INTO echange (id, guichet, certificat, canal, operation, recu_le, taille, empreinte, statut, code)
    VALUES (:id, :guichet, '', 'soap', 'getNumUnique', now(), 0, '', 'recu', :code)
""")
_ANSWERED = text("UPDATE echange SET statut = :statut WHERE id = :id")


def test_the_exchanges_of_a_small_guichet_are_not_looked_for_among_all(engine: Engine) -> None:
    """[FLX-20] 30 among 30,000, by the index of its guichet, on the first page and on those after."""
    with engine.begin() as conn:
        conn.execute(
            text("""
                INSERT INTO echange (id, guichet, certificat, canal, operation, recu_le, taille, empreinte,
                    statut)
                SELECT lpad(to_hex(n), 32, '0')::uuid, CASE WHEN n % 1000 = 0 THEN 'G0001' ELSE 'G0002' END,
                    '', 'soap', 'getNumUnique', now(), 0, '',
                    CASE WHEN n % 40 = 0 THEN 'refuse' ELSE 'accepte' END
                FROM generate_series(1, 30000) AS n
            """)
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE echange, echange_rare"))
    with engine.connect() as conn, explained(conn) as plans:
        for suite in ("", str(uuid.UUID(int=20_000))):
            for statut in (None, Statut.REFUSE):
                find_echanges(conn, Recherche("G0001", statut=statut), lambda _: true(), suite=suite)
        find_echanges(conn, Recherche(statut=Statut.REFUSE), lambda c: c == "G0001")
    assert plans
    assert [plan for plan in plans if "echange_guichet_ix" not in plan and "echange_rare_" not in plan] == []
    assert [plan for plan in plans if "Seq Scan on echange " in plan] == []


LUS = st.lists(
    st.tuples(
        st.sampled_from(("G0001", "G0002", "G0003")),
        st.sampled_from(Statut),
        st.sampled_from(("ENR012", "XSD001")),
    ),
    max_size=20,
)


@given(
    LUS,
    st.sampled_from(("", "G0001")),
    st.sampled_from((("G0001", "G0002"), ("G0002",))),
    st.none() | st.sampled_from(Statut),
    st.sampled_from(("", "XSD001")),
    st.integers(1, 4),
    st.integers(1, 5),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_search_finds_what_reading_all_would(
    module_engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    drawn: list[tuple[str, Statut, str]],
    guichet: str,
    vus: tuple[str, ...],
    voulu: Statut | None,
    code: str,
    limite: int,
    fenetre: int,
) -> None:
    """[FLX-20] Page after page, whatever the outcome and whoever looks; an outcome may have been another."""
    monkeypatch.setattr(fenetres, "FENETRE", fenetre)
    found: list[int] = []
    suite = ""
    with module_engine.connect() as conn:
        for rang, (auteur, statut, dit) in enumerate(drawn, 1):
            values = {"id": uuid.UUID(int=rang), "guichet": auteur, "statut": statut, "code": dit}
            conn.execute(_RECEIVED, values)
            if statut is not Statut.RECU:
                # Cut short, then handled again.
                conn.execute(_ANSWERED, values | {"statut": Statut.ECHEC if rang % 3 else Statut.REFUSE})
                conn.execute(_ANSWERED, values)
        while True:
            recherche = Recherche(guichet, statut=voulu, code=code)
            page = find_echanges(conn, recherche, lambda c: c.in_(vus), suite=suite, limite=limite)
            found += [each.id.int for each in page.echanges]
            if not (suite := page.suite):
                break
    assert found == [
        rang
        for rang, (auteur, statut, dit) in reversed(list(enumerate(drawn, 1)))
        if auteur in vus and guichet in ("", auteur) and voulu in (None, statut) and code in ("", dit)
    ]
