"""How often an address that anybody may reach is served: counted in memory, by process.

Threat: whoever asks without end for signatures to be verified. Nobody is known here, nothing is written, and
what is counted is forgotten with its minute.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Final

MINUTE: Final = timedelta(minutes=1)


class Debit:
    """So many requests a minute from one address of the network, and so many from all.

    en_tout bounds the memory too: no more addresses than that are counted.
    """

    def __init__(self, par_adresse: int = 60, en_tout: int = 1_200) -> None:
        self._par_adresse = par_adresse
        self._en_tout = en_tout
        self._depuis: datetime | None = None
        self._comptes: Counter[str] = Counter()
        self._lock = threading.Lock()

    def admits(self, adresse: str, *, instant: datetime) -> bool:
        """Count one request; False when it is one too many. May be called from several threads."""
        with self._lock:
            # abs: a clock that is set back must not make the minute eternal.
            if self._depuis is None or abs(instant - self._depuis) >= MINUTE:
                self._depuis = instant
                self._comptes.clear()
            if self._comptes.total() >= self._en_tout or self._comptes[adresse] >= self._par_adresse:
                return False
            self._comptes[adresse] += 1
            return True
