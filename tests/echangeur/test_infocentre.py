"""`echangeur infocentre`, called as its user calls it (docs/specification/43-infocentre.md)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from registry.clock import FixedClock
from tests.echangeur.conftest import Commande


def test_a_week_is_closed_listed_and_verified(
    instance: Commande, horloge: FixedClock, tmp_path: Path, engine: Engine
) -> None:
    """[INF-1] [INF-4] [INF-5] [INF-7] with a gap, the files are written and the code says it."""
    first = instance("infocentre", "arreter", tmp_path / "w48", "--json")
    assert (first.code, first.json["ecarts"], first.json["semaine"]) == (0, 0, "2026-W48")
    assert len(list((tmp_path / "w48").iterdir())) == 5
    horloge.advance(timedelta(days=7))
    with engine.begin() as conn:
        # A demande that no entry of the journal made.
        conn.execute(
            text("""
            INSERT INTO demande (numero, territoire, guichet, date_depot, recue_le, etat, version, communes,
                types, doublon_force, sequence_journal, maj_le)
            VALUES ('075112600000100001', '075', '00001', '2026-11-01', now(), 'active', 1, '{}', '{}', false,
                1, now())""")
        )
    second = instance("infocentre", "arreter", tmp_path / "w49", "--json")
    assert (second.code, second.json["ecarts"], second.json["identite"][0]["cloture"]) == (1, 1, 1)
    assert [ligne["ecarts"] for ligne in instance("infocentre", "lister", "--json").json] == [0, 1]
    constats = instance("infocentre", "verifier", "--json")
    assert constats.code == 1
    assert {constat["constat"] for constat in constats.json["constats"]} == {"identite", "journal"}
    again = instance("infocentre", "arreter", tmp_path / "encore", "--semaine", "2026-W48")
    assert again.code == 0
    for path in (tmp_path / "w48").iterdir():
        assert (tmp_path / "encore" / path.name).read_bytes() == path.read_bytes()
    assert instance("infocentre", "arreter", tmp_path, "--semaine", "2020-W01").code == 2
