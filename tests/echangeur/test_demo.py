"""`echangeur demo` as its user runs it: a process, what it says, how it ends, and what it leaves: nothing."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ECHANGEUR = str(Path(sys.executable).with_name("echangeur"))
DELAI = 120
"""Seconds: some fifteen times what a demonstration takes."""
NUMERO = re.compile(r"\b111\d{10}G1104\b")

# The same command, with a scenario that is wrong: the first demande is said to be refused.
AUTRE_SCENARIO = """
import dataclasses
from echangeur.cli import main
from echangeur.demo import deroulement

build = deroulement.build_envois

def wrong(now):
    first, *others = build(now)
    return (dataclasses.replace(first, anomalie="DEM999"), *others)

deroulement.build_envois = wrong
main()
"""


@pytest.fixture
def temporaire() -> Iterator[Path]:
    """The folder that the demonstration takes for /tmp, so that what it leaves can be seen.

    Not tmp_path: each session of pytest closes its parent to the user of PostgreSQL.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@contextlib.contextmanager
def started(temporaire: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A process whose temporary folder is `temporaire`; killed if the test fails before its end."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporaire)},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=DELAI)


def finish(process: subprocess.Popen[str], temporaire: Path) -> tuple[int, str, str]:
    """Wait for the end; the exit code and both outputs. Nothing may be left, neither process nor file."""
    sortie, erreur = process.communicate(timeout=DELAI)
    assert alive(temporaire) == []
    assert list(temporaire.iterdir()) == []
    return process.returncode, sortie, erreur


def alive(temporaire: Path) -> list[str]:
    """Command lines of the processes that work in the folder: hub, postmaster."""
    found = []
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            words = cmdline.read_bytes()
            if str(temporaire).encode() in words:
                found.append(words.replace(b"\0", b" ").decode())
    return found


def read_until(process: subprocess.Popen[str], text: str) -> list[str]:
    """The lines until the one that holds `text`."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return lines
    pytest.fail(f"« {text} » n'a pas été dit : {''.join(lines)}")


def test_demo(temporaire: Path) -> None:
    """Numbers, anomalies, distributions as they happen, and why each guichet did or did not receive."""
    with started(temporaire, ECHANGEUR, "demo") as process:
        code, sortie, erreur = finish(process, temporaire)
    assert code == 0, erreur
    recit, table = sortie.split("Demandes et distributions")
    assert len(set(NUMERO.findall(recit))) == 6
    for anomalie in ("anomalie GUI102 : ", "anomalie DBL101 : ", "faute XML105 : "):
        assert anomalie in recit
    assert recit.count(" acquittée") == 6
    assert "invalide : commune de Lyon" in recit
    assert "6 distributions acquittées, journal de 6 entrées intact" in table
    for reason in ("reçue : ", "non : ", "il suffirait de : "):
        assert reason in table
    assert "make run, ou echangeur demo --garder" in table


def test_a_difference_with_the_scenario_is_a_failure(temporaire: Path) -> None:
    """Exit code 1, and the difference in words."""
    with started(temporaire, sys.executable, "-c", AUTRE_SCENARIO, "demo") as process:
        code, _, erreur = finish(process, temporaire)
    assert code == 1
    assert "« personne seule, T2 à Montreuil » devait être refusée avec DEM999" in erreur


def test_kept_open_until_interrupted(temporaire: Path) -> None:
    """The address and the certificate that it shows serve the WSDL; Ctrl-C stops everything."""
    with started(temporaire, ECHANGEUR, "demo", "--garder", "--port", "0") as process:
        shown = "".join(read_until(process, "essai "))
        wsdl = re.search(r"WSDL +(https://\S+)", shown)
        autorite = re.search(r"autorité +(/\S+/ca\.pem)", shown)
        assert wsdl
        assert autorite
        context = ssl.create_default_context(cafile=autorite[1])
        with urllib.request.urlopen(wsdl[1], context=context, timeout=DELAI) as answer:
            assert b"getNumUnique" in answer.read()
        for name in ("certificat", "clé"):
            found = re.search(rf"{name} +(/\S+\.pem)", shown)
            assert found
            assert Path(found[1]).is_file()
        process.send_signal(signal.SIGINT)
        code, _, _ = finish(process, temporaire)
    assert code == 0


def test_interrupted_in_the_middle(temporaire: Path) -> None:
    """Ctrl-C before the end: said in one word, and nothing is left either."""
    with started(temporaire, ECHANGEUR, "demo") as process:
        read_until(process, "A → échangeur")
        process.send_signal(signal.SIGINT)
        code, _, erreur = finish(process, temporaire)
    assert code == 130
    assert erreur.strip() == "Interrompu."
