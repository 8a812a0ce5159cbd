"""filters/filtre.schema.json, the published JSON Schema of filters, generated from the table of criteria."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from filters.schema import json_schema

PAGE: Final = Path("filters/filtre.schema.json")


def render() -> str:
    """The schema."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"
