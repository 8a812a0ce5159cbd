"""The load: as many blocking connections as clients, over mutual TLS and kept alive, each sending
its share of ready-made requests as fast as answers come.

Blocking sockets in threads, because this client must cost little: it shares the machine with what
it measures.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """The bytes of one HTTP request."""

    data: bytes


@dataclass
class Outcome:
    """What one run gave. latencies in seconds; errors counts the answers that were not accepted."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    errors: int = 0
    answers: list[bytes] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Latency below which `share` of the requests were answered, in milliseconds."""
        if not self.latencies:
            return float("nan")
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def rate(self) -> float:
        """Accepted answers per second."""
        return len(self.latencies) / self.seconds


class Connection:
    """One connection to the server, opened at the first request and kept."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self._port = port
        self._context = context
        self._socket: ssl.SSLSocket | None = None

    def exchange(self, request: Request) -> tuple[int, bytes]:
        """Send one request, return status and body. Raises OSError when the server goes away."""
        if self._socket is None:
            raw = socket.create_connection(("127.0.0.1", self._port), timeout=60)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = self._context.wrap_socket(raw, server_hostname="localhost")
        self._socket.sendall(request.data)
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            chunk = self._socket.recv(65536)
            if not chunk:
                raise ConnectionError("la connexion s'est fermée")
            data += chunk
        head = data[:end].lower()
        at = head.index(b"content-length:") + 15
        length = int(head[at : (head.find(b"\r\n", at) + 1 or len(head) + 1) - 1])
        body = data[end + 4 :]
        while len(body) < length:
            chunk = self._socket.recv(65536)
            if not chunk:
                raise ConnectionError("la connexion s'est fermée")
            body += chunk
        if b"connection: close" in head:
            self._socket.close()
            self._socket = None
        return int(data[9:12]), body


def client_context(folder: Path) -> ssl.SSLContext:
    """TLS context of a client whose cert.pem, key.pem and ca.pem are in `folder`."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def run(
    port: int,
    folder: Path,
    requests: Sequence[Request],
    clients: int,
    *,
    keep: bool = False,
    accept: bytes = b"",
) -> Outcome:
    """Send every request once, over `clients` connections; an answer counts when its status is 200 and it
    holds `accept`. With `keep` the bodies are returned in the order of the requests.
    """
    context = client_context(folder)
    lock = threading.Lock()
    latencies: list[float] = []
    answers: list[bytes] = [b""] * len(requests)
    errors = 0
    barrier = threading.Barrier(clients + 1)

    def work(rank: int) -> None:
        nonlocal errors
        connection = Connection(port, context)
        mine: list[float] = []
        bad = 0
        barrier.wait()
        for index in range(rank, len(requests), clients):
            begin = time.perf_counter()
            status, body = connection.exchange(requests[index])
            mine.append(time.perf_counter() - begin)
            if status != 200 or accept not in body:
                bad += 1
                mine.pop()
            if keep:
                answers[index] = body
        with lock:
            latencies.extend(mine)
            errors += bad

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(clients)]
    for thread in threads:
        thread.start()
    barrier.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    return Outcome(time.perf_counter() - begin, latencies, errors, answers)
