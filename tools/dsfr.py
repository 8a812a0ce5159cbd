"""Write `console/static/` again from two unpacked npm packages, `@gouvfr/dsfr` and `htmx.org`.

    npm pack @gouvfr/dsfr@1.15.3 htmx.org@4.0.1
    for archive in *.tgz; do mkdir "$archive.d" && tar xzf "$archive" -C "$archive.d"; done
    python -m tools.dsfr gouvfr-dsfr-1.15.3.tgz.d/package htmx.org-4.0.1.tgz.d/package

Only what the console uses: the core, the components named below, the icons named below, the weights of
Marianne that those need. The pictures go into the style sheet, so that a page asks for one style sheet and
one script. The result is byte-for-byte reproducible.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Final
from urllib.parse import quote

TARGET = Path(__file__).resolve().parent.parent / "console" / "static"
VERSIONS: Final = {"@gouvfr/dsfr": "1.15.3", "htmx.org": "4.0.1"}

# In the order of the style sheet of the whole system: a later one narrows an earlier one.
COMPOSANTS: Final = (
    *("link", "button", "form", "input", "select", "checkbox", "radio", "search", "password", "upload"),
    *("accordion", "alert", "badge", "breadcrumb", "callout", "card", "footer", "header", "highlight"),
    *("modal", "navigation", "notice", "pagination", "range", "segmented", "sidemenu", "skiplink", "stepper"),
    *("summary", "tab", "table", "tag", "tile", "toggle", "tooltip", "logo", "content"),
)
ICONES: Final = (
    *("add-line", "alarm-warning-line", "alert-line", "arrow-left-line", "arrow-right-line"),
    *("arrow-down-line", "arrow-up-line", "calendar-line", "check-line", "checkbox-circle-line"),
    *("close-line", "close-circle-line", "code-s-slash-line", "delete-line", "download-line", "edit-line"),
    *("error-warning-line", "external-link-line", "eye-line", "file-line", "file-download-line"),
    *("file-text-line", "filter-line", "home-4-line", "information-line"),
    *("lock-line", "lock-unlock-line", "logout-box-r-line", "mail-line", "map-pin-2-line"),
    *("more-line", "pause-circle-line", "play-circle-line", "pulse-line", "question-line", "refresh-line"),
    *("search-line", "send-plane-line", "settings-5-line", "shield-line", "subtract-line", "team-line"),
    *("time-line", "timer-line", "upload-line", "user-line", "account-circle-line", "bar-chart-box-line"),
    *("award-line", "link", "list-unordered", "clipboard-line", "book-2-line", "dashboard-3-line"),
    *("building-line", "government-line", "server-line", "stack-line", "inbox-archive-line"),
)
GRAISSES: Final = ("Marianne-Regular", "Marianne-Medium", "Marianne-Bold")

_URL: Final = re.compile(r"url\(([^)]+\.(?:svg|woff2?))\)")
_FONT_FACE: Final = re.compile(r"@font-face\{[^}]*\}")
_SOURCE_MAP: Final = re.compile(r"\n?(?://|/\*)# sourceMappingURL=\S+(?: \*/)?\s*")


def main(dsfr: Path, htmx: Path) -> None:
    """Read the two packages and write the files. Raises ValueError for another version or an unknown name."""
    check(dsfr, "@gouvfr/dsfr")
    check(htmx, "htmx.org")
    write("dsfr.css", style_sheet(dsfr / "dist"))
    write("dsfr.js", script(dsfr / "dist"))
    write("htmx.js", _SOURCE_MAP.sub("", read(htmx / "dist" / "htmx.min.js")))
    write("LICENCE-dsfr.md", read(dsfr / "LICENSE.md"))
    write("LICENCE-htmx.txt", read(htmx / "LICENSE"))
    for name in GRAISSES:
        (TARGET / f"{name}.woff2").write_bytes((dsfr / "dist" / "fonts" / f"{name}.woff2").read_bytes())
    favicon = dsfr / "dist" / "favicon" / "favicon.svg"
    (TARGET / "favicon.svg").write_bytes(favicon.read_bytes())


def check(package: Path, name: str) -> None:
    """Raises ValueError when the folder is not that package in its pinned version."""
    found = json.loads(read(package / "package.json"))
    if (found["name"], found["version"]) != (name, VERSIONS[name]):
        raise ValueError(f"{package} : attendu {name} {VERSIONS[name]}, trouvé {found['version']}")


def style_sheet(dist: Path) -> str:
    """Core, components, then icons; every picture inside."""
    core = dist / "core" / "core.main.min.css"
    parts = [embed(_FONT_FACE.sub(_kept_face, read(core)), core.parent)]
    for name in COMPOSANTS:
        file = dist / "component" / name / f"{name}.main.min.css"
        parts.append(embed(read(file), file.parent))
    parts.append(icons(dist / "utility" / "icons"))
    return "\n".join(parts) + "\n"


def _kept_face(found: re.Match[str]) -> str:
    """A @font-face of a kept weight, from its woff2 beside the style sheet; nothing for another one."""
    face = found[0]
    for name in GRAISSES:
        if f"/{name}.woff2" in face:
            return re.sub(r"src:[^;}]+", f'src:url({name}.woff2) format("woff2")', face)
    return ""


def embed(css: str, folder: Path) -> str:
    """The style sheet with its SVG files written in it, once each: -webkit-mask-image repeats mask-image."""
    css = re.sub(r"-webkit-mask-image:url\([^)]*\);", "", css)

    def inside(found: re.Match[str]) -> str:
        if "/" not in found[1]:
            return found[0]
        svg = read(folder / found[1])
        return f'url("data:image/svg+xml,{quote(svg, safe=_KEPT)}")'

    return _SOURCE_MAP.sub("", _URL.sub(inside, css)).strip()


_KEPT: Final = " ='():/,;@!*?$"


def icons(folder: Path) -> str:
    """The rules of the icons named above."""
    rules: dict[str, str] = {}
    for file in sorted(folder.glob("icons-*/icons-*.main.min.css")):
        for found in re.finditer(r"\.fr-icon-([a-z0-9-]+):after,[^{}]*\{[^{}]*\}", read(file)):
            rules.setdefault(found[1], embed(found[0], file.parent))
    missing = [name for name in ICONES if name not in rules]
    if missing:
        raise ValueError(f"icônes inconnues : {', '.join(missing)}")
    return "\n".join(rules[name] for name in ICONES)


def script(dist: Path) -> str:
    """Core and the scripts of the components, each in a block of its own: their constants share names."""
    files = [dist / "core" / "core.module.min.js"]
    files += [dist / "component" / name / f"{name}.module.min.js" for name in COMPOSANTS]
    texts = [_SOURCE_MAP.sub("", read(file)).strip() for file in files if file.exists()]
    return "".join(f"{{{text}\n}}\n" for text in texts)


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def write(name: str, text: str) -> None:
    (TARGET / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
