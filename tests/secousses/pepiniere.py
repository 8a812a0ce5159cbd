"""A nursery of processes of the hub: ``python -m tests.secousses.pepiniere ADRESSE POSTE``.

Each start of the hub is a fork of this process, which has read every module and compiled the schemas once: a
start costs a tenth of a second of processor in place of two, and what runs is the command `echangeur serve`
itself. It ends with the session that started it.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import socket
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from echangeur.cli import run
from registry import handlers
from schemas import cog, territoires
from schemas.documents import DEMANDES, read_document
from tests.secousses.crochets import Poste, install

_CLONE_NEWNET = 0x40000000


def prepare() -> None:
    """Read and compile what every start would."""
    territoires.territoire_of("75056")
    cog.communes()
    read_document(handlers._SQUELETTE, DEMANDES)
    gc.collect()
    gc.freeze()


def serve(ecoute: socket.socket, poste: Path) -> None:
    """Fork at each request, a line of JSON ``{"role", "mots", "journal", "espace"}``; answers its pid."""
    session, _ = ecoute.accept()
    for line in session.makefile(encoding="utf-8"):
        reap()
        ordre = json.loads(line)
        pid = os.fork()
        if pid == 0:
            session.close()
            ecoute.close()
            become(ordre, poste)
        session.sendall(f"{pid}\n".encode())
    reap()


def reap() -> None:
    """Take note of those that have ended: what they cost is then counted with this process."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def become(ordre: dict[str, Any], poste: Path) -> None:
    """This process is the hub, and nothing else, until it ends. Never returns."""
    code = 1
    try:
        log = os.open(ordre["journal"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if ordre["espace"]:
            enter_network(ordre["espace"])
        install(Poste(poste, ordre["role"]))
        code = run(ordre["mots"])
    except BaseException:  # noqa: BLE001 (the process ends here, whatever it was)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def enter_network(espace: str) -> None:
    """Join a network namespace, named by its file. Raises OSError when this is not allowed."""
    fd = os.open(espace, os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(fd, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(fd)


def main() -> None:
    adresse, poste = map(Path, sys.argv[1:])
    prepare()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as ecoute:
        ecoute.bind(str(adresse))
        ecoute.listen(1)
        print("prêt", flush=True)
        serve(ecoute, poste)


if __name__ == "__main__":
    main()
