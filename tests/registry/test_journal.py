"""The journal: sealed, without gap, in order, and honest about what was tampered with."""

from __future__ import annotations

import hashlib
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.exc import DBAPIError

from registry.echanges import Canal
from registry.journal import ORIGINE, Chaine, Ecriture, seal, verify
from registry.tables import DEMANDE_VERSION

INSTANT = datetime(2026, 3, 16, 9, 30, 0, 120000, tzinfo=UTC)
DOCUMENT = b"<ns1:interfaceNuu/>"
ECRITURE = Ecriture(
    instant=INSTANT,
    nature="CRE",
    guichet="G1104",
    certificat="ab" * 32,
    canal=Canal.SOAP,
    echange=uuid.UUID("0195a0b2-0000-7000-8000-000000000001"),
    numero="1110326000001G1104",
    version=1,
    document=hashlib.sha256(DOCUMENT).digest(),
    detail='{"doublon":"forcé"}',
)

ecritures = st.builds(
    Ecriture,
    instant=st.datetimes(
        min_value=datetime(1990, 1, 1),  # noqa: DTZ001 (hypothesis wants naive bounds)
        max_value=datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    nature=st.sampled_from(["CRE", "MOD", "RAD"]),
    guichet=st.text(min_size=5, max_size=5, alphabet="GABC0123456789"),
    certificat=st.just("ab" * 32),
    canal=st.sampled_from(Canal),
    echange=st.none() | st.uuids(),
    numero=st.none() | st.just("1110326000001G1104"),
    version=st.none() | st.integers(1, 100),
    document=st.none() | st.binary(min_size=32, max_size=32),
    detail=st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
)


def write(conn: Connection, count: int) -> None:
    """`count` entries with their documents, in one batch."""
    chaine = Chaine.lock(conn)
    batch = [
        replace(ECRITURE, numero=f"1110326{n:06d}G1104")
        for n in range(chaine.sequence + 1, chaine.sequence + count + 1)
    ]
    for entree in chaine.append(batch):
        conn.execute(
            insert(DEMANDE_VERSION).values(
                numero=entree.ecriture.numero,
                version=1,
                sequence_journal=entree.sequence,
                nature="CRE",
                guichet="G1104",
                instant=INSTANT,
                document=DOCUMENT,
                empreinte=entree.ecriture.document,
            )
        )


def test_the_canonical_form_is_the_documented_one() -> None:
    """Whoever verifies with a program of their own relies on these very bytes."""
    forme = (
        '["journal-1",7,"' + "00" * 32 + '","2026-03-16T09:30:00.120000Z","CRE","1110326000001G1104",1,'
        '"G1104","'
        + "ab" * 32
        + '","soap","0195a0b2-0000-7000-8000-000000000001","'
        + hashlib.sha256(DOCUMENT).hexdigest()
        + '","{\\"doublon\\":\\"forc\\u00e9\\"}"]'
    )
    assert seal(7, ORIGINE, ECRITURE).empreinte == hashlib.sha256(forme.encode()).digest()


@given(ecritures, st.integers(1, 2**60), st.binary(min_size=32, max_size=32))
def test_no_two_entries_share_a_form(ecriture: Ecriture, sequence: int, precedent: bytes) -> None:
    """Each field is sealed: changing any one changes the empreinte."""
    sealed = seal(sequence, precedent, ecriture).empreinte
    others = [
        seal(sequence + 1, precedent, ecriture),
        seal(sequence, bytes(32) if precedent != bytes(32) else b"1" * 32, ecriture),
        seal(sequence, precedent, replace(ecriture, instant=ecriture.instant + timedelta(microseconds=1))),
        seal(sequence, precedent, replace(ecriture, nature="SUP")),
        seal(sequence, precedent, replace(ecriture, guichet="ZZZZZ")),
        seal(sequence, precedent, replace(ecriture, certificat="cd" * 32)),
        seal(sequence, precedent, replace(ecriture, numero="autre")),
        seal(sequence, precedent, replace(ecriture, version=101)),
        seal(sequence, precedent, replace(ecriture, echange=uuid.UUID(int=1))),
        seal(sequence, precedent, replace(ecriture, document=b"")),
        seal(sequence, precedent, replace(ecriture, detail=ecriture.detail + "x")),
    ]
    assert all(other.empreinte != sealed for other in others)


def test_the_same_instant_in_another_zone_is_the_same_entry() -> None:
    paris = INSTANT.astimezone(timezone(timedelta(hours=1)))
    assert (
        seal(1, ORIGINE, replace(ECRITURE, instant=paris)).empreinte == seal(1, ORIGINE, ECRITURE).empreinte
    )


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="fuseau"):
        seal(1, ORIGINE, replace(ECRITURE, instant=INSTANT.replace(tzinfo=None)))


@given(st.lists(ecritures, max_size=8))
def test_what_is_written_verifies(module_engine: Engine, batch: list[Ecriture]) -> None:
    """Nothing is lost or altered between the value sealed and the row read back (microseconds, accents…)."""
    with module_engine.connect() as conn, conn.begin() as transaction:
        chaine = Chaine.lock(conn)
        entrees = chaine.append(batch)
        assert [entree.sequence for entree in entrees] == list(range(1, len(batch) + 1))
        report = verify(conn)
        assert report.intacte
        assert report.entrees == len(batch)
        assert report.tete == chaine.empreinte
        transaction.rollback()


