"""What the command of the sandbox says without one being served."""

from __future__ import annotations

from echangeur.bac_a_sable.valeurs import PANNES, provoked
from tests.echangeur.conftest import Commande


def test_the_values_are_those_of_the_code(commande: Commande) -> None:
    """[BAC-20] [BAC-21] [BAC-22] [BAC-23] Each failure and each anomaly that a value provokes, with what to
    do; none twice."""
    listed = commande("bac-a-sable", "valeurs", "--json").json
    assert [each["valeur"] for each in listed] == [
        *(f"bac-a-sable:{panne.value}" for panne in PANNES),
        *(f"bac-a-sable:{anomalie.code}" for anomalie in provoked()),
    ]
    assert len({each["valeur"] for each in listed}) == len(listed) > len(PANNES)
    assert all(each["effet"] and each["attendu"] for each in listed)
    assert listed[0]["valeur"] in commande("bac-a-sable", "valeurs").sortie
