"""The network between the hub and its partners, which the session cuts.

Two ways to cut. `rompre` resets every connection, by the relays through which all pass. `debrancher` loses
what is sent without a word to anyone, as a cable pulled out: the hub lives in a network namespace, at the
other end of a pair of virtual interfaces, one of which is put down. A machine that allows no namespace has
its relays hold everything instead: the same silence, less the refusals of new connections.
"""

from __future__ import annotations

import ctypes
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Final, Self

from tests.interop.relais import Relais

BOUCLE: Final = "127.0.0.1"
_PR_SET_PDEATHSIG: Final = 1
_RANGS: Final = count()
"""A session may have several networks."""


class Reseau:
    """Between `with`. hote: the address of the partners, seen from the hub. hub: the address where the hub
    listens. espace: file of its network namespace, or empty."""

    def __init__(self, *, isole: bool = True) -> None:
        self.hote = self.hub = BOUCLE
        self.espace = ""
        self._isole = isole
        self._relais: list[Relais] = []
        self._gardien: subprocess.Popen[bytes] | None = None
        self._lien = f"sec{os.getpid() % 1_000_000}.{next(_RANGS)}"

    def __enter__(self) -> Self:
        if self._isole:
            with suppress(OSError, subprocess.CalledProcessError):
                self._isolate()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._relais:
            each.close()
        if self._gardien is not None:
            # The namespace ends with its last process, and the pair of interfaces with it.
            self._gardien.kill()
            self._gardien.wait()
            _ip("link", "delete", self._lien, check=False)

    @property
    def nature(self) -> str:
        """How the silence is made, in French."""
        return "espace de noms réseau, lien abattu" if self.espace else "relais qui retiennent tout"

    def to_hub(self, port: int) -> int:
        """A port of loopback that leads to that port of the hub."""
        return self._open(Relais(port, hote=self.hub))

    def to_partner(self, port: int) -> int:
        """A port of `hote` that leads to that port of loopback."""
        return self._open(Relais(port, hote=BOUCLE, ecoute=self.hote))

    def rompre(self) -> None:
        """Reset every connection. New ones are accepted."""
        for each in self._relais:
            each.cut()

    def debrancher(self) -> None:
        """Lose everything in silence."""
        if self.espace:
            _ip("link", "set", self._lien, "down")
        for each in () if self.espace else self._relais:
            each.freeze()

    def rebrancher(self) -> None:
        """Let everything pass again."""
        if self.espace:
            _ip("link", "set", self._lien, "up")
        for each in () if self.espace else self._relais:
            each.thaw()

    def _open(self, relais: Relais) -> int:
        self._relais.append(relais)
        return relais.port

    def _isolate(self) -> None:
        # It only keeps the namespace, and dies with the session, however the session dies.
        gardien = subprocess.Popen(
            ["unshare", "--net", sys.executable, "-c", "print(flush=True); import signal; signal.pause()"],
            stdout=subprocess.PIPE,
            preexec_fn=_die_with_parent,
        )
        assert gardien.stdout is not None
        # Without the right to a namespace it ends at once, and what follows fails.
        gardien.stdout.readline()
        gardien.stdout.close()
        reseau = f"10.213.{random.randrange(256)}"
        try:
            pair = ("type", "veth", "peer", "name", "hub0", "netns", str(gardien.pid))
            _ip("link", "add", self._lien, *pair)
            _ip("address", "add", f"{reseau}.1/30", "dev", self._lien)
            _ip("link", "set", self._lien, "up")
            for words in (
                ("address", "add", f"{reseau}.2/30", "dev", "hub0"),
                ("link", "set", "hub0", "up"),
                ("link", "set", "lo", "up"),
            ):
                inside = ["nsenter", f"--net=/proc/{gardien.pid}/ns/net", "ip", *words]
                subprocess.run(inside, check=True, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError):
            gardien.send_signal(signal.SIGKILL)
            gardien.wait()
            raise
        self._gardien = gardien
        self.hote, self.hub = f"{reseau}.1", f"{reseau}.2"
        self.espace = f"/proc/{gardien.pid}/ns/net"


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, stderr=subprocess.DEVNULL)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
