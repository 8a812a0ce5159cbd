"""A hub in a process of its own, which kills itself at one step: ``python -m tests.mailflows.enfant``.

The step is named on the command line; the process dies by SIGKILL, as a power cut would have it: no handler
runs, no buffer is written, no connection is closed in good order.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mailflows import accuses, entrants, resultats, sortants
from mailflows.entrant import Entrant
from mailflows.envoi import Guichetier
from mailflows.execution import Execution
from registry.clock import FixedClock
from registry.database import open_engine
from registry.handlers import Traitement
from tests.mailflows.monde import Monde, Pki
from tests.registry.fabrique import RECU_LE

ETAPES = (
    "gardé",
    "ouvert",
    "premier fichier enregistré",
    "fichiers enregistrés",
    "résultats gardés",
    "réponse écrite",
    "réponse prise",
    "réponse remise",
)


def die(*_: object, **__: object) -> None:
    """As a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: object, name: str, count: int = 1) -> None:
    """Die when `name` is called for the `count`-th time, before it does anything."""
    original = getattr(owner, name)
    left = [count]

    def replaced(*args: Any, **options: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            die()
        return original(*args, **options)

    setattr(owner, name, replaced)


def after(owner: object, name: str, count: int = 1) -> None:
    """Die once the coroutine `name` has ended for the `count`-th time."""
    original = getattr(owner, name)
    left = [count]

    async def replaced(*args: Any, **options: Any) -> Any:
        result = await original(*args, **options)
        left[0] -= 1
        if not left[0]:
            die()
        return result

    setattr(owner, name, replaced)


PIEGES: dict[str, Callable[[], None]] = {
    # The listener has said 250; nobody has looked at the message.
    "gardé": lambda: before(Entrant, "handle"),
    "ouvert": lambda: before(Execution, "run"),
    "premier fichier enregistré": lambda: after(Traitement, "get_num_unique", 1),
    # Every file is committed in the register; no result is kept.
    # Some windows of a large batch are kept; the files of one more are committed in the register.
    "milieu d'un lot": lambda: before(resultats, "save", 5),
    "fichiers enregistrés": lambda: before(resultats, "save"),
    "résultats gardés": lambda: before(Entrant, "_conclude"),
    "réponse écrite": lambda: before(sortants, "take"),
    # The attempt is written, nothing has left.
    "réponse prise": lambda: before(Guichetier, "deliver"),
    # The relay has it; nothing says so.
    "réponse remise": lambda: before(sortants, "finish"),
    "accusé": lambda: before(accuses, "take_accuse"),
    "accusé enregistré": lambda: before(entrants, "conclude"),
}


async def main(url: str, dossier: Path, poste: int, etape: str) -> None:
    """Run the hub until it dies."""
    if etape == "réponse écrite":
        # `take` is also called when there is nothing: only the one that would find something dies.
        original = sortants.take

        def take(conn: Any, **options: Any) -> Any:
            found = original(conn, **options)
            if found:
                die()
            return found

        sortants.take = take
    else:
        PIEGES[etape]()
    monde = Monde(open_engine(url, pool_size=10), FixedClock(RECU_LE), Pki.load(dossier))
    await monde.traitement.start()
    await monde.dalo.start()
    monde.port_poste = poste
    await monde.start_courrier()
    print(monde.port, flush=True)
    await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
