"""``python -m schemas.specification 1/specification.pdf``: one published file, on standard output.

A server has the PDF made by a process of its own: the memory that it takes, several hundred megabytes, is
given back when it is done.
"""

from __future__ import annotations

import sys

from schemas.specification.site import Site


def main() -> int:
    """Write the file; 1 when nothing is published under that name."""
    publie = Site().find(sys.argv[1], "https://localhost")
    if publie is None:
        return 1
    sys.stdout.buffer.write(publie.octets)
    return 0


if __name__ == "__main__":
    sys.exit(main())
