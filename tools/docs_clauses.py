"""conformance/clauses.json: the rule of each clause, which the kit of conformity carries with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from tools import docs_specification

PAGE: Final = Path("conformance/clauses.json")


def render() -> str:
    """The whole file."""
    rules = {each.code: each.texte.replace("\\|", "|") for each in docs_specification.clauses()}
    return json.dumps(rules, ensure_ascii=False, indent=1) + "\n"
