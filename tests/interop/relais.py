"""A relay of TCP between a client and a server, which cuts, or holds without forwarding, when it is told.

Frozen, both ends believe the connection alive: what a firewall that forgot it, or a machine that lost its
power, looks like.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress

from tests.interop.serveurs import HOTE

_BLOC = 64 * 1024


class Relais:
    """Listens on `port` of `ecoute` and forwards to `cible`, a port of `hote`.

    cut_after: octets from the client, counted over all the connections, after which every one is cut by RST,
    once; None for never. freeze_after, forget_after, mute_after: likewise, after which what they are named
    after happens.
    """

    def __init__(self, cible: int, *, hote: str = HOTE, ecoute: str = HOTE) -> None:
        self.cible = cible
        self._hote = hote
        self.cut_after: int | None = None
        self.freeze_after: int | None = None
        self.forget_after: int | None = None
        self.mute_after: int | None = None
        self.accepted = 0
        self._passed = 0
        self._flows = threading.Event()
        self._flows.set()
        self._answers = threading.Event()
        self._answers.set()
        self._forgotten: set[socket.socket] = set()
        self._lock = threading.RLock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server((ecoute, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Forward nothing more, and keep every connection open; new ones are accepted and held too."""
        self._flows.clear()

    def mute(self) -> None:
        """Forward nothing more from the server: it gets what it is told, its answers are lost."""
        self._answers.clear()

    def thaw(self) -> None:
        """Forward again."""
        self._flows.set()
        self._answers.set()

    def forget(self) -> None:
        """Drop from now on what comes by the connections that are open, and keep them open; new ones work."""
        with self._lock:
            self._forgotten |= self._open

    def cut(self) -> None:
        """Cut every connection by RST. New ones are accepted."""
        with self._lock:
            doomed, self._open = self._open, set()
        for each in doomed:
            _reset(each)

    def close(self) -> None:
        """Stop listening, and cut."""
        self._listener.close()
        self.thaw()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.accepted += 1
                try:
                    server = socket.create_connection((self._hote, self.cible))
                except OSError:
                    _reset(client)
                    continue
                with self._lock:
                    self._open |= {client, server}
                for source, target in ((client, server), (server, client)):
                    words = (source, target, source is client)
                    threading.Thread(target=self._forward, args=words, daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while block := source.recv(_BLOC):
                self._flows.wait()
                if counted and self._is_over(len(block)):
                    self.cut()
                    return
                self._flows.wait()
                if source in self._forgotten:
                    continue
                if not counted:
                    self._answers.wait()
                target.sendall(block)
        # An end of one side is the end of both: the protocols of mail have no half-closed state.
        with self._lock:
            ours = {source, target} & self._open
            self._open -= ours
        # Those that are not in the set any more are being cut: a FIN now would come before their RST.
        for each in ours:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _is_over(self, octets: int) -> bool:
        with self._lock:
            self._passed += octets
            if self.freeze_after is not None and self._passed >= self.freeze_after:
                self.freeze_after = None
                self.freeze()
            if self.forget_after is not None and self._passed >= self.forget_after:
                self.forget_after = None
                self.forget()
            if self.mute_after is not None and self._passed >= self.mute_after:
                self.mute_after = None
                self.mute()
            if self.cut_after is None or self._passed < self.cut_after:
                return False
            self.cut_after = None
            return True


def _reset(each: socket.socket) -> None:
    """Close without FIN: the other side gets RST."""
    with suppress(OSError):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        each.shutdown(socket.SHUT_RD)
    each.close()
