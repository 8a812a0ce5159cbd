"""Start and stop the servers of the benchmark, each in its own process, on loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ECHANGEUR = str(Path(sys.executable).with_name("echangeur"))


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers on `port`; `pid` is the root of its processes, `database` that of PostgreSQL."""

    name: str
    port: int
    pid: int
    path: str
    database: int | None = None


def free_port() -> int:
    """A port of loopback that nobody holds."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Return when `port` speaks TLS. Raises RuntimeError when the process ends or time runs out."""
    context = ssl._create_unverified_context()  # only to know that somebody is there
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if process.poll() is not None:
            raise RuntimeError(f"le serveur s'est arrêté : {process.args!r}")
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=5) as raw,
            context.wrap_socket(raw),
        ):
            return
        time.sleep(0.05)
    raise RuntimeError(f"le serveur ne répond pas : {process.args!r}")


@contextlib.contextmanager
def running(
    name: str,
    command: list[str],
    port: int,
    path: str,
    database: Path | None = None,
    *,
    patience: float = 60,
) -> Iterator[Server]:
    """Run `command` until the block ends; `database` is the PGDATA whose postmaster is measured apart."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_for(port, process, patience)
        postmaster = int((database / "postmaster.pid").read_text().split()[0]) if database else None
        yield Server(name, port, process.pid, path, postmaster)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def lxml_nu(folder: Path) -> contextlib.AbstractContextManager[Server]:
    """Bare lxml over aiohttp."""
    port = free_port()
    command = [sys.executable, "-m", "bench.peers.lxml_nu", str(port), str(folder)]
    return running("lxml nu, aiohttp", command, port, "/")


def spyne_nu(folder: Path, workers: int) -> contextlib.AbstractContextManager[Server]:
    """Stock spyne under gunicorn; threads, because the default worker closes at each answer."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--log-level", "error"),
        *("--workers", str(workers), "--worker-class", "gthread", "--threads", "16", "--keep-alive", "60"),
        *("--keyfile", str(folder / "key.pem"), "--certfile", str(folder / "cert.pem")),
        *("--ca-certs", str(folder / "ca.pem"), "--cert-reqs", "2", "bench.peers.spyne_nu:application"),
    ]
    return running(f"spyne d'origine, gunicorn ×{workers}", command, port, "/")


def echangeur(*args: str) -> None:
    """Run one command of the hub. Raises CalledProcessError when it fails."""
    subprocess.run(
        [ECHANGEUR, *args], check=True, stdout=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": "1"}
    )


def hub(instance: Path) -> contextlib.AbstractContextManager[Server]:
    """The hub, one process, on its instance."""
    port = free_port()
    command = [ECHANGEUR, "--instance", str(instance), "serve", "--port", str(port), "--port-console", "0"]
    return running("echangeur", command, port, "/services/DemandeLogementImplService/", instance / "postgres")
