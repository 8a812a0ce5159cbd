"""What a kit listens with during a campaign: opened when it is first needed, closed with the campaign."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Generic, Protocol, TypeVar

from conformance.assertion import Empeche


class Ecoutant(Protocol):
    """What listens between `start` and `stop`; `stop` ends one whose start failed too."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


E = TypeVar("E", bound=Ecoutant)


class Ouverture(Generic[E]):
    """One thing that listens. A port that is taken, a certificate that cannot be read hinder what needs it
    and nothing else: it is tried once, and the reason is said again.

    quoi: what it is, in French. make: makes it, not started. stack: closes it.
    """

    def __init__(self, quoi: str, make: Callable[[], E], stack: ExitStack) -> None:
        self._quoi = quoi
        self._make = make
        self._stack = stack
        self._ouvert: E | None = None
        self._raison = ""

    def open(self) -> E:
        """What listens, since the first call. Raises Empeche when it cannot be opened, Absente as `make`."""
        if self._ouvert is None and not self._raison:
            try:
                self._ouvert = self._start()
            # OverflowError: a number that no port has.
            except (OSError, ValueError, OverflowError, Empeche) as error:
                self._raison = f"{self._quoi} ne s'ouvre pas : {error}"
        if self._ouvert is None:
            raise Empeche(self._raison)
        return self._ouvert

    def _start(self) -> E:
        made = self._make()
        self._stack.callback(made.stop)
        made.start()
        return made
