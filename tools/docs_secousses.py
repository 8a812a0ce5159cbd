"""docs/secousses.md, generated from the last campaign (bench/results/secousses.json)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

PAGE: Final = Path("docs/secousses.md")

_RESULTATS: Final = Path(__file__).resolve().parent.parent / "bench" / "results" / "secousses.json"
_GENRES: Final = (
    "processus tué",
    "base tuée",
    "liaison avec la base rompue",
    "réseau rompu",
    "réseau muet",
)
_MOMENTS: Final = ("avant", "écrit, non validé", "après", "")


def render() -> str:
    """The page. Raises OSError when no campaign was written: run `make secousses`."""
    campagne = json.loads(_RESULTATS.read_text(encoding="utf-8"))
    blocs = campagne["blocs"]
    secousses = [each for bloc in blocs for each in bloc["secousses"]]
    atteintes = [each for each in secousses if each["atteint"]]
    total = {
        nom: sum(bloc[nom] for bloc in blocs)
        for nom in ("demandes", "evenements", "distributions", "renvois")
    }
    coupures = ", ".join(dict.fromkeys(bloc["coupure"] for bloc in blocs))
    return f"""# Secousses

Page écrite par `make docs` d'après la dernière campagne de `make secousses`.

Deux processus de l'échangeur partagent une base : l'un répond aux appels, l'autre distribue et fait le
courrier. Pendant que des auteurs enregistrent des demandes et les changent, un des deux est arrêté à un point
précis (avant ou après une validation en base, entre deux écritures d'une même transaction, avant ou après un
envoi), puis il lui arrive une chose :

- **processus tué** : `SIGKILL` ;
- **base tuée** : `SIGKILL` de tous les processus de PostgreSQL, qui se relève de son journal ;
- **liaison avec la base rompue** : toutes les connexions de l'échangeur à sa base finissent ;
- **réseau rompu** : toutes les connexions avec l'extérieur sont coupées net (RST) ;
- **réseau muet** : plus rien ne passe, et personne n'en est averti ({coupures}).

Une secousse sur huit tombe n'importe quand, ou pendant un démarrage.

Le jugement se fait du dehors, toutes les dix secousses : ce que les auteurs ont reçu en réponse, ce que les
partenaires des trois canaux (appel, retrait, courrier) ont reçu et acquitté, comparé au journal et aux
distributions. Rien de ce qui a été répondu n'est perdu ni enregistré deux fois ; chaque guichet a chaque
changement une fois, numéroté de un en un sans trou, dans l'ordre pour chaque demande ; rien n'est acquitté
deux fois ni renvoyé une fois l'accusé enregistré ; la chaîne du journal est intacte.

Campagne du {campagne["date"][:10]}, graine `{campagne["graine"]}` ; {campagne["machine"]}, charge
{" / ".join(str(each) for each in campagne["charge"])} à la fin.

- {len(atteintes)} secousses, {len(secousses) - len(atteintes)} points non atteints ;
- {total["demandes"]} demandes, {total["evenements"]} changements enregistrés ;
- {total["distributions"]} distributions acquittées ;
- {total["renvois"]} envois répétés par les auteurs ;
- rien de perdu, de doublé ni de désordonné.

{_table(atteintes)}
"""


def _table(secousses: Iterable[dict[str, Any]]) -> str:
    """Steps and moments in rows, kinds in columns, how many in each place."""
    counts: dict[tuple[str, str, str], Counter[str]] = {}
    for each in secousses:
        key = (each["role"], each["etape"], each["moment"])
        counts.setdefault(key, Counter())[each["genre"]] += 1
    lines = [
        "| processus | étape | moment | " + " | ".join(_GENRES) + " |",
        "| --- | --- | --- | " + " | ".join("--:" for _ in _GENRES) + " |",
    ]
    for role, etape, moment in sorted(counts, key=lambda key: (*key[:2], _MOMENTS.index(key[2]))):
        found = counts[role, etape, moment]
        cells = " | ".join(str(found[genre] or "") for genre in _GENRES)
        lines.append(f"| {role} | {etape} | {moment} | {cells} |")
    return "\n".join(lines)
