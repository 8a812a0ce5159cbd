"""The nightly campaign: ``python -m tests.secousses``, or ``make secousses``.

Some 500 crashes, by blocks that each have a database of their own; prints each crash and writes
``bench/results/secousses.json``, from which docs/secousses.md is generated. A block that fails is told with
the seed and the number that play it again (``--bloc``), and ends the campaign with code 1. ``--reprendre``
goes on after the last block written.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections import Counter
from contextlib import redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.secousses.campagne import Issue, draw, run
from tests.secousses.seance import Seance

RESULTATS: Final = Path(__file__).parents[2] / "bench" / "results" / "secousses.json"
BLOC: Final = 50
MANCHE: Final = 10
"""Crashes between two judgements."""


def play(graine: str, bloc: int, nombre: int, told: Any, *, isole: bool) -> dict[str, Any]:
    """One block: its crashes, in a session of its own. Raises AssertionError when something is lost or
    doubled."""
    secousses = draw(graine, bloc * BLOC + nombre)[bloc * BLOC :]
    issues: list[Issue] = []
    with redirect_stdout(StringIO()):
        seance = Seance(f"{graine} {bloc}", isole=isole).__enter__()
    try:
        for debut in range(0, nombre, MANCHE):
            issues += run(seance, secousses[debut : debut + MANCHE], told)
        return {
            "bloc": bloc,
            "secousses": [issue.as_json() for issue in issues],
            "demandes": len({fait.dossier for fait in seance.auteurs.faits}),
            "evenements": len(seance.auteurs.faits),
            "renvois": seance.auteurs.renvois,
            "distributions": sum(len(seance.arrivees(code)) for code in seance.receveurs),
            "coupure": seance.reseau.nature,
        }
    finally:
        seance.__exit__(*sys.exc_info())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nombre", type=int, default=510, help="secousses en tout")
    parser.add_argument("--graine", default="", help="du tirage ; la date du jour à défaut")
    parser.add_argument("--bloc", type=int, help="rejoue ce seul bloc, sans rien écrire")
    parser.add_argument("--reprendre", action="store_true", help="continue la campagne écrite")
    parser.add_argument("--relais", action="store_true", help="sans espace de noms réseau")
    parser.add_argument("--json", type=Path, default=RESULTATS, help="fichier de résultats")
    options = parser.parse_args()
    console = Console(width=130)
    graine = options.graine or f"{datetime.now(UTC):%Y-%m-%d}"
    done: dict[str, Any] = {"graine": graine, "blocs": []}
    if options.reprendre and options.json.exists():
        done = json.loads(options.json.read_text(encoding="utf-8"))
        graine = done["graine"]
    blocs = range(len(done["blocs"]), -(-options.nombre // BLOC))
    if options.bloc is not None:
        blocs = range(options.bloc, options.bloc + 1)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("secousses", total=options.nombre, completed=blocs.start * BLOC)

        def told(issue: Issue) -> None:
            sign = "" if issue.atteint else "  (point non atteint)"
            console.print(f"{issue.secondes:6.2f} s  {issue.secousse.nom}{sign}", highlight=False)
            progress.advance(task)

        for bloc in blocs:
            nombre = min(BLOC, options.nombre - bloc * BLOC) if options.bloc is None else BLOC
            try:
                found = play(graine, bloc, nombre, told, isole=not options.relais)
            except AssertionError as error:
                console.print(f"[bold red]Rouge au bloc {bloc} de la graine {graine}[/] : {error}")
                console.print(f"À rejouer : python -m tests.secousses --graine {graine} --bloc {bloc}")
                return 1
            if options.bloc is None:
                done["blocs"].append(found)
                write(done, options.json)
    console.print(summary(done), highlight=False)
    return 0


def write(done: dict[str, Any], place: Path) -> None:
    """The results so far, with the machine and its load."""
    done["date"] = datetime.now(UTC).isoformat(timespec="seconds")
    done["machine"] = f"{platform.machine()}, Python {platform.python_version()}, {os.cpu_count()} cœurs"
    done["charge"] = [round(each, 2) for each in os.getloadavg()]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(done, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def summary(done: dict[str, Any]) -> str:
    """How many of each kind, and of what was played meanwhile."""
    secousses = [each for bloc in done["blocs"] for each in bloc["secousses"]]
    genres = Counter(each["genre"] for each in secousses if each["atteint"])
    noms = ("evenements", "distributions", "renvois")
    total = {nom: sum(bloc[nom] for bloc in done["blocs"]) for nom in noms}
    lignes = [f"{nombre:5d}  {genre}" for genre, nombre in sorted(genres.items())]
    lignes += [f"{nombre:5d}  {name}" for name, nombre in total.items()]
    manques = sum(not each["atteint"] for each in secousses)
    lignes += [f"{manques:5d}  points non atteints", "Rien de perdu, rien de doublé, ordre tenu."]
    return "\n".join(lignes)


if __name__ == "__main__":
    sys.exit(main())
