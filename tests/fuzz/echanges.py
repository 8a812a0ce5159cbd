"""The campaign of mutated calls: ``python -m tests.fuzz.echanges`` tries 100,000 against a hub of its own.

Figures go to bench/results/fuzz_echanges.json at each batch: ``--reprendre`` goes on with a campaign of the
same seed that was stopped; ``--numero N`` makes one call again and shows the answer. Exit code 1 when
anything was found.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.fuzz.campagne import Bilan
from tests.fuzz.hub import CIBLE, DELAI, attacked, judge

RESULTS = Path(__file__).parents[2] / "bench" / "results" / "fuzz_echanges.json"
LOT = 1_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nombre", type=int, default=100_000, help="mutations en tout")
    parser.add_argument("--graine", default="1")
    parser.add_argument("--numero", type=int, help="cette mutation seule")
    parser.add_argument(
        "--reprendre", action="store_true", help="continue la campagne du fichier de résultats"
    )
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # The embedded PostgreSQL runs as another user when we are root: it must reach its folder.
        Path(folder).chmod(0o755)
        return asyncio.run(_run(Path(folder) / "instance", options))


async def _run(dossier: Path, options: argparse.Namespace) -> int:
    bilan, debut, secondes = Bilan(CIBLE), 0, 0.0
    if options.reprendre and options.json.exists():
        known = json.loads(options.json.read_text(encoding="utf-8"))
        if known["graine"] == options.graine:
            bilan, debut, secondes = _known(known), known["essais"], known["duree_s"]
    # Those of before are judged again: what was corrected since is no fault any more.
    a_rejuger = sorted({int(each.split()[1]) for each in bilan.fautes})
    async with attacked(dossier, muet=options.numero is None) as attaque:
        if options.numero is not None:
            message = attaque.draw(options.graine, options.numero)
            print(message.service, message.content_type)
            print(message.corps.decode("utf-8", "replace"))
            statut, corps = await attaque.send(message)
            print(statut, judge(statut, corps))
            print(corps.decode("utf-8", "replace"))
            return 0
        if a_rejuger:
            bilan.fautes = (await attaque.run(options.graine, a_rejuger)).fautes
        while debut < options.nombre:
            fin = min(debut + LOT, options.nombre)
            before = time.monotonic()
            bilan.add(await attaque.run(options.graine, range(debut, fin)))
            secondes += time.monotonic() - before
            debut = fin
            options.json.write_text(
                json.dumps(_content(bilan, options.graine, secondes), ensure_ascii=False, indent=2) + "\n",
                encoding="utf-8",
            )
            print(f"{debut} appels, {len(bilan.fautes)} fautes, {len(bilan.motifs)} réponses différentes")
    for faute in bilan.fautes[:50]:
        print(f"  {faute}")
    print(f"Résultats : {options.json}")
    return 1 if bilan.fautes else 0


def _content(bilan: Bilan, graine: str, secondes: float) -> dict[str, Any]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cœurs, Python {platform.python_version()}",
        "graine": graine,
        "duree_s": round(secondes),
        "delai_s": DELAI,
        "essais": bilan.essais,
        "acceptes": bilan.acceptes,
        "fautes": bilan.fautes,
        "plus_long_ms": round(1000 * bilan.plus_long),
        "numero_plus_long": bilan.numero_plus_long,
        "memoire_mio": usage.ru_maxrss // 1024,
        "reponses": dict(bilan.motifs.most_common()),
    }


def _known(content: dict[str, Any]) -> Bilan:
    return Bilan(
        CIBLE,
        content["essais"],
        content["acceptes"],
        Counter(content["reponses"]),
        content["fautes"],
        content["plus_long_ms"] / 1000,
        content["numero_plus_long"],
    )


if __name__ == "__main__":
    sys.exit(main())
