"""What filters see of a demande: the value of each criterion, read when first asked for.

A demande that a filter judges, and the same demande with something changed, as explanations propose, are
both `Traits`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from filters.criteria import CRITERE, LIEUX
from filters.genres import CritereNombre, Valeur
from filters.lieux import departements_of, epci_of, lieux_of, territoires_of
from filters.source import Contexte, Source
from schemas.demande import Demande

_NOTHING: Final[frozenset[str]] = frozenset()
_OF_LIEUX: Final = {
    "communes": lieux_of,
    "epci": epci_of,
    "departements": departements_of,
    "territoires": territoires_of,
}


class Traits:
    """The values of one demande by criterion: codes, empty when it says nothing, or a number or None.

    Not thread-safe. souhaits: INSEE codes of the wished communes (regles §5: the wish counts, not the
    address).
    """

    __slots__ = ("_source", "_valeurs", "souhaits")

    def __init__(
        self, source: Source | None, souhaits: frozenset[str], valeurs: Mapping[str, Valeur] | None = None
    ) -> None:
        self._source = source
        self._valeurs = dict(valeurs or {})
        self.souhaits = souhaits

    def __getitem__(self, nom: str) -> Valeur:
        """The value of a criterion. Raises KeyError when there is no such criterion."""
        found = self._valeurs.get(nom, self)
        if found is self:
            found = self._valeurs[nom] = self._read(nom)
        return found  # type: ignore[return-value]

    def values(self, noms: Iterable[str]) -> list[Valeur]:
        """The values of these criteria, in the same order."""
        known = self._valeurs
        return [known[nom] if nom in known else self[nom] for nom in noms]

    def codes(self, nom: str) -> frozenset[str]:
        """The value of a criterion of codes."""
        found = self[nom]
        assert isinstance(found, frozenset), f"{nom} n'est pas un critère de codes"
        return found

    def change(self, nom: str, valeur: Valeur) -> Traits:
        """The same demande with another value for one criterion, none of the wished place."""
        return Traits(self._source, self.souhaits, {**self._valeurs, nom: valeur})

    def move(self, souhaits: Iterable[str]) -> Traits:
        """The same demande with other wished communes."""
        kept = {nom: valeur for nom, valeur in self._valeurs.items() if nom not in LIEUX}
        return Traits(self._source, frozenset(souhaits), kept)

    def _read(self, nom: str) -> Valeur:
        of_lieux = _OF_LIEUX.get(nom)
        if of_lieux is not None:
            return of_lieux(self.souhaits)
        critere = CRITERE[nom]
        if self._source is not None:
            return critere.lit(self._source)
        return None if isinstance(critere, CritereNombre) else _NOTHING


def traits_of(demande: Demande, contexte: Contexte) -> Traits:
    """The traits of a demande at an event. A commune that the geographic code does not know is nowhere."""
    return Traits(Source(demande, contexte), frozenset(demande.communes_souhaitees))


def traits_from(communes: Iterable[str], types_logement: Iterable[str], **valeurs: Valeur) -> Traits:
    """The traits of a demande that says this, by name of criterion, and nothing else."""
    return Traits(None, frozenset(communes), {"types_logement": frozenset(types_logement), **valeurs})
