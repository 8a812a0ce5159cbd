"""What is broken on purpose: one defect of a hub or of a partner, and the assertions that see it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.conformance.mandataire import Deformation


class Defaut:
    """assertion: the one meant for it; aussi: others that must see it too; consequences: others that it
    rightly makes fail."""

    assertion: str
    aussi: tuple[str, ...]
    consequences: tuple[str, ...]

    @property
    def permises(self) -> set[str]:
        """What may fail."""
        return {self.assertion, *self.aussi, *self.consequences}

    @property
    def exigees(self) -> set[str]:
        """What must."""
        return {self.assertion, *self.aussi}


@dataclass(frozen=True)
class Variante(Defaut):
    """Of a hub. portee: the families or assertions it is tried against, all if empty."""

    nom: str
    assertion: str
    deformation: Deformation
    consequences: tuple[str, ...] = ()
    aussi: tuple[str, ...] = ()
    portee: tuple[str, ...] = ()
