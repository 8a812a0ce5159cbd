"""What the start of a command imports: no more than what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from echangeur.cli import COMMANDES, app
from echangeur.tardives import Tardives
from tools.docs_anomalies import declaring_modules

LOURDS = ("aiohttp", "alembic", "cryptography", "numpy", "rich", "spyne", "sqlalchemy", "typst", "zeep")
"""What the services, the database, the matching index and the screens need."""


@pytest.mark.parametrize(
    ("mots", "permis"),
    [
        (["--version"], ()),
        (["bac-a-sable", "--dossier", "absent", "vider"], ("psycopg",)),
        (["--instance", "absente", "guichet", "lister"], ("cryptography", "psycopg", "sqlalchemy")),
        # Called again and again by what watches.
        (["sante", "--adresse", "http://127.0.0.1:9", "--json"], ()),
    ],
)
def test_what_a_light_command_imports(tmp_path: Path, mots: list[str], permis: tuple[str, ...]) -> None:
    """[BAC-12] Until it does its work: what `vider` uses then is imported with the module that does it."""
    script = f"import sys; from echangeur.cli import run; run({mots}); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    venus = {each.partition(".")[0] for each in done.stdout.splitlines()[-1].split()}
    assert venus & {*LOURDS, "psycopg"} == set(permis)
    siens = {each for each in done.stdout.split() if each.startswith("echangeur.commandes.")}
    assert len(siens) <= 1


def test_names_are_told_without_an_import() -> None:
    """And a word that is none is looked for among them, by typer."""
    commandes = Tardives({"une": "absent.module:app", "une autre": "absent.module:f", "deux": "absent:app"})
    assert list(commandes) == ["une", "deux"]
    assert "trois" not in commandes
    assert commandes.get("trois") is None
    with pytest.raises(ModuleNotFoundError):
        commandes["une"]


def test_a_fault_of_a_module_is_not_a_command_that_there_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fautif.py").write_text("{}['cle']")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyError, match="cle"):
        Tardives({"une": "fautif:app"}).get("une")


def test_each_word_of_the_table_calls_a_command() -> None:
    for mots in COMMANDES:
        command = get_command(app)
        for mot in mots.split():
            command = command.commands[mot]  # type: ignore[attr-defined]
        assert command.name == mots.split()[-1]


@pytest.mark.parametrize("module", ["echange", "courrier"])
def test_what_tells_of_a_code_knows_them_all(module: str) -> None:
    """[FLX-21] Whatever else is imported: whose turn it is, and what to do, is in the module that declares
    it. The console, the alerts and the checks of health declare what no exchange and no message bears."""
    portes = [
        nom
        for nom in declaring_modules()
        if not nom.startswith(("console.", "echangeur.", "mailflows.alertes."))
    ]
    script = (
        f"import sys, echangeur.commandes.{module}; from registry.anomalies import CATALOGUE;"
        " print(*sys.modules); print(*CATALOGUE.types)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules, codes = (set(each.split()) for each in done.stdout.splitlines())
    assert modules >= set(portes)
    assert {"GUI010", "SOA001"} <= codes
