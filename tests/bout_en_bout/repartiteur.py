"""The topology of deploiement/conteneurs on this machine: haproxy as its file says, processes behind it.

The file is the one that is given to operators; names of containers become ports of the loopback, and haproxy
calls from an address of its own, as a container does.
"""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bout_en_bout.processus import DELAI, eventually
from tools.etrangers import Chaine

FICHIER = Path(__file__).parents[2] / "deploiement" / "conteneurs" / "haproxy.cfg"
ADRESSE = "127.0.0.2"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a process of the hub is reached: its service, and its administration."""

    service: int
    administration: int


def configure(text: str, devants: Mapping[str, int], ports: Mapping[str, Ports]) -> str:
    """The file for this machine. devants: port of each frontend by the port that it has in the file."""
    for dit, port in devants.items():
        text = text.replace(f"bind :{dit}\n", f"bind 127.0.0.1:{port}\n")
    # Its own rhythm is that of a production; a test sees a process go and come within a second.
    text = text.replace("inter 2s", f"inter 300ms source {ADRESSE}")

    # As many descriptors as any machine gives.
    text = re.sub(r"maxconn \d+", "maxconn 1000", text)

    def here(found: re.Match[str]) -> str:
        place = ports[found[1]]
        return f"server {found[1]} 127.0.0.1:{place.service} port {place.administration}"

    return re.sub(r"server (\w+) \1:\d+", here, text)


class Repartiteur:
    """A running haproxy."""

    def __init__(self, chaine: Chaine, lieu: Path, texte: str) -> None:
        programme = chaine.find("usr/sbin/haproxy")
        assert programme is not None
        config = lieu / "haproxy.cfg"
        config.write_text(texte, encoding="utf-8")
        self._journal = lieu / "haproxy.log"
        with self._journal.open("w") as log:
            self._process = subprocess.Popen(
                [programme, "-db", "-f", config], env=chaine.environment(), stdout=log, stderr=log
            )

    def states(self, serveur: str) -> list[str]:
        """What it said of a server, in order: DOWN, UP."""
        return re.findall(
            rf"^Server \w+/{serveur} is (DOWN|UP)", self._journal.read_text(errors="replace"), re.M
        )

    def wait_states(self, serveur: str, *attendus: str) -> None:
        """Wait until it has said exactly this of it."""
        eventually(lambda: self.states(serveur) == list(attendus), f"{serveur} : {self.states(serveur)}")

    def wait_listening(self, port: int) -> None:
        """Wait until it accepts."""
        deadline = time.monotonic() + DELAI
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(self._journal.read_text(errors="replace"))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(DELAI)
