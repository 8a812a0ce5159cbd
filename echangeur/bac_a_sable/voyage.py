"""Moving the clock of a sandbox: day after day, with what a hub does by itself once a day.

A jump is walked, in steps of a week at most: notices come before radiations only if the days between have
been.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine

from console.comptes import certify, find_compte
from echangeur.bac_a_sable.comptes import COURRIELS
from echangeur.bac_a_sable.horloge import HorlogeDeBac
from echangeur.bac_a_sable.lieux import AVIS, PREAVIS
from echangeur.sortie import ConstatNegatif, note

PAS: Final = timedelta(days=7)
_PAR: Final = "bac à sable"

Tache = Callable[[], Counter[str]]
"""The tasks of the day, done; how much of each."""


def travel(
    horloge: HorlogeDeBac, but: datetime, taches: Tache, avancer: Callable[[int], None]
) -> Counter[str]:
    """Be at `but`, the daily tasks done on the way and at the end; what they did. avancer: told the days
    walked.

    Raises ValueError when it is past or too far, and what the tasks raise: the clock is then where they were.
    """
    horloge.check(but)
    faits: Counter[str] = Counter()
    while horloge.now() < but - timedelta(seconds=1):
        avant = horloge.now()
        horloge.advance_to(min(avant + PAS, but))
        avancer((horloge.now() - avant).days)
        faits += taches()
    return faits


def daily(dossier: Path, instance: Path, horloge: HorlogeDeBac) -> Counter[str]:
    """`registre taches`, as the operator of a hub runs it each day, at the clock of the sandbox."""
    from echangeur.cli import run

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = run(
            [
                *("--instance", str(instance), "registre", "taches", "--json"),
                *("--sortie", str(dossier / PREAVIS), "--avis", str(dossier / AVIS)),
            ],
            clock=horloge,
        )
    if code:
        raise ConstatNegatif("Les tâches du jour n'ont pas pu être faites.")
    return Counter(
        {nom: int(nombre) for nom, nombre in json.loads(said.getvalue()).items() if nom != "essai"}
    )


def certify_again(engine: Engine, instant: datetime) -> None:
    """Certify the accounts of the sandbox: nobody else would, and a year may have gone."""
    with engine.begin() as conn:
        for courriel in COURRIELS:
            _certify(conn, courriel, instant)


def _certify(conn: Connection, courriel: str, instant: datetime) -> None:
    compte = find_compte(conn, courriel)
    if compte is None:
        note(f"Le compte {courriel} n'existe plus ; « bac-a-sable vider » le rend.")
        return
    certify(conn, compte.id, par=_PAR, instant=instant)
