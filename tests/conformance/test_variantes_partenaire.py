"""The kit sees the defects of a partner: each broken variant, by the assertion meant for it and no other."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from conformance.assertions import client_assertions
from conformance.campagne import Verdict, run
from conformance.pupitre import Pupitre
from tests.conformance.partenaire_essai import partner, pilot
from tests.conformance.variantes import PARTENAIRE
from tests.conformance.variantes_partenaire import Variante, group_of

TOURS = 6
"""In so many days each variant has been tried by the ordinary tests."""


@pytest.mark.slow
@pytest.mark.parametrize("rang", range(-(-len(PARTENAIRE) // TOURS)))
def test_the_broken_partners_of_the_day_are_caught(rang: int, tmp_path: Path) -> None:
    place = rang * TOURS + datetime.now(UTC).date().toordinal() % TOURS
    if place < len(PARTENAIRE):
        judge(PARTENAIRE[place], tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("variante", PARTENAIRE, ids=lambda each: each.nom)
def test_each_broken_partner_is_caught(variante: Variante, tmp_path: Path) -> None:
    judge(variante, tmp_path)


def test_each_assertion_of_these_families_is_proved_by_a_variant() -> None:
    """Mail and certificates: none is only passed, but that of the version of TLS, in which the kit answers no
    older one."""
    seen = {ident for each in PARTENAIRE for ident in each.exigees}
    wanted = {each.id for each in client_assertions() if each.famille in ("09", "10")}
    assert wanted - seen == {"C0102"}


def judge(variante: Variante, tmp_path: Path) -> None:
    """The assertions meant for it fail, and no other than its consequences."""
    touched = group_of(variante)
    with partner(tmp_path, variante.service, variante.robot) as profil:
        # What does not come is waited for: not as long as when it must.
        courrier = profil.courrier and msgspec.structs.replace(profil.courrier, attente=5.0)
        hasty = msgspec.structs.replace(profil, courrier=courrier)
        drive = pilot(tmp_path, variante.client, variante.retrait, variante.robot)
        pupitre = Pupitre(hasty, variante.nom, datetime.now(UTC), drive)
        try:
            found = run([each for each in client_assertions() if touched(each.id)], pupitre)
        finally:
            pupitre.close()
    failed = {each.id for each in found if each.verdict is Verdict.ECHOUEE}
    assert variante.exigees <= failed <= variante.permises
