"""Memory and time of a hub that takes in and gives out pièces of 20 MB ([PIE-30]).

``python -m bench.pieces`` starts a hub on a fresh instance, deposits distinct PDF of 20 MB by MTOM, one at a
time then eight at once, reads them back, and prints what the process of the hub held at most. `anonyme` is
memory of its own; `résidente` counts too the pages of temporary files that the kernel may take back.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table

from bench import servers
from bench.__main__ import prepare_instance
from certs.tls import client_context
from conformance.client_reference import ClientReference
from schemas.generation import generate_demande
from tests.registry.documents_pieces import pdf
from tests.soap.test_dossier_unique import CHEMIN, MTOM, depot_of, lecture_of, mtom

RESULTS = Path(__file__).parent / "results" / "pieces.json"
TAILLE = 20_000_000
ENSEMBLE = 8


@dataclass(frozen=True, slots=True)
class Line:
    """One phase. MiB for memory, milliseconds a pièce for time."""

    phase: str
    pieces: int
    ms_par_piece: float
    anonyme_avant: float
    anonyme_max: float
    residente_max: float


class Watch:
    """Samples the memory of a process every 5 ms."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.before = self.read()
        self.anonyme, self.residente = self.before

    def read(self) -> tuple[float, float]:
        text = self._status.read_text()
        found = [re.search(rf"^{name}:\s+(\d+) kB", text, re.M) for name in ("RssAnon", "VmRSS")]
        anonyme, residente = (int(each[1]) / 1024 for each in found if each)
        return anonyme, residente

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            anonyme, residente = self.read()
            self.anonyme, self.residente = max(self.anonyme, anonyme), max(self.residente, residente)


async def post(session: aiohttp.ClientSession, url: str, operation: str, body: bytes) -> bytes:
    headers = {"Content-Type": MTOM.format(operation)}
    async with session.post(url, data=body, headers=headers) as answer:
        content = await answer.read()
        assert answer.status == 200, content[:600]
        return content


async def phase(
    pid: int, name: str, works: list[tuple[str, bytes]], url: str, tls: ssl.SSLContext, at_once: int
) -> tuple[Line, list[bytes]]:
    gate = asyncio.Semaphore(at_once)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:

        async def one(operation: str, body: bytes) -> bytes:
            async with gate:
                return await post(session, url, operation, body)

        with Watch(pid) as watch:
            start = time.perf_counter()
            answers = await asyncio.gather(*(one(*work) for work in works))
            spent = time.perf_counter() - start
    line = Line(
        name,
        len(works),
        round(spent / len(works) * 1000, 1),
        round(watch.before[0], 1),
        round(watch.anonyme, 1),
        round(watch.residente, 1),
    )
    return line, list(answers)


async def measure(server: servers.Server, folder: Path) -> list[Line]:
    tls = client_context(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    client = ClientReference(f"https://localhost:{server.port}", tls)
    read = await asyncio.to_thread(client.num_unique, "a.xml", generate_demande(1, guichet="G1104"))
    numero = read.find("demande/demandeLogement/numUnique")
    url = f"https://localhost:{server.port}{CHEMIN}"
    lines = []
    warm = mtom(depot_of(numero), pdf(poids=1000, graine=999))
    _, answers = await phase(server.pid, "", [("deposerPiece", warm)], url, tls, 1)
    ids: list[str] = []
    for name, at_once, first in (
        ("dépôt, un à la fois", 1, 0),
        (f"dépôt, {ENSEMBLE} ensemble", ENSEMBLE, 100),
    ):
        bodies = [mtom(depot_of(numero), pdf(poids=TAILLE, graine=first + rank)) for rank in range(ENSEMBLE)]
        line, answers = await phase(
            server.pid, name, [("deposerPiece", body) for body in bodies], url, tls, at_once
        )
        lines.append(line)
        ids += [re.findall(rb"<idPiece>([^<]+)", answer)[0].decode() for answer in answers]
    for name, at_once in (("lecture, une à la fois", 1), (f"lecture, {ENSEMBLE} ensemble", ENSEMBLE)):
        works = [("consulterPiece", mtom(lecture_of(numero, each))) for each in ids[:ENSEMBLE]]
        line, answers = await phase(server.pid, name, works, url, tls, at_once)
        assert all(len(answer) > TAILLE for answer in answers)
        lines.append(line)
    return lines


def main() -> None:
    """Measure, print, write the results."""
    with tempfile.TemporaryDirectory() as root:
        instance, folder = prepare_instance(Path(root))
        with servers.hub(instance) as server:
            lines = asyncio.run(measure(server, folder))
    table = Table("phase", "pièces", "ms/pièce", "anonyme avant (Mio)", "anonyme max", "résidente max")
    for line in lines:
        table.add_row(*(str(value) for value in asdict(line).values()))
    Console().print(table)
    RESULTS.write_text(json.dumps([asdict(line) for line in lines], indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
