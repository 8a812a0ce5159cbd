"""The memory that the process gives back to the system."""

from __future__ import annotations

import ctypes
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
_SEUIL: Final = 1 << 20


def give_back_large_blocks() -> bool:
    """Have what is freed of large messages go back to the system at once; False where it cannot be asked.

    glibc raises by itself, to 32 MB, the size from which a block is given back when it is freed: after a few
    mails or pièces of 20 MB, a process keeps for ever holes of that size. A size that is set is not raised.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _SEUIL))
    except (OSError, AttributeError):
        return False
