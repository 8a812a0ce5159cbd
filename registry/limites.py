"""Bounds that an authority or an operator may set: the sections `[pieces]` and `[recherche]`.

The descriptions are French: they make docs/configuration.md and the file of a new instance.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct


class LimitesPieces(Struct, frozen=True, forbid_unknown_fields=True):
    """Les pièces du dossier unique : ce qui en est reçu."""

    taille_max: Annotated[
        int,
        Meta(
            ge=1 << 20,
            le=100 << 20,
            description="Octets d'une pièce, de 1 à 100 Mio. Une page A4 en couleur à 300 points par pouce en"
            " fait 1 Mio environ en JPEG.",
        ),
    ] = 20 << 20
    nombre_max: Annotated[
        int, Meta(ge=10, le=5000, description="Pièces présentes dans le dossier d'une demande.")
    ] = 300
    types: Annotated[
        tuple[Literal["application/pdf", "image/jpeg", "image/png"], ...],
        Meta(
            min_length=1,
            description="Types de contenu reçus, parmi ceux que l'échangeur sait vérifier.",
        ),
    ] = ("application/pdf", "image/jpeg", "image/png")


class LimitesRecherche(Struct, frozen=True, forbid_unknown_fields=True):
    """La recherche de demandes."""

    resultats_max: Annotated[
        int,
        Meta(
            ge=10,
            le=5000,
            description="Numéros d'une réponse : ce qu'une personne peut parcourir ; au-delà, elle ajoute des"
            " critères.",
        ),
    ] = 200
    duree_max: Annotated[
        float,
        Meta(
            ge=0.1,
            le=30,
            description="Secondes laissées à une recherche. Des critères qui ne désignent rien feraient lire"
            " tout le stock.",
        ),
    ] = 2.0


LIMITES_PIECES: Final = LimitesPieces()
LIMITES_RECHERCHE: Final = LimitesRecherche()
"""The bounds as published."""
