"""docs/configuration.md, generated from the structures that read the file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from echangeur.config import Configuration, settings_of

PAGE: Final = Path("docs/configuration.md")


def render() -> str:
    """The whole page."""
    lines = [
        "# Configuration",
        "",
        "Page engendrée depuis le code par `make docs` ; ne pas la modifier à la main.",
        "",
        "Un fichier TOML, `echangeur.toml` dans le dossier de l'instance, ou celui que nomme",
        "`echangeur serve --config`. Une clé inconnue est refusée. Les chemins partent du dossier",
        "de ce fichier.",
        "",
    ]
    for section in msgspec.structs.fields(Configuration):
        assert isinstance(section.type, type)
        lines += [f"## `[{section.name}]`", "", str(section.type.__doc__), ""]
        lines += ["| clé | défaut | sens |", "| --- | --- | --- |"]
        for name, description, default in settings_of(section.type):
            lines.append(f"| `{name}` | `{default}` | {description} |")
        lines.append("")
    return "\n".join(lines)
