"""The register is verified against the journal (design, decision 5)."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from registry.verification import verify
from tests.registry.fabrique import generate, recue_of, register_all


def test_a_register_that_holds(engine: Engine) -> None:
    with engine.connect() as conn:
        assert verify(conn).intact
    register_all(engine, [recue_of(generate(seed)) for seed in range(3)])
    with engine.connect() as conn:
        rapport = verify(conn)
    assert rapport.intact
    assert rapport.chaine.documents == 3


@pytest.mark.parametrize(
    "sabotage",
    [
        "UPDATE demande_version SET document = document || ' '::bytea",
        "UPDATE demande_version SET empreinte = sha256('x')",
        "UPDATE demande_version SET instant = instant - interval '1 day'",
        "UPDATE demande SET recue_le = recue_le - interval '1 day'",
        "UPDATE demande SET version = 2",
        "DELETE FROM demande",
        "UPDATE chaine SET sequence = sequence + 1",
        """INSERT INTO demande_version
        SELECT '1110126000009G1104', 1, 9, nature, guichet, instant, document, empreinte
        FROM demande_version""",
    ],
)
def test_a_register_that_was_touched(engine: Engine, sabotage: str) -> None:
    register_all(engine, [recue_of(generate(1))])
    with engine.begin() as conn:
        conn.execute(text(sabotage))
        rapport = verify(conn)
    assert not rapport.intact
