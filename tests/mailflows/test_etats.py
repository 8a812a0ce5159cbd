"""The life of a message of ours, whatever happens to it and in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dispatching.retry import DELAIS
from mailflows.etats import DU, Etat, Evenement, ReglesEnvoi, Situation, follow

T0 = datetime(2026, 3, 1, tzinfo=UTC)
REGLES = ReglesEnvoi(timedelta(hours=4), rappels=2)
EVENEMENTS = st.lists(
    st.tuples(st.sampled_from(Evenement), st.integers(0, 10 * 3600).map(lambda n: timedelta(seconds=n))),
    max_size=40,
)


def fresh(*, accuse: bool) -> Situation:
    return Situation(Etat.A_ENVOYER, accuse, T0)


@given(EVENEMENTS, st.booleans())
def test_invariants_of_any_history(history: list[tuple[Evenement, timedelta]], accuse: bool) -> None:
    """[COU-34] [COU-43]"""
    situation, instant, acknowledged = fresh(accuse=accuse), T0, False
    for evenement, delay in history:
        instant += delay
        suite = follow(situation, evenement, instant, REGLES)
        # What waits has an instant, what is over has none: nothing is forgotten, nothing runs for ever.
        assert (suite.prochaine is not None) == (suite.etat in DU)
        assert suite.prochaine is None or suite == situation or suite.prochaine >= instant
        assert suite.echecs <= len(DELAIS) + 1
        acknowledged = acknowledged or evenement is Evenement.ACCUSE
        assert (suite.etat is Etat.ACQUITTE) == acknowledged
        assert suite.etat is not Etat.ATTEND_ACCUSE or accuse
        assert suite.etat is not Etat.ENVOYE or not accuse
        assert follow(suite, Evenement.ACCUSE, instant, REGLES).etat is Etat.ACQUITTE
        if suite.etat is not Etat.ACQUITTE:
            assert follow(suite, Evenement.REJEU, instant, REGLES).prochaine == instant
        situation = suite


@given(EVENEMENTS, st.booleans())
def test_an_event_twice_is_an_event_once(history: list[tuple[Evenement, timedelta]], accuse: bool) -> None:
    """[COU-41] Accusés and the end of a wait may be told twice."""
    situation, instant = fresh(accuse=accuse), T0
    for evenement, delay in history:
        instant += delay
        situation = follow(situation, evenement, instant, REGLES)
        if evenement in (Evenement.ACCUSE, Evenement.ECHEANCE, Evenement.REFUS):
            assert follow(situation, evenement, instant, REGLES) == situation


def test_failures_follow_the_schedule_then_show() -> None:
    """[COU-34]"""
    situation, instant, waits = fresh(accuse=False), T0, []
    while situation.prochaine is not None:
        situation = follow(situation, Evenement.ECHEC, instant, REGLES)
        if situation.prochaine is not None:
            waits.append(situation.prochaine - instant)
            instant = situation.prochaine
    assert situation.etat is Etat.ECHEC
    assert waits == list(DELAIS)


def test_no_accuse_means_reminders_then_a_visible_failure() -> None:
    """[COU-43]"""
    situation, instant, departs = fresh(accuse=True), T0, 0
    while situation.etat in DU:
        assert situation.prochaine is not None
        instant = situation.prochaine
        evenement = Evenement.DEPART if situation.etat is Etat.A_ENVOYER else Evenement.ECHEANCE
        departs += evenement is Evenement.DEPART
        situation = follow(situation, evenement, instant, REGLES)
    assert (situation.etat, departs) == (Etat.ECHEC, 3)
    assert instant == T0 + 3 * timedelta(hours=4)
    # It was not lost, only late.
    assert follow(situation, Evenement.ACCUSE, instant, REGLES).etat is Etat.ACQUITTE
