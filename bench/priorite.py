"""Priority for what is measured, on a machine that others use: what they run then hardly counts.

Linux groups processes by session (autogroup, sched(7)): `nice` only says who goes first inside of a group,
and each backend of PostgreSQL is a session of its own. So the groups are given a priority too. Needs root.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bench import cost

PRIORITE: Final = -20
_RELEVE: Final = 0.5


def raise_tree(root: int) -> None:
    """Give the process and its descendants the priority; those that have it are left alone."""
    for pid in cost.processes(root):
        with contextlib.suppress(OSError):
            group = Path(f"/proc/{pid}/autogroup")
            if not group.read_text(encoding="ascii").endswith(f"nice {PRIORITE}\n"):
                group.write_text(str(PRIORITE), encoding="ascii")
            if os.getpriority(os.PRIO_PROCESS, pid) != PRIORITE:
                os.setpriority(os.PRIO_PROCESS, pid, PRIORITE)


@contextlib.contextmanager
def first(roots: Sequence[int] = (), *, wanted: bool = True) -> Iterator[list[int]]:
    """Keep this process, its descendants and those of `roots`, which may grow, first until the block ends."""
    stop = threading.Event()
    watched = [os.getpid(), *roots]

    def watch() -> None:
        while wanted and not stop.wait(_RELEVE):
            for root in list(watched):
                raise_tree(root)

    thread = threading.Thread(target=watch, name="priorité")
    thread.start()
    try:
        yield watched
    finally:
        stop.set()
        thread.join()
