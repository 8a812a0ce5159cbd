"""Pictures of every page of the console, taken in a real Chromium by the tests that drive it.

    python -m tools.captures DOSSIER [options of pytest]

One PNG for each page and each step of the scenarios, named after the page. Chromium comes from
`python -m tools.etrangers chromium`. Exit code: that of the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

RACINE = Path(__file__).resolve().parent.parent


def main(words: Sequence[str]) -> int:
    """Run the tests marked `ecran` with the folder where pictures are kept."""
    if not words:
        print("Usage : python -m tools.captures DOSSIER", file=sys.stderr)
        return 2
    folder = Path(words[0]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "ecran", "tests/console", *words[1:]]
    done = subprocess.run(command, cwd=RACINE, env={**os.environ, "ECHANGEUR_CAPTURES": str(folder)})  # noqa: S603
    print(f"{len(list(folder.glob('*.png')))} images dans {folder}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
