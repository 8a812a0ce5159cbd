"""Who looks: the account behind a session."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from console.profils import ProfilCompte
from registry.guichets import Guichet


@dataclass(frozen=True, slots=True)
class Agent:
    """An account in use.

    guichet: for the profiles of `profils.D_UN_GUICHET`, otherwise None.
    territoires: for a gestionnaire; otherwise empty.
    habilite: may see nominative data although its profile alone does not give them (exploitant).
    """

    compte: uuid.UUID
    courriel: str
    nom: str
    profil: ProfilCompte
    guichet: Guichet | None = None
    territoires: frozenset[str] = frozenset()
    habilite: bool = False

    @property
    def code_guichet(self) -> str:
        """Code of his guichet, or empty."""
        return "" if self.guichet is None else self.guichet.code
