"""The lists asked by date: nothing missed, nothing twice, whatever commits meanwhile (40-dalo.md)."""

from __future__ import annotations

import random
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from registry.clock import Clock, FixedClock
from registry.evenements import EvenementDemande
from registry.guichets import Guichet
from registry.listes_dates import Criteres, write_list
from registry.releves import ACTIF, Releve, cut, follow
from schemas.demande import Demande, read_demande
from schemas.documents import DEMANDES, read_document
from schemas.parser import parse
from schemas.violations import Violation
from tests.registry.dalo import (
    ETAT,
    DecideurReleves,
    date_of,
    declaration,
    declare_all,
    numbers_in,
    radiate,
    register_demandes,
)
from tests.registry.fabrique import AUTRE_BAILLEUR, COMMUNE, horloge

TOUJOURS = datetime(2026, 1, 1, tzinfo=UTC)


def ask(
    engine: Engine,
    clock: Clock,
    depuis: datetime = TOUJOURS,
    releve: Releve = Releve.DALO,
    guichet: Guichet = AUTRE_BAILLEUR,
    criteres: Criteres | None = None,
) -> bytes:
    """As the handler does: the cut-off committed, then the list."""
    with engine.begin() as conn:
        jusqu_au = cut(conn, releve, clock.now())
    morceaux: list[bytes] = []
    with engine.connect() as conn:
        write_list(conn, releve, guichet, depuis, jusqu_au, morceaux.append, criteres)
    return b"".join(morceaux)


class HorlogeDecalee:
    """The clock of a process that is wrong by up to two seconds, another way each time."""

    def __init__(self, graine: int) -> None:
        self._rng = random.Random(graine)

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(milliseconds=self._rng.randint(-2000, 2000))


def test_a_recognition_is_in_the_list_and_no_other_status(engine: Engine) -> None:
    """[DAL-8] what became ACTIF, as it is now; the answer bears the date to ask from next."""
    clock = horloge()
    reconnue, caduque, _sans = register_demandes(engine, 3)
    declare_all(engine, [declaration(reconnue), declaration(caduque, "CADUC")], clock)
    liste = ask(engine, clock)
    assert numbers_in(liste) == [reconnue]
    assert date_of(liste) > clock.now()
    assert numbers_in(ask(engine, clock, date_of(liste))) == []


def test_every_document_of_a_list_is_valid(engine: Engine) -> None:
    """[DAL-9] the list holds whole documents of the interface, each with the header of the answer."""
    clock = horloge()
    declare_all(engine, [declaration(each) for each in register_demandes(engine, 3)], clock)
    liste = ask(engine, clock)
    racine = parse(liste)
    assert not isinstance(racine, Violation)
    coupes = liste.split(b"<ns1:interfaceNuu")[1:]
    for coupe in coupes:
        data = b"<ns1:interfaceNuu" + coupe.split(b"</ns1:interfaceNuu>")[0] + b"</ns1:interfaceNuu>"
        assert not isinstance(document := read_document(data, DEMANDES), tuple), document
        assert read_demande(document.root).date_fichier == date_of(liste)
    assert len(coupes) == 3


def test_what_is_written_after_an_answer_is_in_the_next(engine: Engine) -> None:
    """[DAL-10] even at the same millisecond, and even when the clock of the writer is late."""
    clock = horloge()
    une, deux, trois = register_demandes(engine, 3)
    declare_all(engine, [declaration(une)], clock)
    premiere = ask(engine, clock)
    declare_all(engine, [declaration(deux)], clock)
    retard = FixedClock(clock.now() - timedelta(hours=1))
    declare_all(engine, [declaration(trois)], retard)
    seconde = ask(engine, clock, date_of(premiere))
    assert (numbers_in(premiere), numbers_in(seconde)) == ([une], [deux, trois])
    # The first answer again, from the same date: what it held is still there.
    assert numbers_in(ask(engine, clock)) == [une, deux, trois]


