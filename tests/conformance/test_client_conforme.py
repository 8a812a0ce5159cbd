"""The other direction: the kit, as a hub, against the reference partner."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from conformance.assertions import client_assertions
from conformance.campagne import Verdict, run, select
from conformance.profil import Profil
from conformance.pupitre import Pupitre
from tests.conformance.partenaire_essai import partner, pilot

PROGRAMME = """
import sys
from pathlib import Path
from tests.conformance.partenaire_essai import pilot
action, dossier, adresse, document, numero = sys.argv[1:]
# A word in braces that is none of the kit's comes as it was written.
assert "{autre}".strip("{}") == "autre"
compte = pilot(Path(dossier))(action, {"adresse": adresse, "document": document, "numero": numero})
print(compte.sortie)
sys.exit(not compte.reussi)
"""

CHOISIES = ("C0302", "C0405", "C0407")


@pytest.mark.slow
def test_the_reference_partner_conforms(tmp_path: Path) -> None:
    """Each assertion about a client holds, and each has an object."""
    with partner(tmp_path) as profil:
        pupitre = Pupitre(profil, "essai", datetime.now(UTC), pilot(tmp_path))
        try:
            found = run(client_assertions(), pupitre)
        finally:
            pupitre.close()
    assert [each for each in found if each.verdict is not Verdict.REUSSIE] == []
    assert len(found) == len(client_assertions())


def test_a_client_is_driven_by_the_commands_of_the_profile(tmp_path: Path) -> None:
    """What the command writes and its exit code are what the client understood."""
    command = [sys.executable, "-c", PROGRAMME]
    words = [str(tmp_path), "{adresse}", "{document}", "{numero}"]
    with partner(tmp_path) as base:
        actions = {each: [*command, each, *words] for each in ("enregistrer", "lire")}
        pilotage = msgspec.structs.replace(base.pilotage, actions=actions)
        profil: Profil = msgspec.structs.replace(base, pilotage=pilotage)
        pupitre = Pupitre(profil, "essai", datetime.now(UTC))
        try:
            found = run(select(client_assertions(), CHOISIES), pupitre)
        finally:
            pupitre.close()
    assert {each.id: each.verdict for each in found} == dict.fromkeys(CHOISIES, Verdict.REUSSIE)
