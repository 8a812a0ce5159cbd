"""The technical log: one JSON object a line on standard error, never anything nominative.

The journal of the registry is something else: it is in the database and it is the proof.
"""

from __future__ import annotations

import logging
import sys
from typing import Final

import structlog
from structlog.typing import EventDict

_SONDES: Final[set[str]] = set()
"""Empreintes of the certificates by which processes call themselves."""


def silence(certificat: str) -> None:
    """Say nothing of what is refused to this certificate: that of a probe, refused every few seconds."""
    _SONDES.add(certificat)


def _drop_probes(_logger: object, _method: str, event: EventDict) -> EventDict:
    if event.get("certificat") in _SONDES:
        raise structlog.DropEvent
    return event


def configure_logs() -> None:
    """Set up structlog for a server process: JSON, or aligned text when a person watches."""
    people = sys.stderr.isatty()
    renderer = (
        structlog.dev.ConsoleRenderer() if people else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            _drop_probes,
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
