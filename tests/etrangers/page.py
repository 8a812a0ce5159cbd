"""docs/etrangers.md as data: what each client is said to be able to do."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "etrangers.md"
COURRIER = PAGE.with_name("interop-courrier.md")
"""The same for signed mail; its tables are written and compared by tests/interop."""
CLIENTS = "Ce que chaque client sait faire"
VERSIONS = "Versions éprouvées"


def read_rows(title: str, page: Path = PAGE) -> list[list[str]]:
    """The table under the heading `title`: the cells of its own heading, then those of each row."""
    _, _, after = page.read_text(encoding="utf-8").partition(f"\n## {title}\n")
    rows = [
        [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        for line in after.partition("\n## ")[0].splitlines()
        if line.startswith("|")
    ]
    heading, _, *body = rows
    return [heading, *body]


def read_table(title: str, page: Path = PAGE) -> dict[str, dict[str, str]]:
    """The same by first cell of a row, its other cells by heading."""
    heading, *body = read_rows(title, page)
    return {row[0]: dict(zip(heading[1:], row[1:], strict=True)) for row in body}
