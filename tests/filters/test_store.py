"""Filters are versioned, effective at an instant, and seen by the next decision of every process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine

from filters.en_vigueur import FiltresEnVigueur
from filters.language import MAX_FILTRES, Filtre, filtre
from filters.store import (
    VersionFiltre,
    filtres_in_force,
    get_version,
    list_versions,
    save_filtre,
    withdraw_filtre,
)
from filters.traits import traits_from
from registry.clock import FixedClock
from registry.constats import Constat
from registry.generations import Generation, read
from registry.guichets import TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet

NORD = filtre("Nord", territoires=["059"])
T2 = filtre("Nord", territoires=["059"], types_logement=["T2"])
LILLE = traits_from(["59350"], ["T3"])
DAY = timedelta(days=1)


@pytest.fixture
def conn(engine: Engine, clock: FixedClock) -> Iterator[Connection]:
    with engine.begin() as conn:
        for code in ("G0001", "G0002"):
            nouveau = NouveauGuichet(code, code, TypeGuichet.BAILLEUR, "", frozenset({"059"}))
            add_guichet(conn, nouveau, instant=clock.now())
        yield conn


def _saved(found: VersionFiltre | tuple[Constat, ...]) -> VersionFiltre:
    assert isinstance(found, VersionFiltre)
    return found


def _codes(found: VersionFiltre | tuple[Constat, ...]) -> list[str]:
    assert not isinstance(found, VersionFiltre)
    return [constat.code for constat in found]


def test_saving_again_makes_a_version_and_keeps_the_old_one(conn: Connection, clock: FixedClock) -> None:
    """[FIL-8]"""
    first = _saved(save_filtre(conn, "G0001", NORD, instant=clock.now()))
    before = clock.now()
    second = _saved(save_filtre(conn, "G0001", T2, instant=clock.advance(DAY)))
    assert (first.version, second.version) == (1, 2)
    assert second.generation > first.generation
    assert list_versions(conn, "G0001") == (first, second)
    assert get_version(conn, first.identifiant, 1) == first
    assert filtres_in_force(conn, before) == (first,)
    assert filtres_in_force(conn, clock.now()) == (second,)


def test_the_same_conditions_again_change_nothing(conn: Connection, clock: FixedClock) -> None:
    first = save_filtre(conn, "G0001", NORD, instant=clock.now())
    assert save_filtre(conn, "G0001", NORD, instant=clock.advance(DAY)) == first


def test_a_decision_knows_the_versions_of_its_generation_only(conn: Connection, clock: FixedClock) -> None:
    """Even when a later version, made after the decision, bears the same instant."""
    first = _saved(save_filtre(conn, "G0001", NORD, instant=clock.now()))
    known = read(conn, Generation.FILTRES)
    second = _saved(save_filtre(conn, "G0001", T2, instant=clock.now()))
    assert filtres_in_force(conn, clock.now(), generation=known) == (first,)
    assert filtres_in_force(conn, clock.now()) == (second,)


def test_a_withdrawn_filter_is_no_longer_in_force_and_may_come_back(
    conn: Connection, clock: FixedClock
) -> None:
    save_filtre(conn, "G0001", NORD, instant=clock.now())
    gone = _saved(withdraw_filtre(conn, "G0001", "Nord", instant=clock.advance(DAY)))
    assert gone.filtre is None
    assert filtres_in_force(conn, clock.now()) == ()
    assert filtres_in_force(conn, clock.now() - DAY) != ()
    assert _codes(withdraw_filtre(conn, "G0001", "Nord", instant=clock.now())) == ["FILTRE-INCONNU"]
    back = _saved(save_filtre(conn, "G0001", NORD, instant=clock.now()))
    assert (back.identifiant, back.version) == (gone.identifiant, 3)


def test_refusals_say_what_is_wrong(conn: Connection, clock: FixedClock) -> None:
    now = clock.now()
    assert _codes(save_filtre(conn, "G9999", NORD, instant=now)) == ["GUICHET-INCONNU"]
    assert _codes(withdraw_filtre(conn, "G0001", "Nord", instant=now)) == ["FILTRE-INCONNU"]
    assert _codes(save_filtre(conn, "G0001", NORD, instant=now, effet_le=now - DAY)) == ["FILTRE-EFFET"]
    save_filtre(conn, "G0001", NORD, instant=now, effet_le=now + DAY)
    assert _codes(save_filtre(conn, "G0001", T2, instant=now)) == ["FILTRE-EFFET"]


def test_filters_of_a_guichet_are_counted(conn: Connection, clock: FixedClock) -> None:
    for rank in range(MAX_FILTRES):
        _saved(save_filtre(conn, "G0001", Filtre(f"F{rank}"), instant=clock.now()))
    assert _codes(save_filtre(conn, "G0001", NORD, instant=clock.now())) == ["FILTRE-NOMBRE"]
    _saved(save_filtre(conn, "G0001", filtre("F0", territoires=["059"]), instant=clock.now()))
    _saved(save_filtre(conn, "G0002", NORD, instant=clock.now()))


def test_the_memory_follows_the_database(conn: Connection, clock: FixedClock) -> None:
    """[FIL-21] Additions, replacements, withdrawals and versions to come: memory equals database."""
    memory = FiltresEnVigueur()

    def check() -> None:
        memory.refresh(conn, read(conn, Generation.FILTRES), clock.now())
        expected = filtres_in_force(conn, clock.now())
        assert len(memory) == len(expected)
        everything = {version for version in expected if version.filtre in (NORD, Filtre("Tout"))}
        assert set(memory.match(LILLE)) == everything

    check()
    save_filtre(conn, "G0001", NORD, instant=clock.now())
    save_filtre(conn, "G0002", Filtre("Tout"), instant=clock.now())
    check()
    save_filtre(conn, "G0001", T2, instant=clock.now(), effet_le=clock.now() + DAY)
    check()
    clock.advance(DAY)
    check()
    withdraw_filtre(conn, "G0002", "Tout", instant=clock.now())
    check()
    clock.advance(-DAY)
    check()


def test_a_restored_database_is_read_again(conn: Connection, clock: FixedClock) -> None:
    """A generation older than the one in memory: nothing of what was known may remain."""
    save_filtre(conn, "G0001", NORD, instant=clock.now())
    memory = FiltresEnVigueur()
    memory.refresh(conn, read(conn, Generation.FILTRES), clock.now())
    assert len(memory) == 1
    memory.refresh(conn, 1, clock.now())
    assert len(memory) == 0
