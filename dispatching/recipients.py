"""Who receives an event of a demande: (entitled to read ∩ filters) ∪ holders − author. Pure.

One function judges one guichet; the decision applies it to the guichets that a filter or a holding makes
candidates, the explanation to any guichet. Rights come first: a filter never widens them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from filters.store import VersionFiltre
from registry.droits import Droit, may_read
from registry.guichets import Guichet


class Raison(StrEnum):
    """Why a guichet receives an event, or does not. Stored; never renamed."""

    FILTRE = "filtre"
    """One of its filters takes the demande."""
    DETENTEUR = "detenteur"
    """It holds the demande already: it gets every change of it, whatever its filters."""
    RATTRAPAGE = "rattrapage"
    """One of its filters takes the demande, offered from the stock and not because of an event."""
    AUTEUR = "auteur"
    """It sent the event itself."""
    SANS_DROIT = "sans-droit"
    """It may not read the demande."""
    HORS_FILTRES = "hors-filtres"
    """It may read the demande but none of its filters takes it, or it has none."""


RAISONS_D_ENVOI = frozenset({Raison.FILTRE, Raison.DETENTEUR, Raison.RATTRAPAGE})


@dataclass(frozen=True, slots=True)
class Sujet:
    """What of an event matters to the choice of its recipients.

    communes: INSEE codes of the wished communes. detenteurs: guichets that held the demande before the event.
    """

    territoire: str
    communes: Collection[str]
    auteur: str
    detenteurs: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision for one guichet.

    droit: None for the author, whose right does not matter.
    filtre: the version that takes the demande, when the reason is FILTRE.
    """

    guichet: Guichet
    raison: Raison
    droit: Droit | None
    filtre: VersionFiltre | None = None

    @property
    def destinataire(self) -> bool:
        return self.raison in RAISONS_D_ENVOI


def judge(guichet: Guichet, sujet: Sujet, correspondant: VersionFiltre | None) -> Verdict:
    """The verdict for one guichet. correspondant: a filter of its own that takes the demande, or None
    ([DST-1])."""
    if guichet.code == sujet.auteur:
        return Verdict(guichet, Raison.AUTEUR, None)
    detenteur = guichet.code in sujet.detenteurs
    droit = may_read(guichet, sujet.territoire, sujet.communes, detenteur=detenteur)
    if not droit.accorde:
        return Verdict(guichet, Raison.SANS_DROIT, droit)
    if detenteur:
        return Verdict(guichet, Raison.DETENTEUR, droit)
    if correspondant is not None:
        return Verdict(guichet, Raison.FILTRE, droit, correspondant)
    return Verdict(guichet, Raison.HORS_FILTRES, droit)


def recipients(
    sujet: Sujet, guichets: Mapping[str, Guichet], correspondants: Iterable[VersionFiltre]
) -> list[Verdict]:
    """The verdicts of those that receive, by code of guichet.

    guichets: all of them, by code. correspondants: the filters in force that take the demande. The oldest one
    of a guichet, by identifier, is the one told: it is enough to explain, and always the same.
    """
    first: dict[str, VersionFiltre] = {}
    for version in correspondants:
        known = first.get(version.guichet)
        if known is None or version.identifiant < known.identifiant:
            first[version.guichet] = version
    candidates = sorted({*first, *sujet.detenteurs} & guichets.keys())
    verdicts = (judge(guichets[code], sujet, first.get(code)) for code in candidates)
    return [verdict for verdict in verdicts if verdict.destinataire]
