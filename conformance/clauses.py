"""The rule of each clause of docs/specification, for who has the kit and not the specification.

`clauses.json` is written from the chapters by ``python -m tools.docs``.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import msgspec


def rule_of(clause: str) -> str:
    """The beginning of a clause, up to the end of its first sentence. Raises KeyError when there is none."""
    return _rules()[clause]


@cache
def _rules() -> dict[str, str]:
    data = (resources.files("conformance") / "clauses.json").read_bytes()
    return msgspec.json.decode(data, type=dict[str, str])
