"""What is held of messages while they are handled: bounded by their size, whatever their number."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from mailflows.entrants import Depot, Pris, Source, record, take
from registry.clock import FixedClock


def deposit(engine: Engine, clock: FixedClock, *tailles: int) -> None:
    """Messages of these sizes, in this order."""
    with engine.begin() as conn:
        for taille in tailles:
            clock.advance(timedelta(seconds=1))
            assert record(conn, Depot(Source.SMTP, b"x" * taille, "a@b.fr", clock.now())) is not None


def taken(engine: Engine, clock: FixedClock, octets: int, *, seul: bool, nombre: int = 8) -> list[Pris]:
    with engine.begin() as conn:
        found = take(conn, instant=clock.now(), porteur=1, nombre=nombre, octets=octets, seul=seul)
    return sorted(found, key=lambda each: each.recu_le)


@pytest.mark.parametrize(
    ("octets", "seul", "attendu"),
    [(100, True, [30, 40]), (130, True, [30, 40, 60]), (10, True, [30]), (10, False, []), (0, False, [])],
)
def test_messages_handled_together_are_bounded_by_their_octets(
    engine: Engine, clock: FixedClock, octets: int, seul: bool, attendu: list[int]
) -> None:
    """[COU-36] In their order; the first one, too large, is taken when nothing else is in hand."""
    deposit(engine, clock, 30, 40, 60, 5)
    assert [each.taille for each in taken(engine, clock, octets, seul=seul)] == attendu


def test_a_large_message_does_not_wait_for_ever(engine: Engine, clock: FixedClock) -> None:
    """[COU-36] Those behind it wait with it, until it can be handled alone."""
    deposit(engine, clock, 60, 5, 5)
    assert taken(engine, clock, 50, seul=False) == []
    (large,) = taken(engine, clock, 50, seul=True)
    assert large.taille == 60
    assert [each.taille for each in taken(engine, clock, 50, seul=False)] == [5, 5]
    with engine.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM courrier_entrant WHERE porteur = 1")).scalar() == 3


def test_a_message_is_given_once(engine: Engine, clock: FixedClock) -> None:
    """[COU-36] Whoever reads it decides how long it is held."""
    deposit(engine, clock, 3)
    (pris,) = taken(engine, clock, 50, seul=True)
    assert (pris.give(), pris.give()) == (b"xxx", b"")
