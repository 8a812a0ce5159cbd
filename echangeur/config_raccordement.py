"""The section of the configuration about what is asked of partners before they exchange in production."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta, Struct

from registry.conformite import SANS_EXIGENCE
from registry.controles import PARIS


class Raccordement(Struct, frozen=True, forbid_unknown_fields=True):
    """Le rapport de conformité des partenaires."""

    rapport_exige: Annotated[
        str,
        Meta(
            pattern=r"^($|[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$)",
            description="Jour (aaaa-mm-jj) à partir duquel un guichet sans rapport de conformité en vigueur"
            " n'échange plus. Vide : aucun rapport n'est exigé, comme dans un environnement d'essai."
            " `echangeur raccordement exiger` donne à un guichet un jour à lui.",
        ),
    ] = ""
    alerte: Annotated[
        int,
        Meta(ge=0, le=365, description="Jours avant la fin d'un rapport où elle est annoncée."),
    ] = SANS_EXIGENCE.alerte.days
    grace: Annotated[
        int,
        Meta(
            ge=0,
            le=365,
            description="Jours après la fin d'un rapport pendant lesquels le guichet échange encore.",
        ),
    ] = SANS_EXIGENCE.grace.days
    validite: Annotated[
        int,
        Meta(
            ge=30,
            le=730,
            description="Jours pendant lesquels un rapport sert au plus, à compter de la fin de sa campagne.",
        ),
    ] = SANS_EXIGENCE.validite.days
    signataires: Annotated[
        str,
        Meta(
            extra={"fichier": True},
            description="Certificats avec lesquels l'exploitant signe les rapports des campagnes qu'il mène"
            " lui-même, PEM, l'un après l'autre. Le fichier peut manquer : seul ce qui est contresigné ouvre"
            " alors la production.",
        ),
    ] = "conformite/signataires.pem"


def starts_on(reglage: Raccordement) -> datetime | None:
    """The first instant, in Paris, of the day from which a report is required. Raises ValueError for a day
    that does not exist."""
    if not reglage.rapport_exige:
        return None
    day = date.fromisoformat(reglage.rapport_exige)
    return datetime(day.year, day.month, day.day, tzinfo=PARIS)
