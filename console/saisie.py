"""What people type in a form of search, read into values; what cannot be read is an error of its field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from multidict import MultiMapping

from registry.controles import PARIS


@dataclass(slots=True)
class Saisie:
    """The fields of a form of search. valeurs: as typed, to be shown again; erreurs: French, by field."""

    question: MultiMapping[str]
    valeurs: dict[str, str] = field(default_factory=dict)
    erreurs: dict[str, str] = field(default_factory=dict)

    @property
    def criteres(self) -> dict[str, str]:
        """What was typed, for the address of the next page or of the file: without the fields left empty."""
        return {champ: valeur for champ, valeur in self.valeurs.items() if valeur}

    def shown(self) -> dict[str, dict[str, str]]:
        """What the template of the form needs: each field read, with its error or an empty text."""
        return {
            "valeurs": self.valeurs,
            "erreurs": {champ: self.erreurs.get(champ, "") for champ in self.valeurs},
        }

    def texte(self, champ: str, longueur: int = 100) -> str:
        """What was typed, trimmed."""
        value = self.question.get(champ, "").strip()[:longueur]
        # A NUL is no text for the database, and no browser sends one.
        self.valeurs[champ] = value.replace("\0", "")
        return self.valeurs[champ]

    def code(self, champ: str, longueur: int = 100) -> str:
        """A code: what was typed, in capitals and without blanks."""
        self.valeurs[champ] = "".join(self.texte(champ, longueur).upper().split())
        return self.valeurs[champ]

    def parmi(self, champ: str, permis: Sequence[str]) -> str:
        """One of these values, or empty."""
        value = self.texte(champ)
        if value and value not in permis:
            self.erreurs[champ] = "Choisir une des valeurs de la liste."
            return ""
        return value

    def entier(self, champ: str) -> int | None:
        """A whole number of 18 figures at most."""
        value = self.texte(champ, 30)
        if not value:
            return None
        if value.isascii() and value.isdigit() and len(value) <= 18:
            return int(value)
        self.erreurs[champ] = f"« {value} » n'est pas un nombre entier."
        return None

    def jour(self, champ: str) -> date | None:
        """A day, as <input type=date> writes it."""
        value = self.texte(champ, 30)
        if not value:
            return None
        try:
            found = date.fromisoformat(value)
        except ValueError:
            self.erreurs[champ] = f"« {value} » n'est pas une date ; attendu : AAAA-MM-JJ."
            return None
        if not 1970 <= found.year <= 2200:
            self.erreurs[champ] = "Donner une date entre 1970 et 2200."
            return None
        return found

    def instant(self, champ: str) -> datetime | None:
        """An instant in the hour of Paris, as <input type=datetime-local> writes it."""
        value = self.texte(champ, 30)
        if not value:
            return None
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.erreurs[champ] = f"« {value} » n'est pas un instant ; attendu : AAAA-MM-JJTHH:MM."
            return None
        if not 1970 <= found.year <= 2200:
            self.erreurs[champ] = "Donner une date entre 1970 et 2200."
            return None
        return found.replace(tzinfo=PARIS) if found.tzinfo is None else found

    def periode(self, debut: str = "du", fin: str = "au") -> tuple[datetime | None, datetime | None]:
        """Two days of Paris, both included, as the instants between which they run: the second excluded."""
        du, au = self.jour(debut), self.jour(fin)
        if du is not None and au is not None and du > au:
            self.erreurs[fin] = "La fin de la période est avant son début."
            return None, None
        return _midnight(du), _midnight(None if au is None else au + timedelta(days=1))


def _midnight(jour: date | None) -> datetime | None:
    return None if jour is None else datetime(jour.year, jour.month, jour.day, tzinfo=PARIS)
