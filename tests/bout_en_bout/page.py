"""What a page of docs/exploitation tells to type, typed: its blocks of shell, as they are written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from tests.bout_en_bout.processus import DELAI

RACINE = Path(__file__).parents[2] / "docs" / "exploitation"


class Page:
    """A page. lieu: the folder where its commands are typed; variables: those that the reader would set."""

    def __init__(self, nom: str, lieu: Path, variables: Mapping[str, object], chemin: str = "") -> None:
        """chemin: a folder of programs that comes first."""
        text = (RACINE / nom).read_text(encoding="utf-8")
        self.blocs = [dedent(bloc) for bloc in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.M)]
        self.tapes: set[str] = set()
        self._lieu = lieu
        path = os.pathsep.join(filter(None, (chemin, str(Path(sys.executable).parent), os.environ["PATH"])))
        self._environment = {**os.environ, "PATH": path, **{k: str(v) for k, v in variables.items()}}

    def type(self, debut: str, *, user: str | None = None, **variables: object) -> str:
        """Type the one block whose text has `debut`; what it says. user: as whom, when we are root.

        Every command of it must end with 0, but `rapprocher`, whose finding is its exit code.
        """
        (bloc,) = (each for each in self.blocs if debut in each)
        self.tapes.add(bloc)
        # A file and not a pipe: a server that is started here inherits it.
        with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
            done = subprocess.run(
                ["bash", "-eu", "-c", bloc.replace("liste.txt", "liste.txt || test $? = 1")],
                cwd=self._lieu,
                env=self._environment | {k: str(v) for k, v in variables.items()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=5 * DELAI,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
            output.seek(0)
            said = output.read()
        assert done.returncode == 0, said
        return said
