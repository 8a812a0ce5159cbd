"""The circuit breaker of one channel of a guichet, as pure functions ([DST-40] to [DST-42]).

    closed --failures in a row--> open --pause over--> half-open --success--> closed
                                    ^                      |
                                    +------- failure ------+

Closed: everything goes. A failure of the connection is followed by a short pause all the same, since what
comes next would fail alike. Open: nothing goes until the pause is over. Half-open: one distribution, the
probe, for all the workers; what it gives decides. Each failed probe doubles the pause.

What has left without an answer, as by mail, says that the relay works and nothing of the guichet: its
acknowledgement does, and its absence. A channel open for that reason is closed by an acknowledgement only.

What a guichet says of one document is no failure of its channel: it answers. After some refusals in a row it
is only left a pause, so that a guichet that has started to refuse everything does not use up the attempts of
all that waits.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from dispatching.transport import CONNEXION, GenreEchec
from registry.guichets import CanalDistribution


class EtatDisjoncteur(StrEnum):
    """What the operator reads."""

    FERME = "fermé"
    """Everything goes."""
    OUVERT = "ouvert"
    """Nothing goes until the next probe."""
    DEMI_OUVERT = "demi-ouvert"
    """A probe is due, or is being sent."""


@dataclass(frozen=True, slots=True)
class ReglesDisjoncteur:
    """seuil: failures in a row that open. pause: after a failure of the connection while closed. ouverture,
    ouverture_max: the first pause once open, and the longest. refus: documents refused in a row that are
    followed by a pause."""

    seuil: int = 5
    pause: timedelta = timedelta(seconds=5)
    ouverture: timedelta = timedelta(minutes=1)
    ouverture_max: timedelta = timedelta(minutes=30)
    refus: int = 5


@dataclass(frozen=True, slots=True)
class Disjoncteur:
    """What is known of a channel that fails. Only a channel that failed has one.

    echecs: failures in a row. refus: refusals in a row of documents. suspendu_jusqu_a: nothing is tried
    before. ouvert_le: None while closed. sonde: the distribution being sent as the probe. cause, detail: of
    the last failure.
    """

    guichet: str
    canal: CanalDistribution
    echecs: int = 0
    refus: int = 0
    suspendu_jusqu_a: datetime | None = None
    ouvert_le: datetime | None = None
    sonde: uuid.UUID | None = None
    cause: str = ""
    detail: str = ""

    def etat(self, instant: datetime) -> EtatDisjoncteur:
        """Its state at that instant."""
        if self.ouvert_le is None:
            return EtatDisjoncteur.FERME
        waits = self.suspendu_jusqu_a is not None and self.suspendu_jusqu_a > instant
        return EtatDisjoncteur.OUVERT if waits and self.sonde is None else EtatDisjoncteur.DEMI_OUVERT


_SANS_EFFET: Final = frozenset({GenreEchec.INTERNE, GenreEchec.REFUS})


def is_counted(genre: GenreEchec) -> bool:
    """True when it is a failure of the channel: neither our own, nor a refusal of one document ([DST-40])."""
    return genre not in _SANS_EFFET


def after_failure(
    avant: Disjoncteur,
    distribution: uuid.UUID,
    genre: GenreEchec,
    detail: str,
    *,
    instant: datetime,
    regles: ReglesDisjoncteur,
) -> Disjoncteur:
    """What the failure of that distribution makes of it. Once open, only the probe says something: what ends
    late began before. So do several sendings at once when the connection fails: they count as one."""
    if avant.ouvert_le is not None and avant.sonde != distribution:
        return avant
    if genre is GenreEchec.INTERNE:
        if avant.ouvert_le is None:
            return avant
        return replace(avant, sonde=None, suspendu_jusqu_a=instant + regles.pause)
    if genre is GenreEchec.REFUS:
        refus = avant.refus + 1
        pause = instant + _doubled(regles, refus - regles.refus) if refus >= regles.refus else None
        suite = replace(avant, echecs=0, refus=refus, sonde=None, cause=genre.value, detail=detail)
        return replace(suite, suspendu_jusqu_a=pause, ouvert_le=None)
    if genre in CONNEXION and avant.sonde is None and _is_paused(avant, instant):
        return avant
    echecs = avant.echecs + 1
    suite = replace(avant, echecs=echecs, refus=0, sonde=None, cause=genre.value, detail=detail)
    if echecs >= regles.seuil:
        until = instant + _doubled(regles, echecs - regles.seuil)
        return replace(suite, suspendu_jusqu_a=until, ouvert_le=avant.ouvert_le or instant)
    return replace(suite, suspendu_jusqu_a=instant + regles.pause if genre in CONNEXION else None)


def after_handover(
    avant: Disjoncteur, distribution: uuid.UUID, *, instant: datetime, regles: ReglesDisjoncteur
) -> Disjoncteur | None:
    """What it becomes when that distribution has left without an answer; None: it works. As long as what is
    missing is acknowledgements, leaving proves nothing: the next probe waits its turn."""
    if avant.cause != GenreEchec.SANS_ACCUSE:
        return None
    if avant.ouvert_le is None or avant.sonde != distribution:
        return avant
    until = instant + _doubled(regles, avant.echecs - regles.seuil)
    return replace(avant, sonde=None, suspendu_jusqu_a=until)


def _is_paused(avant: Disjoncteur, instant: datetime) -> bool:
    return avant.suspendu_jusqu_a is not None and avant.suspendu_jusqu_a > instant


def _doubled(regles: ReglesDisjoncteur, times: int) -> timedelta:
    # Bounded before it is multiplied: a timedelta has an end.
    return min(regles.ouverture * (1 << min(times, 20)), regles.ouverture_max)
