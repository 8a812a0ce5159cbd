"""Our own conformity: the kit, as a partner, against the hub as it is served."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conformance.assertions import server_assertions
from conformance.campagne import Resultat, Verdict, run
from conformance.cible import Cible
from conformance.profil import read_profil
from tests.conformance.cible_essai import serve


@pytest.fixture(scope="module")
def profil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with serve(tmp_path_factory.mktemp("conformite")) as profil:
        yield profil


def campaign(profil: Path, graine: str) -> tuple[Resultat, ...]:
    cible = Cible(read_profil(profil)[0], graine, datetime.now(UTC))
    try:
        return run(server_assertions(), cible)
    finally:
        cible.close()


def expected(resultat: Resultat) -> Verdict:
    """No day has ended since the hub began: it has no manifest to show."""
    return Verdict.SANS_OBJET if resultat.id == "S0811" else Verdict.REUSSIE


@pytest.mark.slow
def test_the_hub_conforms(profil: Path) -> None:
    """[SOA-5] [SOA-16] [SOA-17] [SOA-18] Twice: what a run leaves is in nobody's way."""
    for graine in ("première", "seconde"):
        found = campaign(profil, graine)
        assert [each for each in found if each.verdict is not expected(each)] == []
        assert len(found) == len(server_assertions())
