"""The settings of the alerts, a section of the configuration."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Adresse = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$", max_length=254)
]


class Alertes(Struct, frozen=True, forbid_unknown_fields=True):
    """Les alertes : ce qui est surveillé, à qui le dire et quand."""

    actives: Annotated[
        bool, Meta(description="`false` : les processus `worker` et `courrier` ne surveillent rien.")
    ] = True
    exploitants: Annotated[
        tuple[Adresse, ...],
        Meta(
            description='Adresses des exploitants, `["astreinte@exemple.fr"]`. Vide : rien n\'est envoyé,'
            " ni à eux ni aux guichets ; les alertes se lisent dans la console et les chiffres."
        ),
    ] = ()
    guichets: Annotated[
        bool,
        Meta(description="`true` : ce qui concerne un guichet est dit aussi à son contact technique."),
    ] = True
    cadence: Annotated[
        float, Meta(ge=0.1, le=3600, description="Secondes entre deux tours de surveillance.")
    ] = 60.0
    confirmation: Annotated[
        float,
        Meta(
            ge=0, le=1440, description="Minutes pendant lesquelles une anomalie dure avant d'être une alerte."
        ),
    ] = 5.0
    apaisement: Annotated[
        float,
        Meta(ge=0, le=1440, description="Minutes pendant lesquelles elle n'est plus vue avant d'être close."),
    ] = 15.0
    rappel: Annotated[
        float, Meta(ge=0.1, le=720, description="Heures au bout desquelles une alerte ouverte est redite.")
    ] = 24.0
    groupage: Annotated[
        float,
        Meta(
            ge=0,
            le=1440,
            description="Minutes au moins entre deux courriers à la même adresse : ce qui survient d'ici là"
            " part ensemble.",
        ),
    ] = 15.0
    silence: Annotated[
        int,
        Meta(
            ge=0,
            le=2000,
            description="Heures ouvrées sans rien d'un guichet, ou sans qu'il vienne chercher ce qui"
            " l'attend, avant une alerte ; davantage si c'est son habitude. 0 : seulement pour les guichets"
            " qui ont leur propre délai.",
        ),
    ] = 20
    sans_echange: Annotated[
        int,
        Meta(
            ge=0,
            le=6000,
            description="Minutes ouvrées sans aucun message d'aucun guichet avant une alerte ; 0 : jamais.",
        ),
    ] = 120
    acquittement: Annotated[
        int,
        Meta(
            ge=1,
            le=2000,
            description="Heures ouvrées laissées à un guichet qui vient chercher ses distributions pour les"
            " acquitter.",
        ),
    ] = 20
    retard: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Minutes d'attente d'une distribution à envoyer au-delà desquelles il y a du retard.",
        ),
    ] = 240
    panne: Annotated[
        int,
        Meta(ge=0, le=100_000, description="Minutes d'un disjoncteur ouvert au bout desquelles le dire."),
    ] = 30
    disque: Annotated[
        int,
        Meta(
            ge=0,
            le=90,
            description="Part libre du disque de la base embarquée, en %, sous laquelle le dire ; 0 :"
            " jamais.",
        ),
    ] = 10
