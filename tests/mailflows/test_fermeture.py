"""The cut-off of the channel: announced, then in force."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.partenaire_courrier import PartenaireCourrier, Piece, Recu
from mailflows.entrant import Reglages
from mailflows.fermeture import (
    TOUJOURS,
    TOUS,
    Fermeture,
    close,
    configured,
    fermeture_of,
    is_closed,
    list_fermetures,
    reopen,
    warning_of,
)
from registry.controles import PARIS
from registry.moments import say_moment
from schemas.courrier import Verdict
from tests.mailflows.monde import Monde
from tests.registry.fabrique import generate

T0 = datetime(2026, 3, 1, tzinfo=UTC)


async def post(partenaire: PartenaireCourrier, seed: str) -> Recu:
    async with asyncio.timeout(20):
        (recu,) = await partenaire.answer_to(await partenaire.post(Piece("DEM.xml", generate(seed))))
    return recu


@pytest.mark.parametrize("qui", [TOUS, "G1104"])
async def test_warned_before_refused_after(monde: Monde, qui: str) -> None:
    """[COU-60] [COU-61]"""
    partenaire = monde.partenaire()
    with monde.engine.begin() as conn:
        ferme = monde.now + timedelta(days=30)
        assert close(conn, qui, ferme, annoncee_le=monde.now) == ()
    before = await post(partenaire, "avant")
    assert before.accuse is not None
    assert before.accuse.verdict is Verdict.ACCEPTE
    (texte,) = before.accuse.avertissements
    assert "31/07/2026" in texte
    monde.clock.set(ferme)
    after = await post(partenaire, "après")
    assert after.accuse is not None
    assert [each.code for each in after.accuse.anomalies] == ["COU011"]
    assert monde.count("demande") == 1
    with monde.engine.begin() as conn:
        assert reopen(conn, qui) == ()
    again = await post(partenaire, "rouvert")
    assert again.accuse is not None
    assert again.accuse.verdict is Verdict.ACCEPTE
    assert again.accuse.avertissements == ()


async def test_a_cut_off_of_one_guichet_is_not_that_of_another(monde: Monde) -> None:
    """[COU-61]"""
    monde.partenaire()
    other = monde.partenaire("G1226")
    with monde.engine.begin() as conn:
        close(conn, "G1104", monde.now, annoncee_le=monde.now)
        assert close(conn, "G9999", monde.now, annoncee_le=monde.now) != ()
        assert close(conn, "G1226", monde.now, annoncee_le=monde.now + timedelta(1)) != ()
        assert reopen(conn, "G1226") != ()
        assert [each.guichet for each in list_fermetures(conn)] == ["G1104"]
    recu = await post(other, "autre")
    assert recu.nature == "reponse"


async def test_the_configuration_announces_it_too(monde: Monde) -> None:
    """[COU-60] [COU-61] For all; an earlier announcement to one guichet decides for that one."""
    ferme = monde.now + timedelta(days=30)
    le = ferme.astimezone(PARIS).strftime("%Y-%m-%dT%H:%M")
    await monde.restart(Reglages(fermeture=configured(le)))
    partenaire, other = monde.partenaire(), monde.partenaire("G1226")
    before = await post(partenaire, "avant")
    assert before.accuse is not None
    (texte,) = before.accuse.avertissements
    assert say_moment(ferme) in texte
    with monde.engine.begin() as conn:
        close(conn, "G1226", monde.now, annoncee_le=monde.now)
    assert codes(await post(other, "fermé avant")) == ["COU011"]
    monde.clock.set(ferme)
    assert codes(await post(partenaire, "après")) == ["COU011"]
    with monde.engine.begin() as conn:
        assert reopen(conn, TOUS) != (), "the announcement of the configuration is taken back there"
    assert monde.count("demande") == 1


def codes(recu: Recu) -> list[str]:
    assert recu.accuse is not None
    return [each.code for each in recu.accuse.anomalies]


def test_what_the_configuration_may_say() -> None:
    """[COU-60]"""
    assert configured("") is None
    jour = configured("2027-12-01")
    assert jour == Fermeture(TOUS, datetime(2027, 11, 30, 23, tzinfo=UTC), TOUJOURS)
    with pytest.raises(ValueError):
        configured("2027-02-30")


@given(
    st.lists(st.tuples(st.sampled_from([TOUS, "A", "B"]), st.integers(0, 100)), max_size=4),
    st.integers(0, 100),
)
def test_the_earliest_cut_off_decides(announced: list[tuple[str, int]], day: int) -> None:
    """[COU-60] [COU-61]"""
    fermetures = tuple(Fermeture(qui, T0 + timedelta(days=n), T0) for qui, n in announced)
    instant = T0 + timedelta(days=day)
    found = fermeture_of(fermetures, "A")
    closed = any(qui != "B" and n <= day for qui, n in announced)
    assert is_closed(found, instant) == closed
    assert bool(warning_of(found, instant)) == (found is not None and not closed)
