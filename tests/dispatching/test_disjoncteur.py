"""The circuit breaker as pure functions."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dispatching.disjoncteur import (
    Disjoncteur,
    EtatDisjoncteur,
    ReglesDisjoncteur,
    after_failure,
    is_counted,
)
from dispatching.transport import GenreEchec
from registry.guichets import CanalDistribution

REGLES = ReglesDisjoncteur()
INSTANT = datetime.fromisoformat("2026-07-01T09:30:00+00:00")
FERME = Disjoncteur("G0002", CanalDistribution.PUSH)
SONDE = uuid.UUID(int=1)
AUTRE = uuid.UUID(int=2)


def _fail(
    avant: Disjoncteur, genre: GenreEchec, distribution: uuid.UUID = SONDE, instant: datetime = INSTANT
) -> Disjoncteur:
    return after_failure(avant, distribution, genre, "détail", instant=instant, regles=REGLES)


def _opened() -> Disjoncteur:
    found = FERME
    for rang in range(REGLES.seuil):
        found = _fail(found, GenreEchec.DELAI, instant=INSTANT - (REGLES.seuil - 1 - rang) * REGLES.pause)
    return found


def test_failures_in_a_row_open_it() -> None:
    """[DST-40] A pause after each failure of the connection; open at the fifth, for a minute."""
    found, instant = FERME, INSTANT
    for rang in range(1, REGLES.seuil):
        found = _fail(found, GenreEchec.INJOIGNABLE, instant=instant)
        assert (found.etat(instant), found.echecs) == (EtatDisjoncteur.FERME, rang)
        assert found.suspendu_jusqu_a == instant + REGLES.pause
        instant += REGLES.pause
    found = _fail(found, GenreEchec.INJOIGNABLE, instant=instant)
    assert found.etat(instant) is EtatDisjoncteur.OUVERT
    assert (found.ouvert_le, found.suspendu_jusqu_a) == (instant, instant + REGLES.ouverture)
    assert found.etat(instant + REGLES.ouverture) is EtatDisjoncteur.DEMI_OUVERT


def test_sendings_at_once_that_fail_together_count_as_one() -> None:
    """[DST-40] A guichet that restarts under several sendings is not cut off as one that fails in a row."""
    found = FERME
    for _ in range(2 * REGLES.seuil):
        found = _fail(found, GenreEchec.INJOIGNABLE)
    assert (found.etat(INSTANT), found.echecs) == (EtatDisjoncteur.FERME, 1)
    assert found.suspendu_jusqu_a == INSTANT + REGLES.pause
    assert _fail(found, GenreEchec.INJOIGNABLE, instant=INSTANT + REGLES.pause).echecs == 2


def test_a_refused_document_is_no_failure_of_the_channel() -> None:
    """[DST-40] However many: after some in a row the guichet is only left a pause."""
    found = FERME
    for rang in range(1, 40):
        found = _fail(found, GenreEchec.REFUS)
        assert found.etat(INSTANT) is EtatDisjoncteur.FERME
        assert (found.suspendu_jusqu_a is None) == (rang < REGLES.refus)
    assert found.suspendu_jusqu_a == INSTANT + REGLES.ouverture_max
    assert not is_counted(GenreEchec.REFUS)


def test_a_refusal_ends_a_row_of_failures() -> None:
    """[DST-40]"""
    found = _fail(_fail(FERME, GenreEchec.DELAI), GenreEchec.REFUS)
    assert (found.echecs, found.refus, found.suspendu_jusqu_a) == (0, 1, None)
    assert _fail(found, GenreEchec.DELAI).refus == 0


def test_each_failed_probe_doubles_the_pause() -> None:
    """[DST-42]"""
    found = _opened()
    for minutes in (2, 4, 8, 16, 30, 30):
        found = Disjoncteur(
            *(found.guichet, found.canal, found.echecs, found.refus, found.suspendu_jusqu_a, found.ouvert_le),
            sonde=SONDE,
        )
        found = _fail(found, GenreEchec.DELAI)
        assert found.suspendu_jusqu_a == INSTANT + timedelta(minutes=minutes)
        assert (found.sonde, found.ouvert_le) == (None, INSTANT)


def test_only_the_probe_says_something_once_open() -> None:
    """[DST-42] What ends late began before the opening."""
    found = _opened()
    for genre in GenreEchec:
        assert _fail(found, genre, AUTRE) == found


def test_a_probe_refused_closes_it() -> None:
    """[DST-42] The guichet answers."""
    opened = Disjoncteur("G0002", CanalDistribution.PUSH, 9, 0, INSTANT, INSTANT, SONDE)
    assert opened.etat(INSTANT) is EtatDisjoncteur.DEMI_OUVERT
    closed = _fail(opened, GenreEchec.REFUS)
    assert (closed.etat(INSTANT), closed.echecs) == (EtatDisjoncteur.FERME, 0)


def test_our_own_failure_says_nothing_of_the_guichet() -> None:
    """[DST-40]"""
    assert _fail(FERME, GenreEchec.INTERNE) == FERME
    probing = Disjoncteur("G0002", CanalDistribution.PUSH, 9, 0, INSTANT, INSTANT, SONDE)
    after = _fail(probing, GenreEchec.INTERNE)
    assert (after.echecs, after.sonde, after.ouvert_le) == (9, None, INSTANT)
    assert after.suspendu_jusqu_a == INSTANT + REGLES.pause


@given(st.lists(st.tuples(st.sampled_from(GenreEchec), st.booleans()), max_size=60))
def test_it_is_open_only_after_failures_in_a_row(suite: list[tuple[GenreEchec, bool]]) -> None:
    """[DST-40] Whatever ends, in whatever order."""
    found, instant = FERME, INSTANT
    for genre, is_probe in suite:
        if found.ouvert_le is not None and found.sonde is None:
            found = Disjoncteur(
                *(found.guichet, found.canal, found.echecs, found.refus, found.suspendu_jusqu_a),
                *(found.ouvert_le, SONDE),
            )
        avant = found
        instant += REGLES.pause
        found = _fail(found, genre, SONDE if is_probe else AUTRE, instant)
        assert (found.ouvert_le is not None) == (found.echecs >= REGLES.seuil)
        assert found.echecs <= avant.echecs + 1
        if found.suspendu_jusqu_a is not None:
            assert found.suspendu_jusqu_a <= instant + REGLES.ouverture_max
