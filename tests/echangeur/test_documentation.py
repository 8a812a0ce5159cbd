"""A documented command is a tested command, and the generated pages are those of the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from echangeur.cli import app
from tools import docs_commandes, docs_configuration
from tools.docs import RACINE

COMMANDES = [
    (words, command)
    for words, command in docs_commandes.walk(get_command(app))
    if not hasattr(command, "commands")
]
NOMS = [" ".join(words[1:]) for words, _ in COMMANDES]


@pytest.mark.parametrize("module", [docs_commandes, docs_configuration])
def test_page_engendree_est_a_jour(module: Any) -> None:
    """`make docs` writes it again."""
    assert (RACINE / module.PAGE).read_text(encoding="utf-8") == module.render()


@pytest.mark.parametrize(("words", "command"), COMMANDES, ids=NOMS)
def test_commande_est_essayee(words: tuple[str, ...], command: Any) -> None:
    """Each command is called by a test of this folder; those of a served sandbox, by one of its own."""
    called = r"[\s,(*]*".join(f'"{word}"' for word in words[1:])
    tests = Path(__file__).parents[1]
    texts = "".join(path.read_text(encoding="utf-8") for path in (tests / "echangeur").glob("*.py"))
    if words[1] == "bac-a-sable":
        texts += (tests / "bac_a_sable" / "test_bac.py").read_text(encoding="utf-8")
        called = rf'({called}|command\([\w.]+, "{words[-1]}"|= \("{words[-1]}", )'
    assert re.search(called, texts), f"aucun test n'appelle {' '.join(words)}"


@pytest.mark.parametrize(("words", "command"), COMMANDES, ids=NOMS)
def test_commande_a_une_aide_francaise(words: tuple[str, ...], command: Any) -> None:
    assert command.help
    for param in command.params:
        assert param.help, f"{' '.join(words)} : {param.name} sans aide"
    text = command.help + " ".join(param.help for param in command.params)
    assert not re.search(r"\b(the|show|of|with|file|default)\b", text, re.IGNORECASE)


def test_lister_et_montrer_ont_json() -> None:
    """Design: ``--json`` wherever something is listed."""
    for words, command in COMMANDES:
        if words[-1] in ("lister", "montrer"):
            assert any("--json" in param.opts for param in command.params), words