def test_an_answer_waits_for_the_transaction_in_progress(engine: Engine) -> None:
    """[DAL-10] a radiation begun before the answer and committed after is in it; the other list waits for
    nothing."""
    clock = horloge()
    (numero,) = register_demandes(engine, 1)
    decideur = DecideurReleves(clock)
    commence, fini = threading.Event(), threading.Event()

    def read() -> bytes:
        commence.wait()
        liste = ask(engine, clock)
        fini.set()
        return liste

    with ThreadPoolExecutor(1) as pool, engine.begin() as conn:
        future = pool.submit(read)
        radiate(conn, numero, decideur)
        commence.set()
        assert fini.wait(10)
        assert numbers_in(future.result()) == []
    commence.clear()
    fini.clear()
    (autre,) = register_demandes(engine, 1, "autre")
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as conn:
            radiate(conn, autre, decideur)
            future = pool.submit(lambda: ask(engine, clock, releve=Releve.RADIATIONS))
            while not conn.execute(
                text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            ).scalar_one():
                assert not future.done()
        assert set(numbers_in(future.result())) == {numero, autre}


@pytest.mark.parametrize("graine", [1, 2])
def test_nothing_is_missed_nor_told_twice_under_concurrent_writes(engine: Engine, graine: int) -> None:
    """[DAL-10] six writers with wrong clocks, one reader that asks from the date of its last answer."""
    numeros = register_demandes(engine, 60)
    rng = random.Random(graine)
    rng.shuffle(numeros)
    arret = threading.Event()

    def write(rang: int) -> None:
        clock = HorlogeDecalee(graine * 100 + rang)
        for numero in numeros[rang::6]:
            declare_all(engine, [declaration(numero)], clock)

    def read() -> list[str]:
        clock = HorlogeDecalee(graine)
        depuis, vus = TOUJOURS, []
        while True:
            dernier = arret.is_set()
            liste = ask(engine, clock, depuis)
            vus += numbers_in(liste)
            assert date_of(liste) >= depuis
            depuis = date_of(liste)
            if dernier:
                return vus

    with ThreadPoolExecutor(7) as pool:
        lecteur = pool.submit(read)
        ecrivains = [pool.submit(write, rang) for rang in range(6)]
        for each in ecrivains:
            each.result()
        arret.set()
        vus = lecteur.result()
    assert sorted(vus) == sorted(numeros)


def test_a_demande_recognised_twice_is_told_twice_but_once_in_an_answer(engine: Engine) -> None:
    """[DAL-8] ACTIF, CADUC, ACTIF again: the second recognition is new."""
    clock = horloge()
    (numero,) = register_demandes(engine, 1)
    declare_all(engine, [declaration(numero)], clock)
    premiere = ask(engine, clock)
    for statut in ("CADUC", "ACTIF"):
        # Another decision: the very same file would be a replay.
        declare_all(engine, [declaration(numero, statut, date(2026, 6, 20))], clock)
    seconde = ask(engine, clock, date_of(premiere))
    assert numbers_in(premiere) == numbers_in(seconde) == [numero]
    assert numbers_in(ask(engine, clock)) == [numero]


def test_each_reads_within_its_right(engine: Engine) -> None:
    """[DAL-14] the territory for a bailleur, the wished communes for a commune."""
    clock = horloge()
    (paris,) = register_demandes(engine, 1, communes=["75056"])
    (saint_ouen,) = register_demandes(engine, 1, "ouen", communes=["93066"])
    declare_all(engine, [declaration(paris), declaration(saint_ouen)], clock)
    ailleurs = Guichet("G5900", "Nord", AUTRE_BAILLEUR.type, "", frozenset({"059"}))
    assert numbers_in(ask(engine, clock)) == [paris, saint_ouen]
    assert numbers_in(ask(engine, clock, guichet=ETAT)) == [paris, saint_ouen]
    assert numbers_in(ask(engine, clock, guichet=COMMUNE)) == [saint_ouen]
    assert numbers_in(ask(engine, clock, guichet=ailleurs)) == []


