"""How many sendings go to one guichet at once ([DST-53]). Pure.

One at first; one more for each that it takes, up to its bound; one again as soon as one fails. So what a
guichet is given at once is what it has shown that it takes, and one that hangs or fails holds no more than
one sending, as if there were no window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dispatching.transport import Accuse, Echec, Remis

SIMULTANES: Final = 8
"""Sendings to one guichet at once, in one process, unless said otherwise."""

SIMULTANES_MAX: Final = 32


@dataclass(slots=True)
class Voie:
    """What one process sends to one guichet.

    borne: sendings at once at most; fenetre: as things go. ouvertes: lanes that take and send, one sending
    each. encore: something may have become due since one of them last looked.
    """

    borne: int
    fenetre: int = 1
    ouvertes: int = 0
    encore: bool = False

    @property
    def has_room(self) -> bool:
        return self.ouvertes < self.fenetre

    @property
    def is_crowded(self) -> bool:
        """True when a lane that ends its sending should not begin another."""
        return self.ouvertes > self.fenetre

    def bound(self, simultanes: int) -> None:
        """What the guichet, or the configuration, says now."""
        self.borne = simultanes
        self.fenetre = min(self.fenetre, simultanes)

    def note(self, resultat: Accuse | Remis | Echec) -> None:
        """How a sending ended."""
        self.fenetre = 1 if isinstance(resultat, Echec) else min(self.fenetre + 1, self.borne)
