"""Rows as one JSON parameter, for the statements that write or read for a whole batch.

An array for each column costs a Python loop for each of them in the driver: 16 rows of 3 columns took some
150 µs of the hub, and 20 µs as one JSON text that `json_to_recordset` unfolds (docs/decisions/0041).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


def encode_rows(lignes: Iterable[object]) -> str:
    """The rows (mappings or sequences of values) as a JSON array.

    Instants and UUIDs come out as PostgreSQL reads them; bytes in base64, for ``decode(…, 'base64')``.
    """
    return msgspec.json.encode(list(lignes)).decode()
