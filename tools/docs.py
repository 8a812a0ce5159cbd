"""Write again the generated pages of docs/: every module ``tools/docs_*.py`` gives one.

Such a module has ``PAGE``, the path of its page from the root of the repository, and ``render()``, its text.
``python -m tools.docs`` writes them; tests compare them with what is committed.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Final

import tools

RACINE: Final = Path(__file__).resolve().parent.parent


def pages() -> dict[Path, str]:
    """Each generated page, by its absolute path."""
    found = {}
    for module in pkgutil.iter_modules(tools.__path__):
        if module.name.startswith("docs_"):
            generator = import_module(f"tools.{module.name}")
            found[RACINE / generator.PAGE] = generator.render()
    return found


def main() -> None:
    """Write the pages that have changed."""
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(RACINE))


if __name__ == "__main__":
    main()
