"""The hub as its operator runs it: the `echangeur` command in processes of its own, on a real folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ECHANGEUR = str(Path(sys.executable).with_name("echangeur"))
DELAI = 120.0
"""Seconds after which what is waited for will never come: some twenty times what it takes."""


def call(*words: object) -> str:
    """Run a command in a process of its own; its standard output. Fails the test unless it ends with 0."""
    done = subprocess.run([ECHANGEUR, *map(str, words)], capture_output=True, text=True, timeout=DELAI)
    assert done.returncode == 0, done.stderr
    return done.stdout


def children_of(pid: int) -> list[int]:
    """The processes whose parent is `pid`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # pid (name, which may hold anything) state ppid …
            ppid = stat.read_text().rpartition(")")[2].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(ppid) == pid:
            found.append(int(stat.parent.name))
    return found


class Serveur:
    """`echangeur serve` of one instance, killed and started again at will; each start has a port of its own.

    `generation` counts the starts. Its methods but `reach` are for one thread, the one that runs the test.
    """

    def __init__(self, dossier: Path) -> None:
        self.dossier = dossier
        self.generation = 0
        self.adresse = ""
        self.up = threading.Condition()
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start and wait until it says that it is ready."""
        self.launch()
        process = self.process
        assert process is not None
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Prêt : "):
                with self.up:
                    self.adresse = line.removeprefix("Prêt : ").strip()
                    self.generation += 1
                    self.up.notify_all()
                return
        raise AssertionError((self.dossier / "serveur.log").read_text())

    def launch(self) -> None:
        """Start, without waiting."""
        with (self.dossier / "serveur.log").open("a") as log:
            self.process = subprocess.Popen(
                [ECHANGEUR, "--instance", str(self.dossier), "serve", "--port", "0"],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def kill(self) -> None:
        """SIGKILL: nothing of the process is asked."""
        assert self.end(signal.SIGKILL) == -signal.SIGKILL

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; the exit code."""
        process = self.process
        assert process is not None
        assert process.stdout is not None
        process.send_signal(number)
        code = process.wait(DELAI)
        process.stdout.close()
        self.process = None
        return code

    def close(self) -> None:
        """Whatever happened: no process is left, that of the database included."""
        if self.process is not None:
            self.end(signal.SIGTERM)
        if (pid := self.postmaster()) is not None and Path(f"/proc/{pid}").exists():
            kill_tree(pid)

    def reach(self, known: int) -> tuple[int, str]:
        """The number of the last start and its address, waiting for one after `known`."""
        with self.up:
            assert self.up.wait_for(lambda: self.generation > known, DELAI), "le serveur ne revient pas"
            return self.generation, self.adresse

    def postmaster(self) -> int | None:
        """Process of the embedded database, or None when none is announced."""
        try:
            return int((self.dossier / "postgres" / "postmaster.pid").read_text().split()[0])
        except FileNotFoundError:
            return None


def kill_tree(pid: int) -> None:
    """SIGKILL a process and its children, the parent first so that it mourns nobody."""
    children = children_of(pid)
    for each in (pid, *children):
        try:
            os.kill(each, signal.SIGKILL)
        except ProcessLookupError:
            continue


def eventually(fact: Callable[[], bool], what: str) -> None:
    """Wait for a fact that no notification tells: look ten times a second."""
    deadline = time.monotonic() + DELAI
    while not fact():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
