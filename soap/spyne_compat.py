"""What spyne 2.14.0 needs to be imported by Python 3.12 and later; to be prepared before it is.

Its vendored `six` registers an importer of the protocol that Python 3.12 removed (`find_module`), and
`spyne.protocol.soap` imports `cgi`, which Python 3.13 removed. Nothing of spyne is imported here.
"""

from __future__ import annotations

import sys
from email.message import Message
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_file_location, spec_from_loader
from pathlib import Path
from types import ModuleType

_SIX = "spyne.util.six"


def prepare() -> None:
    """Install what the running Python lacks. Raises ImportError when spyne is not installed."""
    # Before 3.12 the old protocol still works, with a warning at each import.
    install_six()
    if sys.version_info >= (3, 13):
        install_cgi()


def install_six() -> None:
    """Load the vendored six alone, and give its importer the protocol of today (PEP 451)."""
    if _SIX in sys.modules:
        return
    spyne = find_spec("spyne")
    if spyne is None or not spyne.submodule_search_locations:
        raise ImportError("spyne n'est pas installé")
    path = Path(spyne.submodule_search_locations[0]) / "util" / "six.py"
    spec = spec_from_file_location(_SIX, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} est introuvable")
    six = module_from_spec(spec)
    sys.modules[_SIX] = six
    spec.loader.exec_module(six)
    importer = type(six._importer)

    def find(self: object, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        known: dict[str, object] = self.known_modules  # type: ignore[attr-defined]
        return spec_from_loader(name, self) if name in known else None  # type: ignore[arg-type]

    def create(self: object, spec: ModuleSpec) -> ModuleType:
        module: ModuleType = self.load_module(spec.name)  # type: ignore[attr-defined]
        return module

    def execute(self: object, module: ModuleType) -> None:
        """Nothing is left to do: `create` gave a module that is already filled."""

    importer.find_spec = find
    importer.create_module = create
    importer.exec_module = execute


def install_cgi() -> None:
    """A `cgi` that holds the only function spyne's SOAP protocol takes from it."""
    cgi = ModuleType("cgi")
    vars(cgi)["parse_header"] = parse_header
    sys.modules.setdefault("cgi", cgi)


def parse_header(line: str) -> tuple[str, dict[str, str]]:
    """A header field with parameters: its value, and its parameters by name, as `cgi.parse_header` gave."""
    message = Message()
    message["content-type"] = line
    parameters = message.get_params(failobj=[("", "")])
    return parameters[0][0], {name: str(value) for name, value in parameters[1:]}
