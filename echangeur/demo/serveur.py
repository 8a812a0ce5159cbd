"""The hub of the demonstration: `echangeur serve` in a process of its own, reached through its port alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from echangeur.sortie import ConstatNegatif

_DEMARRAGE: Final = 60.0
"""Seconds for the hub to be ready: some two on the slowest machine seen, with its database."""
_ARRET: Final = 30.0


@dataclass(frozen=True, slots=True)
class Adresses:
    """Base addresses of the SOAP services and of the console."""

    services: str
    console: str


@contextlib.asynccontextmanager
async def serve(dossier: Path, port: int) -> AsyncIterator[Adresses]:
    """Run the hub of the instance until the block ends; gives where it is reached.

    port: 0 for any free one. Raises ConstatNegatif when it does not start.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "echangeur", "--instance", str(dossier), "serve", "--port", str(port)),
        stdout=asyncio.subprocess.PIPE,
        stderr=(log := (dossier / "serveur.log").open("wb")),
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # Its own group: a Ctrl-C ends the demonstration, which then stops the hub in good order.
        start_new_session=True,
    )
    log.close()
    try:
        yield await _ready(process, dossier)
    finally:
        await _stop(process)


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Stop the hub and wait for its end; a Ctrl-C meanwhile, or just before, is raised afterwards.

    The wait is for the end of its output too: only then is the transport of the process closed, while there
    is a loop to close it. Left to its destructor, it complains of a loop that is no more.
    """
    interrupts: list[BaseException] = []
    before = signal.signal(signal.SIGINT, lambda *_: interrupts.append(KeyboardInterrupt()))
    end: Callable[[], Coroutine[None, None, object]] = process.communicate
    try:
        if process.returncode is None:
            process.terminate()
        while True:
            try:
                await asyncio.wait_for(end(), _ARRET)
                break
            except TimeoutError:
                process.kill()
                end = process.wait
            except asyncio.CancelledError as error:
                # Asked for before, and told at the first wait.
                interrupts.append(error)
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupts:
        raise interrupts[0]


async def _ready(process: asyncio.subprocess.Process, dossier: Path) -> Adresses:
    console = ""
    assert process.stdout is not None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DEMARRAGE):
            async for line in process.stdout:
                text = line.decode()
                if text.startswith("Console : "):
                    console = text.removeprefix("Console : ").strip()
                if text.startswith("Prêt : "):
                    return Adresses(text.removeprefix("Prêt : ").strip(), console)
    raise ConstatNegatif("Le serveur n'a pas démarré.", f"Lisez {dossier / 'serveur.log'}")