def test_an_empty_journal_is_intact(engine: Engine) -> None:
    with engine.begin() as conn:
        report = verify(conn)
        assert Chaine.lock(conn).append([]) == ()
    assert report.intacte
    assert report.tete == ORIGINE


def test_two_appends_of_a_transaction_follow_each_other(engine: Engine) -> None:
    with engine.begin() as conn:
        chaine = Chaine.lock(conn)
        (first,) = chaine.append([ECRITURE])
        (second,) = chaine.append([ECRITURE])
        assert (second.sequence, second.precedent) == (2, first.empreinte)
        assert verify(conn).intacte


def test_a_rollback_leaves_no_gap(engine: Engine) -> None:
    with engine.connect() as conn:
        with conn.begin() as transaction:
            write(conn, 3)
            transaction.rollback()
        with conn.begin():
            write(conn, 2)
            report = verify(conn)
    assert report.intacte
    assert (report.entrees, report.documents) == (2, 2)


def test_concurrent_writers_make_one_unbroken_chain(engine: Engine) -> None:
    """issue 2: the lock of the head orders all registrations."""

    def work(_: int) -> None:
        with engine.begin() as conn:
            write(conn, 3)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(40)))
    with engine.connect() as conn:
        report = verify(conn)
    assert report.intacte
    assert report.entrees == 120


def test_the_database_refuses_to_rewrite_the_journal(engine: Engine) -> None:
    with engine.begin() as conn:
        write(conn, 1)
    for statement in ("UPDATE journal SET guichet = 'G0000'", "DELETE FROM journal", "TRUNCATE journal"):
        with engine.connect() as conn, pytest.raises(DBAPIError, match="ajout seul"):
            conn.execute(text(statement))


@pytest.mark.parametrize(
    ("fraud", "sequence", "constat"),
    [
        ("UPDATE journal SET guichet = 'G0000' WHERE sequence = 3", 3, "scellé"),
        ("UPDATE journal SET instant = instant + interval '1 microsecond' WHERE sequence = 3", 3, "scellé"),
        ("DELETE FROM journal WHERE sequence = 3", 4, "entrée attendue 3"),
        ("DELETE FROM journal WHERE sequence = 5", 5, "tête"),
        ("UPDATE chaine SET empreinte = decode(repeat('11', 32), 'hex')", 5, "tête"),
        ("UPDATE demande_version SET document = 'faux' WHERE sequence_journal = 2", 2, "document"),
    ],
)
def test_a_fraud_is_found_where_it_is(engine: Engine, fraud: str, sequence: int, constat: str) -> None:
    """Even by someone who removes the trigger first."""
    with engine.begin() as conn:
        write(conn, 5)
        conn.execute(text("ALTER TABLE journal DISABLE TRIGGER journal_ajout_seul"))
        conn.execute(text(fraud))
    with engine.connect() as conn:
        report = verify(conn)
    assert not report.intacte
    assert report.ruptures[0].sequence == sequence
    assert constat in report.ruptures[0].constat


def test_resealing_one_entry_breaks_the_next(engine: Engine) -> None:
    """[ENR-40]"""
    with engine.begin() as conn:
        write(conn, 5)
        conn.execute(text("ALTER TABLE journal DISABLE TRIGGER journal_ajout_seul"))
        precedent = conn.scalar(text("SELECT precedent FROM journal WHERE sequence = 3"))
        forged = seal(3, precedent, replace(ECRITURE, numero="1110326000003G1104", guichet="G0000"))
        conn.execute(
            text("UPDATE journal SET guichet = 'G0000', empreinte = :e WHERE sequence = 3"),
            {"e": forged.empreinte},
        )
    with engine.connect() as conn:
        report = verify(conn)
    assert [rupture.sequence for rupture in report.ruptures] == [4]


def test_ruptures_are_bounded_and_counted(engine: Engine) -> None:
    with engine.begin() as conn:
        write(conn, 250)
        conn.execute(text("UPDATE demande_version SET document = 'faux'"))
    with engine.connect() as conn:
        report = verify(conn)
    assert report.nombre_ruptures == 250
    assert len(report.ruptures) == 100


def test_progress_is_told(engine: Engine) -> None:
    told: list[tuple[int, int]] = []
    with engine.begin() as conn:
        Chaine.lock(conn).append([replace(ECRITURE, numero=None, version=None)] * 2500)
        verify(conn, lambda done, total: told.append((done, total)))
    assert told == [(2000, 2500), (2500, 2500)]


def test_a_dump_verifies_with_the_standard_library_alone(engine: Engine) -> None:
    """[ENR-40] The docstring of the module is enough to write another verifier."""
    with engine.begin() as conn:
        write(conn, 4)
        rows = conn.execute(text("SELECT * FROM journal ORDER BY sequence")).mappings().all()
    previous = bytes(32)
    for row in rows:
        fields = [
            "journal-1",
            row["sequence"],
            previous.hex(),
            row["instant"].strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            *(row[name] for name in ("nature", "numero", "version", "guichet", "certificat", "canal")),
            str(row["echange"]),
            row["document"].hex(),
            row["detail"],
        ]
        previous = hashlib.sha256(json.dumps(fields, separators=(",", ":")).encode()).digest()
        assert previous == row["empreinte"]
