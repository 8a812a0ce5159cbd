"""The clock of a sandbox and the values, without a hub."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from echangeur.bac_a_sable import valeurs
from echangeur.bac_a_sable.horloge import HorlogeDeBac, parse_jump
from echangeur.bac_a_sable.provocations import Souvenirs
from echangeur.bac_a_sable.voyage import PAS, travel
from tools.docs_anomalies import declaring_modules

LE = datetime(2026, 11, 29, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("saut", "but"),
    [
        ("+13mois", datetime(2027, 12, 29, 10, tzinfo=UTC)),
        ("+3mois", datetime(2027, 2, 28, 10, tzinfo=UTC)),
        ("+6mois", datetime(2027, 5, 29, 9, tzinfo=UTC)),
        ("+1an", datetime(2027, 11, 29, 10, tzinfo=UTC)),
        ("+2semaines", datetime(2026, 12, 13, 10, tzinfo=UTC)),
        ("+ 5 heures", datetime(2026, 11, 29, 15, tzinfo=UTC)),
        ("2027-01-01", datetime(2027, 1, 1, 8, tzinfo=UTC)),
        ("2027-07-01T08:30", datetime(2027, 7, 1, 6, 30, tzinfo=UTC)),
        ("2027-07-01T08:30:00Z", datetime(2027, 7, 1, 8, 30, tzinfo=UTC)),
    ],
)
def test_where_a_jump_leads(saut: str, but: datetime) -> None:
    """[BAC-11] By the calendar of Paris: a month later is the same day at the same hour."""
    assert parse_jump(saut, LE) == but


@pytest.mark.parametrize("saut", ["", "13mois", "+mois", "-1an", "demain", "2027-13-01", "+1siècle"])
def test_what_is_no_jump_is_said(saut: str) -> None:
    with pytest.raises(ValueError, match="n'est ni"):
        parse_jump(saut, LE)


def test_every_process_is_at_the_same_instant_at_once(tmp_path: Path) -> None:
    """[BAC-11] Two clocks on one folder are two processes: what one is told, the other is at."""
    une, autre = (HorlogeDeBac(tmp_path, lambda: LE) for _ in range(2))
    assert une.now() == autre.now() == LE
    une.advance_to(LE + timedelta(days=400))
    assert autre.now() == LE + timedelta(days=400)
    for instant in (LE, LE + timedelta(days=4_000)):
        with pytest.raises(ValueError, match=r"temps|ans"):
            autre.advance_to(instant)
    autre.resume()
    assert (une.now(), une.etat.epoque) == (LE, 1)


def test_a_jump_is_walked_and_the_tasks_are_done_on_the_way(tmp_path: Path) -> None:
    """[BAC-11] By a week at most, the end included."""
    horloge = HorlogeDeBac(tmp_path, lambda: LE)
    faites: list[datetime] = []

    def tasks() -> Counter[str]:
        faites.append(horloge.now())
        return Counter({"préavis": 1})

    faits = travel(horloge, LE + timedelta(days=30), tasks, lambda _jours: None)
    assert faits["préavis"] == len(faites) == 5
    assert faites[-1] == LE + timedelta(days=30)
    assert all(after - before <= PAS for before, after in zip([LE, *faites], faites, strict=False))


def test_a_failure_happens_once_for_one_content_and_again_in_another_epoch(tmp_path: Path) -> None:
    """[BAC-21] [BAC-12]"""
    horloge = HorlogeDeBac(tmp_path, lambda: LE)
    souvenirs = Souvenirs(horloge)
    assert souvenirs.first("LENTE", [b"a", "b"])
    assert not souvenirs.first("LENTE", [b"a", "b"])
    assert souvenirs.first("LENTE", [b"ab"])
    assert souvenirs.first("SILENCE", [b"a", "b"])
    horloge.resume()
    assert souvenirs.first("LENTE", [b"a", "b"])


def test_every_anomaly_a_partner_may_be_answered_has_a_value() -> None:
    """[BAC-20] Of the whole catalogue, what has none is not for partners, or has its true cause."""
    for module in declaring_modules():
        __import__(module)
    from registry.anomalies import CATALOGUE

    connues = {each.code for courrier in (False, True) for each in valeurs.provoked(courrier=courrier)}
    sans = CATALOGUE.types.keys() - connues - valeurs.EN_VRAI.keys()
    assert {code[:3] for code in sans} <= {"CON", "HUB", "RPL"}
    # A code is nobody's failure, and a failure is no code.
    assert not connues & set(valeurs.Panne)


@pytest.mark.parametrize(
    ("texte", "code"),
    [
        (b"<precision>bac-a-sable:VIE204</precision>", "VIE204"),
        ("Bac-A-Sable:coupure-apres", "COUPURE-APRES"),
        ("<bac-a-sable.COURRIER-PERDU.12@partenaire.example>", "COURRIER-PERDU"),
        ("bac-a-sable", ""),
        ("bac a sable:VIE204", ""),
        ("bac-a-sable:-", ""),
    ],
)
def test_where_a_value_is_found(texte: str | bytes, code: str) -> None:
    assert valeurs.find_value(["autre", texte]) == code
