"""Reading by number, within one's rights (regles §5)."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert

from registry.reading import DemandeLue, Lecture, read
from registry.registration import Enregistrement
from registry.tables import DETENTION
from tests.registry.fabrique import (
    AUTRE_BAILLEUR,
    BAILLEUR,
    COMMUNE,
    RECU_LE,
    generate,
    recue_of,
    register_all,
)


def registered(engine: Engine, seed: int, **options: object) -> Enregistrement:
    (fait,) = register_all(engine, [recue_of(generate(seed, **options))])
    assert isinstance(fait, Enregistrement)
    return fait


def test_a_batch_of_readings_answers_in_order_within_the_rights(engine: Engine) -> None:
    paris = registered(engine, 1, communes=["75113"])
    saint_denis = registered(engine, 2, communes=["93066", "75113"])
    lille = registered(engine, 3, communes=["59350"])
    with engine.connect() as conn:
        lues = read(
            conn,
            [
                Lecture(AUTRE_BAILLEUR, saint_denis.numero),
                Lecture(COMMUNE, saint_denis.numero),
                Lecture(COMMUNE, paris.numero),
                Lecture(AUTRE_BAILLEUR, lille.numero),
                Lecture(BAILLEUR, lille.numero),
                Lecture(AUTRE_BAILLEUR, saint_denis.numero),
                Lecture(BAILLEUR, "1110626999999G1104"),
                Lecture(BAILLEUR, ""),
                Lecture(BAILLEUR, "n'importe quoi"),
            ],
        )
    lue = DemandeLue(saint_denis.numero, 1, saint_denis.fichier.contenu)
    assert lues == [
        lue,
        lue,
        None,
        None,
        DemandeLue(lille.numero, 1, lille.fichier.contenu),
        lue,
        None,
        None,
        None,
    ]


def test_a_holder_reads_what_is_out_of_its_perimeter(engine: Engine) -> None:
    """Whoever received a demande keeps the right to read it (regles §5)."""
    paris = registered(engine, 1, communes=["75113"])
    with engine.begin() as conn:
        conn.execute(
            insert(DETENTION).values(
                numero=paris.numero, guichet=COMMUNE.code, depuis_le=RECU_LE, motif="distribution"
            )
        )
        assert read(conn, [Lecture(COMMUNE, paris.numero)]) != [None]


def test_an_empty_batch_reads_nothing(engine: Engine) -> None:
    with engine.connect() as conn:
        assert read(conn, []) == []
