"""What is freed of large messages goes back to the system: measured on a process of its own."""

from __future__ import annotations

import subprocess
import sys

ESSAI = """
import sys
from echangeur.memoire import give_back_large_blocks

def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))

if sys.argv[1] == "oui":
    assert give_back_large_blocks()
before, small = anonymous(), []
for _ in range(3):
    large = []
    for _ in range(10):
        large.append(bytearray(b"x") * (8 << 20))
        # What stays after each of them: a hole cannot be given back from its end.
        small.append(bytearray(b"y") * (100 << 10))
    del large
print((anonymous() - before) // 1024)
"""


def held(oui: str) -> int:
    """MiB that the process holds, 3 of which are asked for, once it has freed 80 three times."""
    done = subprocess.run(
        [sys.executable, "-c", ESSAI, oui], capture_output=True, text=True, check=True, timeout=60
    )
    return int(done.stdout)


def test_large_blocks_are_given_back() -> None:
    """Without the setting, the same process keeps them: else this test would prove nothing."""
    assert held("oui") < 10
    assert held("non") > 40
