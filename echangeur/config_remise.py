"""The section of the configuration about how distributions are delivered."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct

from dispatching.attempts import Bail
from dispatching.disjoncteur import ReglesDisjoncteur
from dispatching.retry import DELAIS, Echeancier, ReglesRemise
from dispatching.voies import SIMULTANES, SIMULTANES_MAX

_SECONDES = tuple(int(delai.total_seconds()) for delai in DELAIS)

Delais = Annotated[tuple[Annotated[int, Meta(ge=1, le=30 * 86_400)], ...], Meta(min_length=1, max_length=50)]


class Remise(Struct, frozen=True, forbid_unknown_fields=True):
    """La remise des distributions : essais, échéances, disjoncteurs, envois simultanés."""

    push_delais: Annotated[
        Delais,
        Meta(
            description="Canal `push` : secondes d'attente après le premier échec, le deuxième… Après le"
            " dernier, l'envoi est en échec."
        ),
    ] = _SECONDES
    push_echeance: Annotated[
        int,
        Meta(
            ge=1,
            le=8_760,
            description="Canal `push` : heures au bout desquelles ce qui n'est pas arrivé est en échec, même"
            " sans avoir été essayé.",
        ),
    ] = 720
    courrier_delais: Annotated[Delais, Meta(description="Canal `courrier` : de même.")] = _SECONDES
    courrier_echeance: Annotated[
        int, Meta(ge=1, le=8_760, description="Canal `courrier` : de même, en heures.")
    ] = 720
    delai_envoi: Annotated[
        float, Meta(ge=1, le=300, description="Secondes laissées à un guichet pour répondre à un envoi.")
    ] = 30.0
    marge_bail: Annotated[
        float,
        Meta(
            ge=1,
            le=300,
            description="Secondes après lesquelles, ce délai passé, l'envoi d'un processus figé est repris"
            " par un autre.",
        ),
    ] = 30.0
    seuil: Annotated[
        int, Meta(ge=1, le=1_000, description="Échecs de suite qui ouvrent le disjoncteur d'un guichet.")
    ] = 5
    pause: Annotated[
        float,
        Meta(
            ge=0.1, le=3_600, description="Secondes de pause après un échec de connexion, avant l'ouverture."
        ),
    ] = 5.0
    ouverture: Annotated[
        float,
        Meta(
            ge=0.1, le=86_400, description="Secondes entre l'ouverture et la première sonde ; puis le double."
        ),
    ] = 60.0
    ouverture_max: Annotated[
        float, Meta(ge=0.1, le=86_400, description="Secondes entre deux sondes, au plus.")
    ] = 1_800.0

    simultanes: Annotated[
        int,
        Meta(
            ge=1,
            le=SIMULTANES_MAX,
            description="Envois en cours à la fois vers un guichet qui répond, au plus, par processus ;"
            " chacun porte sur une autre demande. `echangeur guichet simultanes` règle celui d'un guichet.",
        ),
    ] = SIMULTANES

    @property
    def regles(self) -> ReglesRemise:
        """What the workers go by."""
        return ReglesRemise(
            Echeancier(_waits(self.push_delais), timedelta(hours=self.push_echeance)),
            Echeancier(_waits(self.courrier_delais), timedelta(hours=self.courrier_echeance)),
            ReglesDisjoncteur(
                self.seuil,
                timedelta(seconds=self.pause),
                timedelta(seconds=self.ouverture),
                timedelta(seconds=self.ouverture_max),
            ),
            self.simultanes,
        )

    @property
    def bail(self) -> Bail:
        """How long a distribution is one worker's own."""
        return Bail(timedelta(seconds=self.delai_envoi), timedelta(seconds=self.marge_bail))


def _waits(secondes: tuple[int, ...]) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=each) for each in secondes)
