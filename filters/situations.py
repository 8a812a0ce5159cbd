"""Where the filters of a guichet stand at an instant: in force, to come, past. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from filters.store import VersionFiltre


@dataclass(frozen=True, slots=True)
class Situation:
    """One filter. versions: all of them, in order, of which there is one at least.

    en_vigueur: None when it has not begun or is withdrawn. a_venir: those whose instant is not reached.
    """

    nom: str
    versions: tuple[VersionFiltre, ...]
    en_vigueur: VersionFiltre | None
    a_venir: tuple[VersionFiltre, ...]

    @property
    def retire(self) -> bool:
        """Neither in force nor to come."""
        return self.en_vigueur is None and all(each.filtre is None for each in self.a_venir)

    def get(self, version: int) -> VersionFiltre | None:
        return next((each for each in self.versions if each.version == version), None)


def situations_of(versions: Iterable[VersionFiltre], instant: datetime) -> tuple[Situation, ...]:
    """The filters of one guichet, by name."""
    by_name: dict[str, list[VersionFiltre]] = {}
    for version in versions:
        by_name.setdefault(version.nom, []).append(version)
    return tuple(_situation(nom, tuple(found), instant) for nom, found in sorted(by_name.items()))


def _situation(nom: str, versions: tuple[VersionFiltre, ...], instant: datetime) -> Situation:
    begun = [version for version in versions if version.effet_le <= instant]
    last = begun[-1] if begun else None
    return Situation(
        nom,
        versions,
        last if last is not None and last.filtre is not None else None,
        tuple(version for version in versions if version.effet_le > instant),
    )
