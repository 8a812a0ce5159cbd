"""Write `schemas/cog/` again from an unpacked npm package `@etalab/decoupage-administratif`.

    npm pack @etalab/decoupage-administratif@6.0.0 && tar xzf *.tgz && python -m tools.cog package/data

Run once a year, when the new Code officiel géographique is out. The result is byte-for-byte reproducible.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "schemas" / "cog"
SEPARATOR = ";"


def write(name: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """One gzipped file; no date and no name in the gzip header, so that the same data give the same bytes."""
    lines = [SEPARATOR.join(header)]
    for row in rows:
        if any(SEPARATOR in cell or "\n" in cell for cell in row):
            raise ValueError(f"séparateur dans une valeur : {row}")
        lines.append(SEPARATOR.join(row))
    data = ("\n".join(lines) + "\n").encode()
    (TARGET / name).write_bytes(gzip.compress(data, compresslevel=9, mtime=0))


def main(source: Path) -> None:
    """Read the JSON files of `source` and write the files of `schemas/cog/`."""
    load = {
        name: json.loads((source / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("communes", "epci", "ept", "departements")
    }
    epci_of = {member["code"]: item["code"] for item in load["epci"] for member in item["membres"]}
    ept_of = {member["code"]: item["code"] for item in load["ept"] for member in item["membres"]}
    communes = []
    for item in load["communes"]:
        if item["type"] not in ("commune-actuelle", "arrondissement-municipal"):
            continue
        parent = item.get("commune", "")
        communes.append(
            (
                item["code"],
                item["nom"],
                item["departement"],
                parent,
                epci_of.get(parent or item["code"], ""),
                ept_of.get(parent or item["code"], ""),
                str(item.get("population", 0)),
                " ".join(item.get("codesPostaux", ())),
            )
        )
    write(
        "communes.csv.gz",
        ("code", "nom", "departement", "commune_mere", "epci", "ept", "population", "codes_postaux"),
        sorted(communes),
    )
    write(
        "epci.csv.gz",
        ("code", "nom", "type"),
        sorted((i["code"], i["nom"], i["type"]) for i in [*load["epci"], *load["ept"]]),
    )
    write("departements.csv.gz", ("code", "nom"), sorted((i["code"], i["nom"]) for i in load["departements"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
