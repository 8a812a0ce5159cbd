"""The kit sees the defects of a partner: each broken variant, by the assertion meant for it and no other."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from conformance.assertions import client_assertions
from conformance.campagne import Verdict, run
from conformance.pupitre import Pupitre
from tests.conformance.partenaire_essai import partner, pilot
from tests.conformance.variantes_partenaire import VARIANTES, Variante, group_of


@pytest.mark.slow
@pytest.mark.parametrize("variante", VARIANTES[::4], ids=lambda each: each.nom)
def test_broken_partners_are_caught(variante: Variante, tmp_path: Path) -> None:
    judge(variante, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("variante", VARIANTES, ids=lambda each: each.nom)
def test_each_broken_partner_is_caught(variante: Variante, tmp_path: Path) -> None:
    judge(variante, tmp_path)


def judge(variante: Variante, tmp_path: Path) -> None:
    """The assertion meant for it fails, and no other than its consequences."""
    touched = group_of(variante)
    with partner(tmp_path, variante.service) as profil:
        drive = pilot(tmp_path, variante.client, variante.retrait)
        pupitre = Pupitre(profil, variante.nom, datetime.now(UTC), drive)
        try:
            found = run([each for each in client_assertions() if touched(each.id)], pupitre)
        finally:
            pupitre.close()
    failed = {each.id for each in found if each.verdict is Verdict.ECHOUEE}
    assert variante.assertion in failed
    assert failed <= {variante.assertion, *variante.consequences}
