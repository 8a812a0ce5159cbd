"""The proofs of the conformity of the hub itself, gathered from where tests hold them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from conformance.assertions import FAMILLES, server_assertions
from tests.etrangers.page import COURRIER, PAGE, read_rows


@dataclass(frozen=True, slots=True)
class Tableau:
    """A table. preuve: what fails when it is false."""

    titre: str
    preuve: str
    colonnes: list[str]
    lignes: list[list[str]]


def tableaux() -> tuple[Tableau, ...]:
    """The kit by family, then the foreign programs by operation."""
    return (_kit(), *_foreign())


def _kit() -> Tableau:
    """The test fails when one does not pass: there is no verdict to tell here."""
    nombres = Counter(each.famille for each in server_assertions())
    return Tableau(
        "Le kit contre l'échangeur",
        f"{nombres.total()} assertions, toutes réussies à chaque `make test` par tests/conformance.",
        ["famille", "assertions réussies"],
        [[titre, str(nombres[code])] for code, (_, titre) in FAMILLES.items() if code in nombres],
    )


_COURRIER: Final = "Comparé de même par tests/interop/test_agents.py ; le détail : interop-courrier.md."
_PAGES: Final = (
    (
        PAGE,
        "Ce que chaque client sait faire",
        "Clients SOAP étrangers × opérations",
        "Comparé par tests/etrangers à chaque `make test`, pour les programmes présents.",
    ),
    (
        COURRIER,
        "Ce que l'échangeur lit de chaque agent",
        "Courrier signé : ce que l'échangeur lit",
        _COURRIER,
    ),
    (
        COURRIER,
        "Ce que chaque agent lit de l'échangeur",
        "Courrier signé : ce qui se lit de l'échangeur",
        _COURRIER,
    ),
)


def _foreign() -> list[Tableau]:
    found = []
    for page, section, titre, preuve in _PAGES:
        heading, *rows = read_rows(section, page)
        found.append(Tableau(titre, preuve, heading, rows))
    return found
