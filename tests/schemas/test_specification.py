"""The text of the specification, as a tree, as a page and as a PDF; its editions."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from importlib.resources import files
from itertools import pairwise

import pytest
from lxml import html

from schemas.specification.arbre import plain, read_arbre
from schemas.specification.editions import (
    Differences,
    Edition,
    compare_digests,
    digests,
    editions,
    published_digests,
    unexplained,
)
from schemas.specification.page import write_page
from schemas.specification.pdf import write_pdf
from tools import docs_specification, docs_texte
from tools.docs import RACINE

TEXTE = files("schemas").joinpath("specification", "texte.md").read_text(encoding="utf-8")
ARBRE = read_arbre(TEXTE)
PAGE = html.fromstring(write_page(ARBRE, "Titre", "Sous-titre"))

PETIT = """# Un {#un}

- **[ABC-1]** Voir [ABC-2] et `XYZ101`.
- **[ABC-2]** Fin.

## Lire

Texte **fort** et [lien](#un), <b>ni balise</b>.

# Deux {#annexe-deux}

## Lire

### `XYZ101`

| a | b |
| --- | --- |
| 1 | `x\\|y` |
"""
TOUT = PETIT + "\n1. un\n2. deux\n\n> cité\n\n```\n<a>" + "x" * 300 + "</a>\n```\n"
"""Every kind of block."""


def test_the_text_is_that_of_the_repository() -> None:
    """[SOA-42] `make docs` writes it again."""
    assert docs_texte.render() == TEXTE


def test_every_clause_is_an_address_of_the_page() -> None:
    """[SOA-42] In the page once, whatever the chapter."""
    ids = Counter(each.get("id") for each in PAGE.iter() if each.get("id"))
    assert [name for name, count in ids.items() if count > 1] == []
    assert {clause.code for clause in docs_specification.clauses()} <= ids.keys()
    targets = {str(each.get("href"))[1:] for each in PAGE.iter("a") if str(each.get("href")).startswith("#")}
    assert targets <= ids.keys()


def test_headings_have_no_gap() -> None:
    levels = [int(each.tag[1]) for each in PAGE.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    assert len(levels) > 100
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_everything_generated_is_in_it() -> None:
    """[SOA-42] Life cycle, rights, anomalies, documents, services, codes, mail: an annex each."""
    anchors = {titre.ancre for titre in ARBRE.titres if titre.niveau == 1}
    assert anchors >= {
        f"annexe-{nom}"
        for nom in ("versions", "editions", "exemples", "services", "documents", "codes", "cycle", "droits")
    }
    assert anchors >= {f"annexe-{nom}" for nom in ("anomalies", "refus", "courrier", "filtres", "glossaire")}
    for word in ("notifSms", "listerDistributions", "RADREN", "consultant sensible", "accuse.xml", "VIE204"):
        assert f"`{word}`" in TEXTE or word in TEXTE


def test_numbers_anchors_and_references() -> None:
    """Chapters are numbered, annexes lettered; a clause and an anomalie are reached from where they are
    named; what looks like HTML is text."""
    arbre = read_arbre(PETIT)
    assert [(each.numero, each.ancre) for each in arbre.titres] == [
        ("1", "un"),
        ("1.1", "un.lire"),
        ("A", "annexe-deux"),
        ("A.1", "annexe-deux.lire"),
    ]
    page = write_page(arbre, "T", "S").decode()
    assert '<strong class="clause" id="ABC-1"><a href="#ABC-1">ABC-1</a></strong>' in page
    assert '<a href="#ABC-2">ABC-2</a>' in page
    assert '<a href="#XYZ101"><code>XYZ101</code></a>' in page
    assert '<h4 id="XYZ101">' in page
    assert "&lt;b&gt;ni balise" in page
    assert plain(arbre.blocs[-1].lignes[1][1]) == "x|y"


@pytest.mark.parametrize("broken", ["[a](#nulle-part)", "[a](../ailleurs.md)", "![image](#un)"])
def test_what_leads_nowhere_is_refused(broken: str) -> None:
    with pytest.raises(ValueError, match="spécification"):
        read_arbre(f"# Un {{#un}}\n\n{broken}\n")


def test_pdf_is_tagged_and_the_same_each_time() -> None:
    """typst refuses to write what is against PDF/UA-1."""
    made = [write_pdf(read_arbre(TOUT), "T", "S", instant=datetime(2026, 1, 1, tzinfo=UTC)) for _ in range(2)]
    assert made[0] == made[1]
    assert b"/MarkInfo" in made[0]
    assert b"pdfuaid" in made[0]


def test_editions_follow_one_another() -> None:
    """Only the last one may be without a date; each that has one has its digests, and tells known clauses."""
    known = editions()
    assert [each.numero for each in known] == list(range(1, len(known) + 1))
    assert all(each.date is not None for each in known[:-1])
    codes = {clause.code for clause in docs_specification.clauses()}
    for each in known:
        if each.date is not None:
            codes |= published_digests(each.numero).keys()
        assert each.clauses.keys() <= codes


def test_digests_see_words_and_not_lines() -> None:
    """Cut otherwise, or followed by another, a clause is the same; with another word, it is not."""
    one = digests("- **[ABC-1]** Un texte\n  coupé.\n- **[ABC-2]** Autre.\n\n## Suite\n\n**[ABC-3]** Fin.")
    two = digests("- **[ABC-1]** Un texte coupé.\n\n- **[ABC-2]** Autre !\n\n**[ABC-4]** Fin.")
    found = compare_digests(one, two)
    assert found == Differences(("ABC-4",), ("ABC-2",), ("ABC-3",))
    assert unexplained(found, Edition(2, None, "", {"ABC-2": "Le ton change."})) == ("ABC-3",)
    assert re.fullmatch(r"[0-9a-f]{64}", one["ABC-1"])


def test_style_sheet_is_in_the_page() -> None:
    css = (RACINE / "schemas" / "specification" / "specification.css").read_text(encoding="utf-8")
    assert [each.text for each in PAGE.iter("style")] == [css]
