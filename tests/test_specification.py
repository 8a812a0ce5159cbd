"""Each clause of the specification is proved by a test, and no citation leads nowhere."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from schemas.specification.editions import (
    compare_digests,
    courante,
    digests,
    editions,
    published_digests,
    unexplained,
)
from tools import docs_specification as specification
from tools import docs_texte

CLAUSES = specification.clauses()
CODES = {clause.code for clause in CLAUSES}
PROUVEES = {cited.code for cited in specification.proofs()}


@pytest.mark.parametrize("code", sorted(CODES))
def test_clause_has_a_test(code: str) -> None:
    assert code in PROUVEES, f"aucun test ne cite [{code}] dans sa docstring"


def test_no_number_is_used_twice() -> None:
    assert [code for code, count in Counter(clause.code for clause in CLAUSES).items() if count > 1] == []


def test_every_chapter_has_clauses() -> None:
    chapters = {path for path in specification.CHAPITRES.glob("*.md") if path.name != specification.PAGE.name}
    assert {clause.chapitre for clause in CLAUSES} == chapters


def test_no_citation_leads_nowhere() -> None:
    """In the tests, in the code, and from one chapter to another."""
    cited = {(each.code, str(each.fichier)) for each in [*specification.proofs(), *specification.uses()]}
    for clause in CLAUSES:
        text = clause.chapitre.read_text(encoding="utf-8")
        cited |= {(code, clause.chapitre.name) for code in re.findall(r"\[([A-Z]{3}-[0-9]+)\]", text)}
    assert sorted(each for each in cited if each[0] not in CODES) == []


def test_what_the_code_cites() -> None:
    """Alone, in a run, or as the source of an anomaly; what does not exist is cited all the same."""
    code = '''"""Runs ([SOA-10] to [SOA-13]); alone [ENR-999]."""\n    "VIE-12",\n    "UTF-8"\n'''
    assert specification.cited_in(code, CODES) == {
        *("SOA-10", "SOA-11", "SOA-12", "SOA-13"),
        *("ENR-999", "VIE-12"),
    }


def test_index_lists_every_clause_and_only_proofs_that_exist() -> None:
    """`make docs` writes it again."""
    page = (specification.CHAPITRES / specification.PAGE.name).read_text(encoding="utf-8")
    rows = {
        row.split(" | ")[0].removeprefix("| "): row
        for row in page.splitlines()
        if re.match(r"\| [A-Z]{3}-", row)
    }
    assert sorted(CODES - rows.keys()) == []
    tests = {cited.test for cited in specification.proofs()}
    listed = {name for row in rows.values() for name in re.findall(r"`(test_\w+)`", row)}
    assert sorted(listed - tests) == []


def test_a_clause_that_changes_says_what_changes() -> None:
    """[SOA-42] Since the last edition that was published: whoever changes or removes a clause adds a line to
    schemas/specification/editions.toml, for those who follow it already. A new clause is found by itself."""
    published = [each for each in editions() if each.date is not None][-1]
    found = compare_digests(published_digests(published.numero), digests(docs_texte.chapters_text()))
    told = courante()
    if told is published:
        assert (found.changees, found.retirees) == ((), ()), (
            "une clause de l'édition publiée a changé : ouvrez la suivante, sans date, dans editions.toml"
        )
    assert unexplained(found, told) == (), (
        "dites ce qui change dans schemas/specification/editions.toml, sous [edition.clauses]"
    )
