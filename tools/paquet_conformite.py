"""The kit of conformity alone: `echangeur-conformite`, made of the same files, installed without the hub.

    python -m tools.paquet_conformite DOSSIER

writes the wheel in DOSSIER. Nothing of a server is in it: no database, no PDF, no SOAP engine.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

from setuptools import build_meta

RACINE: Final = Path(__file__).resolve().parent.parent
PAQUETS: Final = ("schemas", "certs", "conformance")
DEPENDANCES: Final = frozenset(
    {
        *("aiohttp", "aiosmtpd", "aiosmtplib", "asn1crypto", "cryptography", "lxml", "msgspec"),
        *("rich", "typer", "tzdata"),
    }
)
"""What these packages need, of what the hub needs; in the versions that it asks for."""

_PROJET: Final = """[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "echangeur-conformite"
version = "{version}"
description = "Kit of conformity to the interface of the registry of social-housing demandes"
requires-python = "{python}"
license = "EUPL-1.2"
dependencies = {dependances}

[project.scripts]
echangeur-conformite = "conformance.commandes:main"

[tool.setuptools]
packages = {{ find = {{ include = {motifs} }} }}

[tool.setuptools.package-data]
"*" = {donnees}
"""


def build(sortie: Path) -> Path:
    """Build the wheel in `sortie`; its path."""
    told = tomllib.loads((RACINE / "pyproject.toml").read_text(encoding="utf-8"))
    kept = [each for each in told["project"]["dependencies"] if re.match(r"[\w-]+", each)[0] in DEPENDANCES]  # type: ignore[index]
    sortie.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in PAQUETS:
            shutil.copytree(RACINE / name, Path(folder) / name, ignore=_unwanted)
        text = _PROJET.format(
            version=told["project"]["version"],
            python=told["project"]["requires-python"],
            dependances=kept,
            motifs=[f"{name}*" for name in PAQUETS],
            donnees=told["tool"]["setuptools"]["package-data"]["*"],
        )
        (Path(folder) / "pyproject.toml").write_text(text.replace("'", '"'), encoding="utf-8")
        here = Path.cwd()
        os.chdir(folder)
        try:
            name = build_meta.build_wheel(str(sortie.resolve()))
        finally:
            os.chdir(here)
    return sortie / name


def _unwanted(_folder: str, names: list[str]) -> set[str]:
    # The ordinary partner needs a library of SOAP, path validation one of its own, what is published one that
    # makes PDF: none is of the kit.
    unwanted = ("__pycache__", "client_wsdl.py", "chemin.py", "specification")
    return {each for each in names if each in unwanted}


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
