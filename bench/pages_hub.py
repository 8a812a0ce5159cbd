"""The console of an instance, each of whose answers is told with what it cost: run by bench.pages.

``python -m bench.pages_hub INSTANCE PORT TRACE INSTANT``: the real server, role `console` alone, whose clock
starts at INSTANT. TRACE gets a line of JSON for each answer: its correlation identifier, seconds between the
request read and the answer ready, seconds of processor of the whole process meanwhile, each statement with
its seconds. One client at a time: what the process uses meanwhile is what the request costs.
"""

from __future__ import annotations

import json
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from aiohttp import web
from sqlalchemy import Connection, Engine, event

import echangeur.roles.console as role
from console.application import create_console
from console.services import Services
from echangeur.cli import main as echangeur
from soap.correlation import ENTETE

_statements: ContextVar[list[tuple[str, float]] | None] = ContextVar("statements", default=None)


class Horloge:
    """A clock that starts at another instant: a kept base is looked at on the last day of its life."""

    def __init__(self, instant: datetime) -> None:
        self._decalage = instant - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._decalage


def listen() -> None:
    """Time each statement of the request that asks for it; its thread has the context of the request."""

    @event.listens_for(Engine, "before_cursor_execute")
    def before(conn: Connection, *_: Any) -> None:
        conn.info["debut"] = time.perf_counter()

    @event.listens_for(Engine, "after_cursor_execute")
    def after(conn: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        found = _statements.get()
        if found is not None:
            found.append((" ".join(statement.split()), time.perf_counter() - conn.info["debut"]))


def measured(trace: TextIO) -> Any:
    """The outermost middleware."""

    @web.middleware
    async def measure(request: web.Request, handler: Any) -> web.StreamResponse:
        made: list[tuple[str, float]] = []
        token = _statements.set(made)
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            answer: web.StreamResponse = await handler(request)
        finally:
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            _statements.reset(token)
        line = {"id": answer.headers.get(ENTETE, ""), "wall": wall, "cpu": cpu, "requetes": made}
        trace.write(json.dumps(line) + "\n")
        trace.flush()
        return answer

    return measure


def main() -> None:
    instance, port, trace, instant = sys.argv[1:]
    horloge = Horloge(datetime.fromisoformat(instant))
    listen()
    with Path(trace).open("a", encoding="utf-8") as file:

        def create(services: Services) -> web.Application:
            # In place: what the role reads between two pages has the same clock, or each would find it put
            # back and read the week again.
            object.__setattr__(services, "clock", horloge)
            app = create_console(services)
            app.middlewares.insert(0, measured(file))
            return app

        role.create_console = create
        sys.argv = [
            *("echangeur", "--instance", instance, "serve", "--role", "console"),
            *("--port-console", port, "--port-administration", "0"),
        ]
        echangeur()


if __name__ == "__main__":
    main()
