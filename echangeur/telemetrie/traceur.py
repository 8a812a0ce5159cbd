"""The spans of a process, handed to a collector beside the work: nothing waits for it, and it holds a bounded
number of them."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Final

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_log: Final = structlog.get_logger("echangeur")

FILE: Final = 2_048
"""Spans held at most while the collector does not take them: some 2 MB. The next ones are dropped."""
DELAI: Final = 5.0
"""Seconds left to the collector to take a batch, and to the last one when the process stops."""
_SILENCE: Final = 60.0
"""Seconds between two lines of the log about a collector that does not answer."""
_MOITIE: Final = (1 << 64) - 1

Attributs = Mapping[str, str | int]

_imposed: ContextVar[tuple[int, int] | None] = ContextVar("_imposed", default=None)


class _Identifiants(RandomIdGenerator):
    """Those of the span being made, when they are imposed."""

    def generate_span_id(self) -> int:
        imposed = _imposed.get()
        return super().generate_span_id() if imposed is None else imposed[1]

    def generate_trace_id(self) -> int:
        imposed = _imposed.get()
        return super().generate_trace_id() if imposed is None else imposed[0]


class Traceur:
    """collecteur: base address, OTLP over HTTP. part: of the exchanges that are traced. propager: the context
    of partners is read, and ours is told."""

    def __init__(
        self, collecteur: str, roles: tuple[str, ...], *, part: float = 1.0, propager: bool = False
    ) -> None:
        self._part = part
        self.propager = propager
        _quiet_logs()
        self._ids = _Identifiants()
        exporter = OTLPSpanExporter(endpoint=collecteur.rstrip("/") + "/v1/traces", timeout=DELAI)
        self._processor = BatchSpanProcessor(exporter, max_queue_size=FILE, schedule_delay_millis=1_000)
        self._provider = TracerProvider(
            id_generator=self._ids,
            resource=Resource(
                {
                    "service.name": "echangeur",
                    "service.instance.id": f"{socket.gethostname()}/{' '.join(roles)}",
                }
            ),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(self._processor)
        self._tracer = self._provider.get_tracer("echangeur")

    def keeps(self, echange: uuid.UUID) -> bool:
        """Whether that exchange is traced: the same answer in every process."""
        draw = int.from_bytes(hashlib.sha256(echange.bytes).digest()[:8])
        return draw < self._part * (1 << 64)

    def tell_root(
        self,
        echange: uuid.UUID,
        nom: str,
        secondes: float,
        attributs: Attributs,
        *,
        erreur: str = "",
        traceparent: str = "",
    ) -> None:
        """An exchange has its answer. traceparent: as its partner wrote it: a link, since he decides neither
        of the identifier of our trace nor of its sampling."""
        if not self.keeps(echange):
            return
        links = [] if not self.propager else [Link(each) for each in _read_context(traceparent)]
        with _imposing(echange.int, root_of(echange)):
            self._emit(nom, secondes, attributs, None, erreur, SpanKind.SERVER, links)

    def tell(
        self,
        echange: uuid.UUID,
        nom: str,
        secondes: float,
        attributs: Attributs,
        *,
        erreur: str = "",
        span: int = 0,
    ) -> None:
        """Something that was done for an exchange. span: its identifier, when a partner was told of it: it
        was then sent to him."""
        if not self.keeps(echange):
            return
        parent = SpanContext(echange.int, root_of(echange), is_remote=True, trace_flags=TraceFlags(1))
        with _imposing(echange.int, span or self._ids.generate_span_id()):
            kind = SpanKind.CLIENT if span else SpanKind.INTERNAL
            self._emit(nom, secondes, attributs, parent, erreur, kind, [])

    def tell_alone(
        self, trace_id: uuid.UUID, nom: str, secondes: float, attributs: Attributs, *, erreur: str, span: int
    ) -> None:
        """Something that no exchange caused: a trace of its own."""
        if self.keeps(trace_id):
            with _imposing(trace_id.int, span):
                self._emit(nom, secondes, attributs, None, erreur, SpanKind.CLIENT, [])

    def new_span(self) -> int:
        """An identifier for a span that is to be told when it has ended."""
        return self._ids.generate_span_id()

    def write_context(self, trace_id: uuid.UUID, span: int) -> str:
        """The field `traceparent` (W3C Trace Context §3.2)."""
        return f"00-{trace_id.int:032x}-{span:016x}-01"

    def close(self) -> None:
        """Hand over what is left, within `DELAI`: what a collector that is down does not take is dropped."""
        ending = threading.Thread(target=self._provider.shutdown, daemon=True, name="traces")
        ending.start()
        ending.join(DELAI)

    def _emit(
        self,
        nom: str,
        secondes: float,
        attributs: Attributs,
        parent: SpanContext | None,
        erreur: str,
        kind: SpanKind,
        links: list[Link],
    ) -> None:
        end = time.time_ns()
        context = trace.set_span_in_context(
            trace.INVALID_SPAN if parent is None else NonRecordingSpan(parent)
        )
        span = self._tracer.start_span(
            nom,
            context=context,
            kind=kind,
            attributes={f"echangeur.{name}": value for name, value in attributs.items()},
            links=links,
            start_time=end - int(secondes * 1e9),
        )
        if erreur:
            span.set_status(Status(StatusCode.ERROR, erreur))
        span.end(end_time=end)


def root_of(echange: uuid.UUID) -> int:
    """The identifier of the first span of an exchange: the second half of its own. Never 0: a UUID has a
    variant."""
    return echange.int & _MOITIE


def _read_context(traceparent: str) -> list[SpanContext]:
    read = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
    found = trace.get_current_span(read).get_span_context()
    return [found] if found.is_valid else []


@contextlib.contextmanager
def _imposing(trace_id: int, span: int) -> Iterator[None]:
    token = _imposed.set((trace_id, span))
    try:
        yield
    finally:
        _imposed.reset(token)


class _Dites(logging.Handler):
    """The library logs each batch that fails, with addresses and stacks: one line of ours instead."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._next = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _SILENCE
            _log.warning("traces non remises", de=record.name)


def _quiet_logs() -> None:
    logger = logging.getLogger("opentelemetry")
    logger.handlers = [_Dites()]
    logger.propagate = False
