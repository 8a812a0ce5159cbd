"""What a national or territorial authority could decide otherwise: the section `[regles]`.

The descriptions are French: they make docs/configuration.md and the file of a new instance.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class Regles(Struct, frozen=True, forbid_unknown_fields=True):
    """Les règles de la vie d'une demande qu'une autorité peut fixer autrement (docs/specification)."""

    validite_mois: Annotated[
        int, Meta(ge=1, le=60, description="Durée de validité d'une demande, en mois (CCH R441-2-7).")
    ] = 12
    echeance: Annotated[
        Literal["renouvellement", "anniversaire"],
        Meta(
            description="Départ de la validité après un renouvellement : `renouvellement`, le jour du"
            " renouvellement ; `anniversaire`, le jour et le mois du dépôt."
        ),
    ] = "renouvellement"
    premier_preavis_mois: Annotated[
        int, Meta(ge=1, le=12, description="Premier préavis, en mois avant l'échéance.")
    ] = 2
    second_preavis_mois: Annotated[
        int, Meta(ge=1, le=12, description="Second préavis, en mois avant l'échéance.")
    ] = 1
    tolerance_mois: Annotated[
        int,
        Meta(ge=0, le=12, description="Mois laissés après l'échéance avant la radiation d'office."),
    ] = 1
    reactivation_non_renouvellement_mois: Annotated[
        int,
        Meta(
            ge=0,
            le=11,
            description="Mois après l'échéance pendant lesquels une demande radiée faute de renouvellement"
            " peut être réactivée.",
        ),
    ] = 6
    reactivation_sans_reponse_mois: Annotated[
        int,
        Meta(
            ge=0,
            le=11,
            description="Mois après la radiation pendant lesquels une demande radiée faute de réponse peut"
            " être réactivée.",
        ),
    ] = 5
    delai_sans_reponse_mois: Annotated[
        int,
        Meta(
            ge=0,
            le=12,
            description="Mois entre le courrier resté sans réponse et la radiation (CCH R441-2-8 c).",
        ),
    ] = 1
    irrecevabilite_bailleur_seul: Annotated[
        bool, Meta(description="`true` : seul un bailleur radie pour irrecevabilité (CDC 2015 §6.4).")
    ] = True
    suppression_jours: Annotated[
        int,
        Meta(
            ge=0,
            le=366,
            description="Jours après l'enregistrement pendant lesquels le guichet qui a enregistré une"
            " demande par erreur peut la supprimer.",
        ),
    ] = 30
    conservation_mois: Annotated[
        int,
        Meta(
            ge=1,
            le=120,
            description="Mois de conservation des données nominatives après la radiation (décret 2017-917,"
            " art. 4).",
        ),
    ] = 12
    traces_mois: Annotated[
        int,
        Meta(
            ge=1,
            le=120,
            description="Mois pendant lesquels la trace d'une lecture est gardée après l'effacement des"
            " données lues.",
        ),
    ] = 12
    portail_etat_civil_fixe: Annotated[
        bool,
        Meta(
            description="`true` : le portail grand public ne change ni le nom de naissance ni les prénoms du"
            " demandeur ; seuls les guichets le font."
        ),
    ] = True
    brouillon_jours: Annotated[
        int,
        Meta(ge=1, le=366, description="Jours de conservation d'un brouillon après son dernier état."),
    ] = 60
    depot_jours: Annotated[
        int,
        Meta(
            ge=1,
            le=366,
            description="Jours pendant lesquels un dépôt du portail attend sa validation ; au-delà, il est"
            " invalidé et le demandeur prévenu.",
        ),
    ] = 90
    depot_conservation_jours: Annotated[
        int,
        Meta(
            ge=1,
            le=366,
            description="Jours de conservation des données nominatives d'un dépôt invalidé.",
        ),
    ] = 60
    dalo_declarants: Annotated[
        tuple[Literal["bailleur", "commune", "epci", "etat", "autre"], ...],
        Meta(
            min_length=1,
            description="Types de guichet qui déclarent un DALO : le secrétariat de la commission de"
            " médiation est un service de l'État.",
        ),
    ] = ("etat",)


REGLES: Regles = Regles()
"""The rules as published."""
