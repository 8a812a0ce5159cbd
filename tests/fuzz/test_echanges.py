"""A slice of the campaign of mutated calls, always the same; what a campaign found has a test of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.lecture import parse_instant
from tests.fuzz.hub import attacked, judge

NOMBRE = 600


@pytest.mark.slow
async def test_each_mutated_call_gets_its_answer(tmp_path: Path, database_url: str) -> None:
    """[SOA-31] Neither a bare error, nor silence, nor a word of the inside."""
    async with attacked(tmp_path / "instance", database_url) as attaque:
        bilan = await attaque.run("tranche", range(NOMBRE))
    assert bilan.fautes == []
    assert bilan.essais == NOMBRE
    # Refusing everything, or the same way, would prove nothing.
    assert 0 < bilan.acceptes < NOMBRE
    assert len(bilan.motifs) > 25


def test_what_must_not_be_is_seen() -> None:
    """The judge itself: a bare error, an answer that says nothing, a word of the inside."""
    faute = (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:f="urn:echangeur:faute"><s:Body>'
        '<f:anomalie code="{}"><f:message>{}</f:message></f:anomalie></s:Body></s:Envelope>'
    )
    assert judge(500, faute.format("SOA026", "« /tmp/a »").encode()) == ("SOA026", "")
    assert judge(500, b"Internal Server Error")[1]
    assert judge(500, faute.format("SOA090", "").encode())[1]
    assert judge(500, faute.format("ZZZ999", "").encode())[1]
    assert judge(500, faute.format("SOA026", "Traceback (most recent call last)").encode())[1]
    assert judge(200, b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"/>')[1]


def test_found_the_last_day_of_the_calendar_has_no_instant_in_paris() -> None:
    """The date from which a list is asked for raised OverflowError, hence the answer for a fault of ours."""
    for text in ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59"):
        assert parse_instant(text) is None
    assert parse_instant("9999-12-01T00:00:00-14:00") is not None