def test_radiations_and_their_three_criteria(engine: Engine) -> None:
    """[DAL-13] motive, DALO status and reservation: each narrows, together they all hold."""
    clock = horloge()
    abandon, attribuee, dalo = register_demandes(engine, 3)
    decideur = DecideurReleves(clock)
    declare_all(engine, [declaration(dalo)], clock, decideur)
    with engine.begin() as conn:
        radiate(conn, abandon, decideur)
        radiate(conn, attribuee, decideur, "RADATT", "COLTER")
        radiate(conn, dalo, decideur, "RADATT", "PPRIOR")

    def found(**criteres: str) -> list[str]:
        return numbers_in(ask(engine, clock, releve=Releve.RADIATIONS, criteres=Criteres(**criteres)))

    assert found() == [abandon, attribuee, dalo]
    assert found(motif="RADATT") == [attribuee, dalo]
    assert found(statut_dalo="ACTIF") == [dalo]
    assert found(type_reservataire="COLTER") == [attribuee]
    assert found(motif="RADABA", type_reservataire="COLTER") == []


def test_a_demande_reactivated_is_no_longer_told(engine: Engine) -> None:
    """[DAL-8] the list tells what is radiated; a déradiation takes the demande out of it."""
    clock = horloge()
    (numero,) = register_demandes(engine, 1)
    with engine.begin() as conn:
        radiate(conn, numero, DecideurReleves(clock))
        conn.execute(text("UPDATE demande SET etat = 'active'"))
    assert numbers_in(ask(engine, clock, releve=Releve.RADIATIONS)) == []


def test_memory_does_not_grow_with_the_list(engine: Engine) -> None:
    """[DAL-9] a list is written as it is read: 6,000 demandes, 20 MB or so, in less than 4 MB."""
    clock = horloge()
    (numero,) = register_demandes(engine, 1)
    declare_all(engine, [declaration(numero)], clock)
    with engine.begin() as conn:
        for requete in (
            """CREATE TEMP TABLE copies ON COMMIT DROP AS
                SELECT n, lpad(n::text, 18, '0') AS numero FROM generate_series(1, 6000) n""",
            """INSERT INTO releve_dalo
                SELECT 1000 + n, c.numero, territoire, vu_le FROM releve_dalo, copies c""",
            """INSERT INTO demande_version (numero, version, sequence_journal, nature, guichet, instant,
                    document, empreinte)
                SELECT c.numero, 1, 1000 + n, nature, guichet, instant, document, empreinte
                FROM demande_version, copies c WHERE version = 2""",
            """INSERT INTO demande (numero, territoire, guichet, date_depot, recue_le, etat, version,
                    communes, types, doublon_force, sequence_journal, maj_le)
                SELECT c.numero, territoire, guichet, date_depot, recue_le, etat, 1, communes, types,
                    doublon_force, 1000 + n, maj_le
                FROM demande, copies c""",
        ):
            conn.execute(text(requete))
    with engine.begin() as conn:
        jusqu_au = cut(conn, Releve.DALO, clock.now())
    taille = 0

    def write(morceau: bytes) -> None:
        nonlocal taille
        taille += len(morceau)

    with engine.connect() as conn:
        tracemalloc.start()
        try:
            nombre = len(write_list(conn, Releve.DALO, AUTRE_BAILLEUR, TOUJOURS, jusqu_au, write))
            pointe = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert nombre == 6001
    assert taille > 16 << 20
    assert pointe < 4 << 20


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["", "NON", "ACTIF", "CADUC"])), max_size=20))
def test_a_recognition_is_a_passage_to_actif(suite: list[tuple[int, str]]) -> None:
    """[DAL-8] as many recognitions as passages from anything else to ACTIF, in the order of the journal."""
    attendus = []
    courants = {1: ACTIF}
    evenements = []
    for sequence, (numero, statut) in enumerate(suite, 10):
        if statut == ACTIF and courants.get(numero, "") != ACTIF:
            attendus.append(sequence)
        courants[numero] = statut
        evenements.append(
            EvenementDemande(sequence, str(numero), 2, "MOD", "111", "G7500", TOUJOURS, _demande(statut))
        )
    suivi = follow(evenements, {"1": ACTIF})
    assert [each.sequence for each in suivi.reconnaissances] == attendus


def _demande(statut: str) -> Demande:
    volet = f'<informationDalo><statutDalo code="{statut}"/></informationDalo>' if statut else ""
    racine = parse(
        f'<interfaceNuu xmlns="http://nuu.application.i2/"><demande>{volet}</demande></interfaceNuu>'.encode()
    )
    assert not isinstance(racine, Violation)
    return read_demande(racine)
