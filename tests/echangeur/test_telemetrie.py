"""Traces: handed to a collector that speaks OTLP, without anything nominative, and off by default."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from dispatching.transport import Accuse, Echec, Envoi, GenreEchec, Remis, Statut
from echangeur.cli import run
from echangeur.config import Configuration, Telemetrie
from echangeur.sortie import MauvaisUsage
from echangeur.telemetrie import create_traceur
from echangeur.telemetrie.etapes import TransportTrace
from echangeur.telemetrie.traceur import FILE, Traceur, root_of

ECHANGE = uuid.UUID("019f1d03-8dc0-74dc-8e7f-f294aca40217")
PARTENAIRE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@dataclass(frozen=True)
class Span:
    """What a collector reads of a span."""

    nom: str
    trace: str
    id: str
    parent: str
    attributs: dict[str, Any]
    erreur: bool
    liens: tuple[str, ...]
    secondes: float


@dataclass
class Collecteur:
    """A collector: it decodes what it is given with the definitions of the protocol."""

    adresse: str = ""
    corps: list[bytes] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        found = []
        for body in list(self.corps):
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    found += [_span(each) for each in scope.spans]
        return found


def _span(each: Any) -> Span:
    values = {
        pair.key: pair.value.string_value if pair.value.HasField("string_value") else pair.value.int_value
        for pair in each.attributes
    }
    return Span(
        each.name,
        each.trace_id.hex(),
        each.span_id.hex(),
        each.parent_span_id.hex(),
        values,
        each.status.code == 2,
        tuple(link.trace_id.hex() for link in each.links),
        (each.end_time_unix_nano - each.start_time_unix_nano) / 1e9,
    )


@contextmanager
def collecting() -> Iterator[Collecteur]:
    """A collector on the loopback, while it lasts."""
    collecteur = Collecteur()

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            collecteur.corps.append(self.rfile.read(int(self.headers["Content-Length"])))
            body = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    collecteur.adresse = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collecteur
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_trace_of_an_exchange_is_its_identifier() -> None:
    """[TEL-1] [TEL-2] Steps told anywhere, in any order, hang from the same first span. What the partner says
    of his own trace is a link, if it is asked for."""
    with collecting() as collecteur:
        for propager in (True, False):
            traceur = Traceur(collecteur.adresse, ("soap",), propager=propager)
            traceur.tell(ECHANGE, "tentative", 0.25, {"rang": 1}, erreur="panne", span=7)
            for context in (PARTENAIRE, "", "n'importe quoi"):
                traceur.tell_root(ECHANGE, "échange", 1.5, {"canal": "soap"}, traceparent=context)
            traceur.close()
        attempt, first, *others = collecteur.spans
    assert {each.trace for each in collecteur.spans} == {ECHANGE.hex}
    assert (attempt.parent, attempt.id, attempt.erreur) == (f"{root_of(ECHANGE):016x}", f"{7:016x}", True)
    assert attempt.attributs == {"echangeur.rang": 1}
    assert (first.id, first.parent, first.erreur) == (f"{root_of(ECHANGE):016x}", "", False)
    assert first.secondes == pytest.approx(1.5)
    assert first.liens == (PARTENAIRE.split("-")[1],)
    assert {each.liens for each in others} == {()}
    assert traceur.write_context(ECHANGE, 7) == f"00-{ECHANGE.hex}-0000000000000007-01"


def test_a_part_of_the_exchanges_is_traced_whole() -> None:
    """[TEL-3] The same ones in every process."""
    ids = [uuid.uuid4() for _ in range(2_000)]
    traceurs = [Traceur("http://127.0.0.1:9", ("soap",), part=part) for part in (0.25, 0.25, 0.0, 1.0)]
    kept = [[each.keeps(ident) for ident in ids] for each in traceurs]
    assert kept[0] == kept[1]
    assert 350 < sum(kept[0]) < 650
    assert (sum(kept[2]), sum(kept[3])) == (0, 2_000)
    for each in traceurs:
        each.close()


def test_a_collector_that_is_down_costs_a_bounded_memory(capsys: pytest.CaptureFixture[str]) -> None:
    """[TEL-4] The hub goes on; what does not fit is dropped, and a line says so."""
    traceur = Traceur("http://127.0.0.1:9", ("soap",))
    for _ in range(4 * FILE):
        traceur.tell_root(ECHANGE, "échange", 0.1, {"canal": "soap"})
    queue = traceur._processor._batch_processor._queue
    assert len(queue) <= FILE
    traceur.close()
    out = "".join(capsys.readouterr())
    assert 1 <= out.count("traces non remises") <= 2
    assert "127.0.0.1" not in out


class Partenaire:
    """A transport: what it was given, and what it answers."""

    def __init__(self, issue: Accuse | Remis | Echec) -> None:
        self.issue = issue
        self.recus: list[Envoi] = []

    async def send(self, envoi: Envoi) -> Accuse | Remis | Echec:
        self.recus.append(envoi)
        return self.issue


async def test_an_attempt_that_no_exchange_caused_is_a_trace_of_its_own(engine: Any) -> None:
    """[TEL-2] And the partner is told of it, if it is asked for."""
    envoi = Envoi(ECHANGE, 2, "G1104", 3, "0" * 18, "https://x", "x.xml", b"")
    with collecting() as collecteur:
        for propager, issue in ((True, Echec(GenreEchec.PANNE, "MARTIN")), (False, Accuse(Statut.RECU))):
            traceur = Traceur(collecteur.adresse, ("worker",), propager=propager)
            partenaire = Partenaire(issue)
            assert await TransportTrace(partenaire, traceur, engine).send(envoi) == issue
            await asyncio.to_thread(traceur.close)
            (recu,) = partenaire.recus
            assert bool(recu.traceparent) is propager
        failed, done = collecteur.spans
    assert (failed.trace, failed.parent, failed.erreur, done.erreur) == (ECHANGE.hex, "", True, False)
    assert failed.attributs["echangeur.issue"] == "panne"
    assert b"MARTIN" not in b"".join(collecteur.corps)


def test_without_a_collector_nothing_is_imported() -> None:
    """[TEL-5]"""
    script = "import sys, echangeur.composition; print([m for m in sys.modules if 'opentelemetry' in m])"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
    assert create_traceur(Configuration(), ("soap",)) is None


def test_without_the_package_the_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """[TEL-5]"""
    monkeypatch.setitem(sys.modules, "echangeur.telemetrie.traceur", None)
    asked = Configuration(telemetrie=Telemetrie(collecteur="http://127.0.0.1:4318"))
    with pytest.raises(MauvaisUsage, match="OpenTelemetry"):
        create_traceur(asked, ("soap",))


@pytest.mark.parametrize("adresse", ["ftp://x", "http://nom:secret@x", "x"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, adresse: str) -> None:
    """[TEL-5]"""
    fichier = tmp_path / "echangeur.toml"
    fichier.write_text(f'[telemetrie]\ncollecteur = "{adresse}"\n')
    assert run(["--instance", str(tmp_path), "alertes", "lister"]) == 2
