"""docs/specification/index.md: each clause, the tests that prove it, the code that does it.

A clause is written ``**[SUJ-3]**`` in a chapter of docs/specification/. A test proves it by citing
``[SUJ-3]`` in its docstring, or in that of its class; the code cites it anywhere, alone, in a run
(``[SUJ-3] to [SUJ-5]``) or as the source of an anomaly (``"SUJ-3"``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.specification.arbre import RENVOI
from schemas.specification.editions import CLAUSE

PAGE: Final = Path("docs/specification/index.md")

_RACINE: Final = Path(__file__).resolve().parent.parent
CHAPITRES: Final = _RACINE / "docs" / "specification"
_CODE: Final = ("soap", "mailflows", "schemas", "dispatching", "filters", "registry", "certs", "console")

_SUITE: Final = re.compile(r"\[([A-Z]{3})-([0-9]+)\] to \[\1-([0-9]+)\]")
_SOURCE: Final = re.compile(r'"([A-Z]{3}-[0-9]+)",?\n')

_ENTETE: Final = """# Spécification de l'interface

Page engendrée depuis les chapitres, les tests et le code par `make docs` ; ne pas la modifier à la main.

Chaque règle est une clause numérotée ; un numéro ne sert jamais deux fois. Un test cite la clause qu'il
prouve, le code celle qu'il suit ; une clause sans test est une erreur que les tests de l'échangeur voient.
"""

_TITRES: Final = "| clause | règle | tests | code |\n| --- | --- | --- | --- |\n"


@dataclass(frozen=True, slots=True)
class Clause:
    """A numbered rule. texte: its beginning, up to the end of its first sentence."""

    code: str
    chapitre: Path
    texte: str


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a clause is cited. test: name of the function that proves it, empty in code."""

    code: str
    fichier: Path
    test: str = ""


def clauses() -> list[Clause]:
    """Every clause, chapter after chapter, in the order of the text; one written twice is there twice."""
    return [clause for chapitre in list_chapters() for clause in _clauses_of(chapitre)]


def proofs() -> list[Citation]:
    """What the tests cite, by test function."""
    return [cited for path in _sources("tests") for cited in _proofs_of(path)]


def uses() -> list[Citation]:
    """What the code cites, once by file."""
    connues = {clause.code for clause in clauses()}
    return [
        Citation(code, path.relative_to(_RACINE))
        for folder in (*_CODE, "echangeur")
        for path in _sources(folder)
        for code in sorted(cited_in(path.read_text(encoding="utf-8"), connues))
    ]


def cited_in(code: str, connues: Collection[str]) -> set[str]:
    """The clauses that a source file cites, whether they exist or not; of a run, those of `connues`."""
    sujets = {clause[:3] for clause in connues}
    cited = {*RENVOI.findall(code), *(found for found in _SOURCE.findall(code) if found[:3] in sujets)}
    for sujet, first, last in _SUITE.findall(code):
        run = (f"{sujet}-{rang}" for rang in range(int(first), int(last) + 1))
        cited.update(clause for clause in run if clause in connues)
    return cited


def render() -> str:
    """The whole page."""
    tests, code = proofs(), uses()
    out = [_ENTETE]
    for chapitre in list_chapters():
        title = chapitre.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        out.append(f"\n## [{title}]({chapitre.name})\n\n{_TITRES}")
        out += [_row(clause, tests, code) for clause in _clauses_of(chapitre)]
    return "".join(out)


def _row(clause: Clause, tests: list[Citation], code: list[Citation]) -> str:
    by_file: dict[Path, list[str]] = {}
    for cited in tests:
        if cited.code == clause.code:
            by_file.setdefault(cited.fichier, []).append(f"`{cited.test}`")
    proved = "<br>".join(f"{_link(path)} : {', '.join(names)}" for path, names in by_file.items())
    used = "<br>".join(_link(cited.fichier) for cited in code if cited.code == clause.code)
    return f"| {clause.code} | {clause.texte} | {proved or '–'} | {used or '–'} |\n"


def _link(path: Path) -> str:
    return f"[{path}](../../{path})"


def list_chapters() -> list[Path]:
    """The chapters, in their order."""
    return sorted(path for path in CHAPITRES.glob("*.md") if path.name != PAGE.name)


def _clauses_of(chapitre: Path) -> Iterator[Clause]:
    pieces = CLAUSE.split(chapitre.read_text(encoding="utf-8"))
    for code, after in zip(pieces[1::2], pieces[2::2], strict=True):
        yield Clause(code, chapitre, _first_sentence(after))


def _first_sentence(text: str) -> str:
    paragraph = " ".join(re.split(r"\n\s*\n|\n#", text)[0].split()).strip("- ")
    # A clause may begin with its subject, « Jeton de version. »
    sentence = re.split(r"(?<=.{25}[.:;]) ", paragraph)[0].rstrip(" :;")
    # A link would have to lead from here, and a bar would end the cell.
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", sentence).replace("|", "\\|")


def _sources(folder: str) -> list[Path]:
    return sorted((_RACINE / folder).rglob("*.py"))


def _proofs_of(path: Path) -> Iterator[Citation]:
    relative = path.relative_to(_RACINE)
    for node, heard in _tests(ast.parse(path.read_text(encoding="utf-8")), ""):
        for code in sorted(set(RENVOI.findall(heard))):
            yield Citation(code, relative, node.name)


def _tests(
    parent: ast.Module | ast.ClassDef, heard: str
) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, str]]:
    """Each test function, with the docstrings that speak for it."""
    for node in parent.body:
        if isinstance(node, ast.ClassDef):
            yield from _tests(node, heard + (ast.get_docstring(node) or ""))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node, heard + (ast.get_docstring(node) or "")
