"""How each page is tried by tests/console/test_droits.py: a module for each family of pages, with its `CAS`.

A page that needs nothing but the thing that its address names is tried without a case. One that changes
something, or whose address has other parameters, needs one: the test fails as long as it has none.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from tests.console.monde import Monde


def _nothing(_monde: Monde, _code: str) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Cas:
    """How a page is tried on the thing of the guichet of that code.

    parametres: those of the path beside the object, and of the query. champs: of the form. statuts: what an
    account that may is answered. telechargement: the answer is a file, which no browser shows.
    """

    parametres: Callable[[Monde, str], Mapping[str, str]] = _nothing
    champs: Callable[[Monde, str], Mapping[str, str]] = _nothing
    statuts: frozenset[int] = frozenset({200, 303})
    telechargement: bool = False


def load_cas() -> dict[str, Cas]:
    """The case of each page, by the name of the page."""
    found: dict[str, Cas] = {}
    for module in pkgutil.iter_modules(__path__):
        cas = import_module(f"{__name__}.{module.name}").CAS
        assert not found.keys() & cas.keys()
        found |= cas
    return found
