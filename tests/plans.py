"""What the planner of PostgreSQL means to do with the queries that a function makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, event


@contextmanager
def explained(conn: Connection) -> Iterator[list[str]]:
    """The plans of the SELECT that are made inside, in their order."""
    seen: list[str] = []

    def explain(conn: Connection, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT"):
            raw = conn.connection.dbapi_connection
            assert raw is not None
            with raw.cursor() as cursor:
                cursor.execute("EXPLAIN " + statement, parameters)
                seen.append("\n".join(row[0] for row in cursor.fetchall()))

    event.listen(conn, "before_cursor_execute", explain)
    try:
        yield seen
    finally:
        event.remove(conn, "before_cursor_execute", explain)
