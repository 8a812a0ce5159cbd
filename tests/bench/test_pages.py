"""The bench of the console forgets no page, and its clock starts where it is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bench.pages_cas import ACTES, EXCLUES, Tirages, cases, measured
from bench.pages_hub import Horloge
from console.table import Methode, load_table

UN = ["X"]
TIRAGES = Tirages(
    demandes=UN,
    longue="Y",
    pieces=UN,
    guichets=["B1111", "G0001"],
    echanges={"B1111": UN},
    certificats={"B1111": UN},
    courriers=UN,
    comptes=UN,
    jours=UN,
    sequences={"acquittee": UN},
    semaine="2026-W48",
    maintenant=datetime(2026, 11, 29, 11, tzinfo=UTC),
)


def test_every_page_that_reads_is_asked_for_as_every_profile() -> None:
    """An address that its page cannot make raises; a page left out has its reason."""
    table = load_table()
    for page in table:
        assert measured(page) or page.methode is Methode.POST or page.nom.startswith(tuple(EXCLUES))
        for profil in (None,) if page.publique else page.droits:
            for variante in cases(page, profil, TIRAGES).values() if measured(page) else ():
                assert variante
                assert all(page.url(**demande.parametres) for demande in variante)
    assert {page.nom for page in table} >= ACTES


def test_the_clock_of_the_bench_runs_from_another_instant() -> None:
    horloge = Horloge(datetime(2020, 1, 1, tzinfo=UTC))
    assert timedelta() <= horloge.now() - datetime(2020, 1, 1, tzinfo=UTC) < timedelta(minutes=5)
