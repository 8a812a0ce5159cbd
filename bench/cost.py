"""What a process and its descendants cost: CPU seconds and resident memory, read from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Cost:
    """cpu in seconds since the processes began, memory resident in bytes (shared pages counted once each)."""

    cpu: float
    memory: int


def _stat(pid: int) -> tuple[int, float]:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    # own and reaped children: a worker that ended during the run still counts
    return int(fields[1]), sum(int(fields[i]) for i in (11, 12, 13, 14)) / _TICKS


def _memory(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    return (int(pages[1]) - int(pages[2])) * _PAGE


def processes(root: int) -> list[int]:
    """`root` and all its living descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents.setdefault(_stat(int(entry.name))[0], []).append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo.extend(parents.get(pid, []))
    return found


def measure(root: int) -> Cost:
    """Cost of `root` and its descendants now. A process that vanishes meanwhile counts for nothing."""
    cpu, memory = 0.0, 0
    for pid in processes(root):
        try:
            cpu += _stat(pid)[1]
            memory += _memory(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return Cost(cpu, memory)


def read_bytes(root: int) -> int:
    """Bytes that `root` and its descendants have read from files, wherever the system had them.

    For a PostgreSQL: the pages that its own memory did not hold. Those that ended count no more.
    """
    total = 0
    for pid in processes(root):
        try:
            total += int(Path(f"/proc/{pid}/io").read_text(encoding="ascii").split()[1])
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return total
