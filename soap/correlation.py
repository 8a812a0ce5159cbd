"""Correlation identifiers: one per exchange, told to the partner in a header and in every fault."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime
from typing import Final

ENTETE: Final = "Echange-Id"
"""HTTP field that carries the identifier in every answer, refusals included."""


def new_id(now: datetime) -> uuid.UUID:
    """A UUID version 7 (RFC 9562 §5.7): 48 bits of milliseconds of `now` (aware), then 74 bits of chance."""
    milliseconds = int(now.timestamp() * 1000) & (1 << 48) - 1
    chance = secrets.randbits(74)
    return uuid.UUID(
        int=milliseconds << 80 | 0x7 << 76 | (chance >> 62) << 64 | 0b10 << 62 | chance & (1 << 62) - 1
    )
