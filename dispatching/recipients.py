"""Who receives an event of a demande: (entitled to read ∩ filters) ∪ holders − author. Pure.

One function judges one guichet; the decision applies it to the guichets that a filter or a holding makes
candidates, the explanation to any guichet. Rights come first: a filter never widens them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from filters.store import VersionFiltre
from registry.droits import Droit, may_read
from registry.guichets import Guichet


class Raison(StrEnum):
    """Why a guichet receives an event, or does not. Stored; never renamed."""

    FILTRE = "filtre"
    """One of its filters takes the demande."""
    DETENTEUR = "detenteur"
    """It holds the demande already: it gets every change of it, whatever its filters."""
    SORTIE_DROITS = "sortie-droits"
    """It had received the demande and may no longer read it: it is told so, and holds it no more."""
    SORTIE_FILTRES = "sortie-filtres"
    """It had received the demande, which none of its filters takes any more: the same."""
    SORTIE_TEMPS = "sortie-temps"
    """The same, because time has passed, and nothing happened to the demande."""
    BALAYAGE = "balayage"
    """One of its filters takes the demande since that day, because time has passed."""
    RATTRAPAGE = "rattrapage"
    """One of its filters takes the demande, offered from the stock and not because of an event."""
    REPRISE = "reprise"
    """Its number was given to something that a restored registry no longer knows; it is withdrawn."""
    AUTEUR = "auteur"
    """It sent the event itself."""
    SANS_DROIT = "sans-droit"
    """It may not read the demande."""
    HORS_FILTRES = "hors-filtres"
    """It may read the demande but none of its filters takes it, or it has none."""


SORTIES = frozenset({Raison.SORTIE_DROITS, Raison.SORTIE_FILTRES, Raison.SORTIE_TEMPS})
"""Reasons of a notice that the demande has left what the guichet receives ([DST-110])."""
RAISONS_D_ENVOI = SORTIES | {Raison.FILTRE, Raison.DETENTEUR, Raison.RATTRAPAGE, Raison.BALAYAGE}


FINALES: Final = frozenset({"RAD", "SUP"})
"""Natures that are told to whoever holds the demande, whatever its filters ([DST-110])."""


@dataclass(frozen=True, slots=True)
class Sujet:
    """What of an event matters to the choice of its recipients.

    communes: INSEE codes of the wished communes. detenteurs: guichets that held the demande before the event.
    recus: those of them that hold it only because they received it. relachees: those of these whose filters
    no longer take it.
    """

    territoire: str
    communes: Collection[str]
    auteur: str
    detenteurs: Collection[str] = ()
    recus: Collection[str] = ()
    relachees: Collection[str] = ()


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
    recue = guichet.code in sujet.recus
    # Having received gives no right of its own: whoever registered or changed a demande has one.
    droit = may_read(guichet, sujet.territoire, sujet.communes, detenteur=detenteur and not recue)
    if not droit.accorde:
        sortie = recue and guichet.actif
        return Verdict(guichet, Raison.SORTIE_DROITS if sortie else Raison.SANS_DROIT, droit)
    if guichet.code in sujet.relachees:
        return Verdict(guichet, Raison.SORTIE_FILTRES, droit)
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
