"""What a clone must hold to stand alone: links that lead somewhere, documented commands that exist, a lock
that any mirror can serve."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from echangeur.cli import app
from tests.bout_en_bout.appels import SERVICE_OF
from tests.bout_en_bout.essais import ESSAIS
from tools.docs_commandes import PAGE as COMMANDES

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
# The page of the commands is made from them, which tests/echangeur/test_documentation.py proves.
WRITTEN = [page for page in PAGES if page != ROOT / COMMANDES]
FOLDERS = (
    *("soap", "mailflows", "schemas", "dispatching", "filters", "registry", "certs", "conformance"),
    *("console", "echangeur"),
)


def tracked() -> list[Path]:
    """The files that a clone receives."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_decision_has_a_number_of_its_own() -> None:
    """Two of the same number cannot be told apart where one is named; the heading repeats it."""
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [page.name[:4] for page in records]
    assert len(set(numbers)) == len(numbers)
    assert [page.read_text(encoding="utf-8")[2:7] for page in records] == [f"{each}." for each in numbers]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_the_documentation_lead_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


def reach(words: list[str]) -> Any:
    """The command that the words of a documented line reach, or None when one of them is unknown.

    Not typed: typer carries its own copy of click, whose classes are private.
    """
    command: Any = get_command(app)
    rest = iter(words)
    for word in rest:
        if word in ("--aide", "--version"):
            return command
        if word.startswith("--"):
            next(rest, None)  # the other options that may come before a sub-command take a value
            continue
        if not hasattr(command, "commands"):
            return command
        command = command.commands.get(word)
        if command is None:
            return None
    return command


def documented_commands() -> list[tuple[str, str]]:
    """Every line of a shell block or code span that calls the hub, with the page that holds it."""
    calls = re.compile(r"(?:^|`)(?:\.venv/bin/)?echangeur ([^`\n|#]*)", re.MULTILINE)
    return [
        (str(page.relative_to(ROOT)), line.strip())
        for page in WRITTEN
        for line in calls.findall(page.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("page", "line"), documented_commands())
def test_documented_command_and_its_options_exist(page: str, line: str) -> None:
    command = reach(line.split())
    assert command is not None
    parameters = [*command.params, *get_command(app).params]
    known = {option for parameter in parameters for option in parameter.opts}
    assert set(re.findall(r"(?<!\S)--[a-z][a-z-]*", line)) <= known


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    wanted = set(re.findall(r"`?make ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert [name for name in sorted(wanted) if not re.search(rf"^{name}:", makefile, re.M)] == []


def test_lock_names_no_address() -> None:
    assert re.findall(r"https?://|--index|--find-links", (ROOT / "requirements.lock").read_text()) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_says_what_may_live_in_it(folder: str) -> None:
    text = (ROOT / folder / "__init__.py").read_text(encoding="utf-8")
    assert text.startswith('"""')
    assert len(text) > 60


CITATION = re.compile(
    r"(?<![\w/])(interface/wire|regles|conception|design|\w+\.md)"
    r"(?:, (?:décision |decision )|,? §)(?:Decisions )?(\d+)"
)


def test_every_rule_cited_is_on_the_page_of_sources() -> None:
    """A citation that leads nowhere proves nothing."""
    page = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    rows: dict[str, set[str]] = {}
    for section in page.split("\n## ")[1:]:
        name = section[1 : section.index("`", 1)]
        rows[name] = set(re.findall(r"^\| §?(\d+) \|", section, re.MULTILINE))
    cited = {
        (name.replace("design", "conception"), number, str(path.relative_to(ROOT)))
        for path in tracked()
        if path.suffix in (".py", ".md", ".xsd", ".wsdl", ".toml")
        for name, number in CITATION.findall(path.read_text(encoding="utf-8"))
    }
    assert len(cited) > 100
    assert sorted(each for each in cited if each[1] not in rows.get(each[0], ())) == []


def test_no_private_key_is_committed() -> None:
    marker = b"PRIVATE" + b" KEY-----"
    assert [path for path in tracked() if marker in path.read_bytes()] == []


def test_every_published_operation_is_exercised_through_the_socket() -> None:
    """By zeep, inline and in parts, against a real hub: bout_en_bout/test_zeep runs each essai."""
    assert sorted(SERVICE_OF.keys() - ESSAIS.keys()) == []
    assert sorted(ESSAIS.keys() - SERVICE_OF.keys()) == []
