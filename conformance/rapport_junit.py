"""The report as JUnit XML, for the continuous integration of a partner."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Final

from lxml import etree

from schemas.rapport_conformite import Ligne, Niveau, Rapport, Verdict

_HORS_XML: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0 §2.2."""


def write_junit(rapport: Rapport) -> bytes:
    """A suite for each family. What has no verdict is skipped; a « devrait » that fails too."""
    root = etree.Element("testsuites", name=f"conformité de {_clean(rapport.cible)}")
    for titre, lines in groupby(rapport.resultats, key=lambda ligne: ligne.famille):
        _suite(root, rapport, titre, list(lines))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _suite(root: etree._Element, rapport: Rapport, titre: str, lignes: list[Ligne]) -> None:
    failed = sum(_fails(each) for each in lignes)
    skipped = sum(each.verdict is not Verdict.REUSSIE and not _fails(each) for each in lignes)
    suite = etree.SubElement(
        root,
        "testsuite",
        name=titre,
        tests=str(len(lignes)),
        failures=str(failed),
        errors="0",
        skipped=str(skipped),
        time="0",
        timestamp=rapport.debut.strftime("%Y-%m-%dT%H:%M:%S"),
        hostname="kit",
    )
    for each in lignes:
        case = etree.SubElement(
            suite, "testcase", name=f"{each.id} {_clean(each.titre)}", classname=_clean(titre), time="0"
        )
        if _fails(each):
            failure = etree.SubElement(case, "failure", message=_clean(each.quoi), type=each.clauses[0])
            failure.text = _clean(
                f"trouvé : {each.trouve}\nattendu : {each.attendu}\nà faire : {each.conduite}\n"
                f"clauses : {', '.join(each.clauses)}"
            )
        elif each.verdict is not Verdict.REUSSIE:
            found = each.raison or f"{each.quoi} : {each.trouve}, attendu {each.attendu} ({each.niveau})"
            etree.SubElement(case, "skipped", message=_clean(f"{each.verdict} : {found}"))


def _fails(ligne: Ligne) -> bool:
    return ligne.verdict is Verdict.ECHOUEE and ligne.niveau is Niveau.DOIT


def _clean(text: str) -> str:
    """Without the characters that XML does not admit: what was found is quoted, and may hold anything."""
    return _HORS_XML.sub("\N{REPLACEMENT CHARACTER}", text)
