"""Mutations of bytes that know nothing of what they hold."""

from __future__ import annotations

from random import Random
from typing import Final

_REMARQUABLES: Final = (b"\0", b"\xff", b"\x80", b"\x7f", b"\r\n", b"\r\n\r\n", b"--", b"\x30\x80", b"\0\0")


def mutate(data: bytes, rng: Random) -> bytes:
    """One mutation."""
    if not data:
        return rng.randbytes(rng.randrange(40))
    pos = rng.randrange(len(data))
    size = min(len(data) - pos, rng.choice((1, 2, 4, 16, 200, 2000)))
    match rng.randrange(8):
        case 0:
            return data[:pos] + bytes([data[pos] ^ (1 << rng.randrange(8))]) + data[pos + 1 :]
        case 1:
            return data[:pos] + rng.randbytes(1) + data[pos + 1 :]
        case 2:
            return data[:pos]
        case 3:
            return data[:pos] + data[pos + size :]
        case 4:
            return (
                data[: pos + size] + data[pos : pos + size] * rng.choice((1, 1, 2, 30)) + data[pos + size :]
            )
        case 5:
            return data[:pos] + rng.choice(_REMARQUABLES) + data[pos:]
        case 6:
            return data[:pos] + rng.randbytes(size) + data[pos + size :]
        case _:
            other = rng.randrange(len(data))
            block = data[other : other + size]
            return data[:pos] + block + data[pos + len(block) :]
