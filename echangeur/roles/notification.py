"""What a process tells systemd: ready, reloading, stopping, alive (sd_notify(3)).

A datagram on the socket that NOTIFY_SOCKET names; without it, nothing is told and nothing is missing.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from typing import Final

PRET: Final = "READY=1"
ARRET: Final = "STOPPING=1"
_VIVANT: Final = "WATCHDOG=1"


def reloading() -> str:
    """That a reload begins; it has ended at the next `PRET` (systemd wants the instant, monotonic)."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}"


def notify(*lignes: str) -> None:
    """Tell systemd. A socket that is no more is no concern of ours."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if not place:
        return
    # A leading @ is an abstract socket (unix(7)).
    adresse = "\0" + place[1:] if place.startswith("@") else place
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        try:
            sock.sendto("\n".join(lignes).encode(), adresse)
        except OSError:
            return


async def keep_alive() -> None:
    """Tell that the event loop turns, three times in the delay that systemd gives, if it gives one."""
    microseconds = int(os.environ.get("WATCHDOG_USEC", "0"))
    while microseconds:
        notify(_VIVANT)
        await asyncio.sleep(microseconds / 3e6)
