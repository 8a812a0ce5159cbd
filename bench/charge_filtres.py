"""From the database to the index: what a process pays before its first decision, and for one change."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine, text

from filters.en_vigueur import FiltresEnVigueur
from filters.language import Filtre, conditions_to_json
from registry.generations import Generation, read
from registry.guichets import TypeGuichet
from registry.guichets_store import NouveauGuichet, add_guichet

GUICHETS: Final = 1_600
INSTANT: Final = datetime(2026, 11, 28, tzinfo=UTC)


def keep_filtres(engine: Engine, filtres: Sequence[Filtre]) -> None:
    """Make these the filters of the registry, each with a generation of its own."""
    with engine.begin() as conn:
        conn.execute(text("TRUNCATE guichet, filtre, filtre_version CASCADE"))
        for rang in range(GUICHETS):
            nouveau = NouveauGuichet(_code(rang), _code(rang), TypeGuichet.BAILLEUR, "", frozenset({"059"}))
            add_guichet(conn, nouveau, instant=INSTANT)
        cursor = conn.connection.cursor()
        with cursor.copy("COPY filtre (id, guichet, nom) FROM STDIN") as copy:
            for rang in range(len(filtres)):
                copy.write_row((rang + 1, _code(rang % GUICHETS), f"F{rang}"))
        columns = "filtre, version, conditions, effet_le, cree_le, generation"
        with cursor.copy(f"COPY filtre_version ({columns}) FROM STDIN") as copy:
            for rang, filtre in enumerate(filtres):
                conditions = json.dumps(conditions_to_json(filtre))
                copy.write_row((rang + 1, 1, conditions, INSTANT, INSTANT, rang + 2))
        conn.execute(
            text("UPDATE generation SET valeur = :valeur WHERE nom = 'filtres'"),
            {"valeur": len(filtres) + 1},
        )


def measure_loading(engine: Engine, tours: int = 3) -> tuple[float, float]:
    """The best of several: seconds of processor of this process, and of waiting, to load all of them."""
    best = (float("inf"), float("inf"))
    with engine.connect() as conn:
        for _ in range(tours):
            gc.collect()
            begin, used = time.perf_counter(), time.process_time()
            memory = FiltresEnVigueur()
            memory.refresh(conn, read(conn, Generation.FILTRES), INSTANT)
            best = min(best, (time.process_time() - used, time.perf_counter() - begin))
            del memory
    return best


def _code(rang: int) -> str:
    return f"G{rang:04}"
