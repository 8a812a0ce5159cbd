"""The kit is installed alone: an environment that has its own dependencies and nothing else runs it."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from importlib.metadata import distribution, requires
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from tools.paquet_conformite import DEPENDANCES, build


def closure(names: frozenset[str]) -> set[str]:
    """These distributions and all that they require here."""
    found: set[str] = set()
    pending = [*names]
    while pending:
        name = pending.pop().lower().replace("_", "-")
        if name in found:
            continue
        found.add(name)
        needed = (Requirement(each) for each in requires(name) or ())
        pending += [
            each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})
        ]
    return found


@pytest.mark.slow
def test_the_kit_runs_without_the_hub(tmp_path: Path) -> None:
    wheel = build(tmp_path / "roue")
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = tmp_path / "env" / "lib" / version / "site-packages"
    with ZipFile(wheel) as zipped:
        zipped.extractall(site)
    for name in closure(DEPENDANCES):
        one = distribution(name)
        for top in {each.parts[0] for each in one.files or () if each.parts[0] != ".."}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(one.locate_file(top))).resolve())

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        python = tmp_path / "env" / "bin" / "python"
        return subprocess.run(
            [python, "-I", *words], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=600
        )

    assert call("-c", "import sqlalchemy").returncode != 0
    for mode in ("serveur", "client"):
        listed = call("-m", "conformance", "lister", "--json", "--mode", mode)
        assert listed.returncode == 0, listed.stderr
        assert len(json.loads(listed.stdout)) > 50
    written = call("-m", "conformance", "modele", "--sortie", "profil.toml")
    assert written.returncode == 0, written.stderr
    # Nobody answers at the address of the model: every assertion is loaded and tried all the same.
    assert call("-m", "conformance", "lancer", "profil.toml", "--dossier", "r").returncode == 1
    assert len(list((tmp_path / "r").glob("rapport.*"))) == 4
