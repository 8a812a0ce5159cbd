"""The life of a message of ours, as a pure function: what an event makes of it.

Two clocks run on it, as on a distribution: the delays after failures, which end in a visible failure; and,
when the partner must acknowledge it, the wait for its accusé, which ends in a reminder, then in a visible
failure. Nothing is ever forgotten by the clocks alone: what failed is acknowledged by an accusé that comes
late, and is sent again when the operator says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from dispatching.retry import next_delay


class Etat(StrEnum):
    """State of a message of ours. Stored; never renamed."""

    A_ENVOYER = "a_envoyer"
    ATTEND_ACCUSE = "attend_accuse"
    """It left; the accusé of the partner is awaited."""
    ENVOYE = "envoye"
    """It left, and no accusé is awaited."""
    ACQUITTE = "acquitte"
    """The partner has it. For ever."""
    ECHEC = "echec"
    """It waits for the operator."""


class Evenement(StrEnum):
    """What may happen to it."""

    DEPART = "depart"
    """The next server took it."""
    ECHEC = "echec"
    """It did not leave."""
    REFUS = "refus"
    """A server says that it will never take it."""
    ECHEANCE = "echeance"
    """The accusé has not come in time."""
    ACCUSE = "accuse"
    REJEU = "rejeu"
    """The operator wants it sent again."""


@dataclass(frozen=True, slots=True)
class ReglesEnvoi:
    """delai_accuse: how long an accusé is awaited after each departure. rappels: how many times it is asked
    for again."""

    delai_accuse: timedelta = timedelta(hours=4)
    rappels: int = 2


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a message is.

    echecs: attempts failed since it last left. departs: times it left, since the last replay. prochaine: when
    it is next looked at; None when nothing more is to be done.
    """

    etat: Etat
    accuse_attendu: bool
    prochaine: datetime | None
    echecs: int = 0
    departs: int = 0


DU: Final = frozenset({Etat.A_ENVOYER, Etat.ATTEND_ACCUSE})
"""The states that look forward to an instant."""


def follow(situation: Situation, evenement: Evenement, instant: datetime, regles: ReglesEnvoi) -> Situation:
    """What the event makes of it at that instant (aware). An event that no longer means anything changes
    nothing: notices come late, twice, and in any order."""
    if situation.etat is Etat.ACQUITTE:
        return situation
    match evenement:
        case Evenement.ACCUSE:
            return replace(situation, etat=Etat.ACQUITTE, prochaine=None)
        case Evenement.REJEU:
            return replace(situation, etat=Etat.A_ENVOYER, prochaine=instant, echecs=0, departs=0)
        case Evenement.DEPART:
            return _left(situation, instant, regles)
        case Evenement.ECHEC if situation.etat is not Etat.ECHEC:
            echecs = situation.echecs + 1
            delai = next_delay(echecs)
            if delai is None:
                return replace(situation, etat=Etat.ECHEC, prochaine=None, echecs=echecs)
            return replace(situation, etat=Etat.A_ENVOYER, prochaine=instant + delai, echecs=echecs)
        case Evenement.REFUS if situation.etat is not Etat.ECHEC:
            return replace(situation, etat=Etat.ECHEC, prochaine=None, echecs=situation.echecs + 1)
        case Evenement.ECHEANCE if situation.etat is Etat.ATTEND_ACCUSE:
            if situation.departs > regles.rappels:
                return replace(situation, etat=Etat.ECHEC, prochaine=None)
            return replace(situation, etat=Etat.A_ENVOYER, prochaine=instant)
        case _:
            return situation


def _left(situation: Situation, instant: datetime, regles: ReglesEnvoi) -> Situation:
    departs = situation.departs + 1
    if situation.accuse_attendu:
        etat, prochaine = Etat.ATTEND_ACCUSE, instant + regles.delai_accuse
        return replace(situation, etat=etat, prochaine=prochaine, echecs=0, departs=departs)
    return replace(situation, etat=Etat.ENVOYE, prochaine=None, echecs=0, departs=departs)
