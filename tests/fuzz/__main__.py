"""The whole campaign: ``python -m tests.fuzz`` tries 100,000 mutations and writes bench/results/fuzz.json.

``--graine`` draws others; ``--cible NOM --numero N`` makes one again and judges it, with its traceback.
Exit code 1 when anything was found.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from tests.fuzz import campagne
from tests.fuzz.campagne import ARRET, DELAI, Bilan
from tests.fuzz.cibles import CIBLES as CMS
from tests.fuzz.cibles_courrier import COURRIER

RESULTS = Path(__file__).parents[2] / "bench" / "results" / "fuzz.json"
CIBLES = (*CMS, *COURRIER)
LOT = 1_000


def _run(words: tuple[int, str, int, int]) -> Bilan:
    rang, graine, debut, fin = words
    return campagne.run(CIBLES[rang], graine, range(debut, fin))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nombre", type=int, default=100_000, help="mutations en tout")
    parser.add_argument("--graine", default="1")
    parser.add_argument("--cible", choices=[cible.nom for cible in CIBLES])
    parser.add_argument("--numero", type=int, help="cette mutation seule")
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.numero is not None:
        (cible,) = [each for each in CIBLES if each.nom == options.cible]
        before = time.process_time()
        print(cible.judge(campagne.draw(cible, options.graine, options.numero)))
        print(f"{time.process_time() - before:.3f} s")
        return 0
    parts = sum(cible.part for cible in CIBLES)
    batches = [
        (rang, options.graine, debut, min(debut + LOT, wanted))
        for rang, cible in enumerate(CIBLES)
        if (wanted := -(-options.nombre * cible.part // parts))
        for debut in range(0, wanted, LOT)
    ]
    before = time.monotonic()
    total = {cible.nom: Bilan(cible.nom) for cible in CIBLES}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for bilan in pool.map(_run, batches):
            total[bilan.cible].add(bilan)
    for bilan in total.values():
        print(
            f"{bilan.cible:30} {bilan.essais:7} essais, {bilan.acceptes:6} acceptés intacts, "
            f"{len(bilan.fautes)} fautes, au plus {bilan.plus_long:.3f} s (n° {bilan.numero_plus_long})"
        )
        for faute in bilan.fautes[:20]:
            print(f"  {faute}")
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "graine": options.graine,
        "duree_s": round(time.monotonic() - before),
        "delai_s": DELAI,
        "arret_s": ARRET,
        "mesures": [
            {
                "cible": bilan.cible,
                "essais": bilan.essais,
                "acceptes": bilan.acceptes,
                "refuses": bilan.essais - bilan.acceptes,
                "fautes": len(bilan.fautes),
                "plus_long_ms": round(1000 * bilan.plus_long, 1),
            }
            for bilan in total.values()
        ],
    }
    options.json.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(f"Résultats : {options.json}")
    return 1 if any(bilan.fautes for bilan in total.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
