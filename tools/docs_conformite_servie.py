"""console/conformite.json: the tables of docs/conformite-echangeur.md, which the console serves."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tools.conformite_echangeur import tableaux

PAGE: Final = Path("console/conformite.json")


def render() -> str:
    """The whole file."""
    return json.dumps([asdict(each) for each in tableaux()], ensure_ascii=False, indent=1) + "\n"
