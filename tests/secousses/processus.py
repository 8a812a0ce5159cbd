"""The processes of the hub as the session sees them: started, stopped at a step, released, killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

DELAI = 60.0
"""Seconds after which what is waited for will never come."""

Point = tuple[str, str]
"""A step and a moment of it, as `crochets` names them."""


def is_dead(pid: int) -> bool:
    """Whether a process has ended; nobody may be there to mourn it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class Hub:
    """One process of the hub, under its role, started again at will; and what it says of its steps."""

    def __init__(self, pepiniere: Pepiniere, role: str, mots: Sequence[str], journal: Path) -> None:
        self.role = role
        self.pid = 0
        self.demarrages = 0
        self._pepiniere = pepiniere
        self._mots = list(mots)
        self._journal = journal
        self._changed = threading.Condition()
        self._poste: socket.socket | None = None
        self._pret = False
        self._arme = False
        self._atteint: Point | None = None
        self._vus: dict[Point, int] | None = None

    def launch(self) -> None:
        """Start, without waiting."""
        with self._changed:
            self._pret, self._atteint = False, None
        self.pid = self._pepiniere.fork(self.role, self._mots, self._journal)
        self.demarrages += 1

    def start(self) -> None:
        """Start and wait until it serves."""
        self.launch()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until it serves, after `launch`."""
        self._wait(lambda: self._pret, "le processus ne démarre pas")

    def arm(self, point: Point, rang: int = 1) -> None:
        """Ask it to stop the `rang`-th time that it reaches that point."""
        with self._changed:
            self._arme, self._atteint = False, None
        self._say(armer=[*point, rang])
        self._wait(lambda: self._arme, "le processus n'entend pas")

    def reached(self, delai: float) -> bool:
        """Wait until it is stopped there; False when it does not come to it in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._atteint is not None, delai)

    def release(self) -> None:
        """Let it go on, and stop nowhere."""
        with suppress(OSError):
            self._say(lacher=True)

    def count(self) -> dict[Point, int]:
        """The points that it has passed since it started, and how often."""
        with self._changed:
            self._vus = None
        self._say(compter=True)
        self._wait(lambda: self._vus is not None, "le processus ne compte pas")
        assert self._vus is not None
        return self._vus

    def kill(self) -> None:
        """SIGKILL, and wait until the kernel has ended it."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and wait."""
        if self.pid:
            self._end(signal.SIGTERM)

    @property
    def alive(self) -> bool:
        return bool(self.pid) and not is_dead(self.pid)

    def _end(self, number: signal.Signals) -> None:
        pid, self.pid = self.pid, 0
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        limit = time.monotonic() + DELAI
        while not is_dead(pid):
            assert time.monotonic() < limit, f"{self.role} ne finit pas"
            time.sleep(0.002)

    def _say(self, **ordre: object) -> None:
        poste = self._poste
        if poste is None:
            raise ConnectionError(f"{self.role} : pas de poste")
        poste.sendall(json.dumps(ordre).encode() + b"\n")

    def _wait(self, fact: object, constat: str) -> None:
        assert callable(fact)
        with self._changed:
            assert self._changed.wait_for(fact, DELAI), f"{self.role} : {constat}\n{self.tail()}"

    def tail(self) -> str:
        """The end of its log."""
        return self._journal.read_text(errors="replace")[-4000:] if self._journal.exists() else ""

    def hear(self, poste: socket.socket, lines: object) -> None:
        """Follow what a new process of this role says, until it ends."""
        with self._changed:
            self._poste = poste
        with suppress(OSError, ValueError):
            for line in lines:  # type: ignore[attr-defined]
                fait = json.loads(line)
                with self._changed:
                    if "pret" in fait:
                        self._pret = True
                    elif "arme" in fait:
                        self._arme = True
                    elif "atteint" in fait:
                        self._atteint = tuple(fait["atteint"])
                    elif "vus" in fait:
                        self._vus = {(etape, moment): nombre for etape, moment, nombre in fait["vus"]}
                    self._changed.notify_all()
        poste.close()


class Pepiniere:
    """The process from which those of the hub are forked. espace: file of the network namespace they join."""

    def __init__(self, dossier: Path, espace: str = "") -> None:
        self._espace = espace
        self._hubs: dict[str, Hub] = {}
        self._lock = threading.Lock()
        self._ecoute = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        poste, adresse = dossier / "poste", dossier / "pepiniere"
        self._ecoute.bind(str(poste))
        self._ecoute.listen(16)
        threading.Thread(target=self._accept, name="postes", daemon=True).start()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.secousses.pepiniere", str(adresse), str(poste)],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline(), "la pépinière ne démarre pas"
        self._session = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._session.connect(str(adresse))
        self._answers = self._session.makefile(encoding="utf-8")

    def hub(self, role: str, mots: Sequence[str], journal: Path) -> Hub:
        """A process of the hub to be started."""
        self._hubs[role] = Hub(self, role, mots, journal)
        return self._hubs[role]

    def fork(self, role: str, mots: Sequence[str], journal: Path) -> int:
        """Start one; its pid."""
        ordre = {"role": role, "mots": list(mots), "journal": str(journal), "espace": self._espace}
        with self._lock:
            self._session.sendall(json.dumps(ordre).encode() + b"\n")
            return int(self._answers.readline())

    def close(self) -> None:
        """End what is left of the processes, then the nursery."""
        for hub in self._hubs.values():
            if hub.alive:
                hub.kill()
        self._answers.close()
        self._session.close()
        self._ecoute.close()
        self._process.wait(DELAI)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                poste, _ = self._ecoute.accept()
                threading.Thread(target=self._follow, args=(poste,), daemon=True).start()

    def _follow(self, poste: socket.socket) -> None:
        with suppress(OSError, ValueError), poste.makefile(encoding="utf-8") as lines:
            first = lines.readline()
            if first:
                self._hubs[json.loads(first)["role"]].hear(poste, lines)
