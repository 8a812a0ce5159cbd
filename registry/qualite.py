"""The indicators of quality of a guichet (regles §13): what each one counts, of what, and which way is good.

The list of the national report is not published: this one is made of what the texts ask of a guichet and of
what other guichets suffer from. Kept at each weekly closing ([INF-8]), read by the console.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Sens(StrEnum):
    """Which way is good."""

    HAUT = "haut"
    BAS = "bas"
    NEUTRE = "neutre"
    """A volume, which says nothing by itself."""


class Famille(StrEnum):
    """What an indicator is about, as a page groups them."""

    ALIMENTATION = "Alimentation"
    DEMANDES = "Demandes"
    ATTRIBUTIONS = "Attributions"
    PIECES = "Pièces et dépôts du portail"
    ECHANGES = "Échanges et distributions"


@dataclass(frozen=True, slots=True)
class Indicateur:
    """One indicator. part_de: what it is a share of, in French; empty for a volume."""

    code: str
    famille: Famille
    libelle: str
    sens: Sens = Sens.NEUTRE
    part_de: str = ""


_A, _D, _T, _P, _E = (
    Famille.ALIMENTATION,
    Famille.DEMANDES,
    Famille.ATTRIBUTIONS,
    Famille.PIECES,
    Famille.ECHANGES,
)

INDICATEURS: Final = (
    Indicateur("creations", _A, "Créations"),
    Indicateur("creations_courrier", _A, "Créations par courrier", part_de="créations"),
    Indicateur("renouvellements", _A, "Renouvellements"),
    Indicateur("modifications", _A, "Modifications"),
    Indicateur("radiations", _A, "Radiations, attributions comprises"),
    Indicateur("reactivations", _A, "Annulations de radiation", Sens.BAS, "radiations"),
    Indicateur("doublons_forces", _D, "Créées malgré un doublon", Sens.BAS, "créations"),
    Indicateur("sans_contact", _D, "Créées sans téléphone ni courriel", Sens.BAS, "créations"),
    Indicateur("stock", _D, "Demandes actives enregistrées ici"),
    Indicateur("echues", _D, "Échues et non radiées", Sens.BAS, "demandes actives"),
    Indicateur("attributions", _T, "Attributions"),
    Indicateur("attributions_rpls", _T, "Avec le numéro du logement (RPLS)", Sens.HAUT, "attributions"),
    Indicateur("attributions_reservataire", _T, "Avec le réservataire", Sens.HAUT, "attributions"),
    Indicateur("attributions_tardives", _T, "Dites plus de 30 jours après le bail", Sens.BAS, "attributions"),
    Indicateur("attributions_dalo", _T, "À des ménages reconnus DALO", part_de="attributions"),
    Indicateur("pieces", _P, "Pièces déposées"),
    Indicateur("pieces_rapides", _P, "Déposées sous 15 jours", Sens.HAUT, "pièces"),
    Indicateur("depots_traites", _P, "Dépôts du portail traités"),
    Indicateur("depots_valides", _P, "Dépôts validés", part_de="dépôts traités"),
    Indicateur("depots_rapides", _P, "Dépôts traités sous 5 jours", Sens.HAUT, "dépôts traités"),
    Indicateur("echanges", _E, "Échanges reçus"),
    Indicateur("echanges_refuses", _E, "Échanges refusés", Sens.BAS, "échanges"),
    Indicateur("distributions", _E, "Distributions faites"),
    Indicateur("distributions_24h", _E, "Acquittées sous 24 heures", Sens.HAUT, "distributions"),
    Indicateur("distributions_echec", _E, "En échec", Sens.BAS, "distributions"),
)

PAR_CODE: Final = {indicateur.code: indicateur for indicateur in INDICATEURS}

TARDIF_JOURS: Final = 30
PIECE_JOURS: Final = 15
DEPOT_JOURS: Final = 5
VALIDITE_MOIS: Final = 12


@dataclass(frozen=True, slots=True, order=True)
class Mesure:
    """An indicator of a guichet for a week. base: of how many, 0 for a volume."""

    guichet: str
    indicateur: str
    nombre: int
    base: int = 0

    @property
    def part(self) -> float | None:
        """0 to 1, or None for a volume and when there was nothing to be a share of."""
        return self.nombre / self.base if self.base else None


def total(mesures: list[Mesure]) -> dict[str, Mesure]:
    """What guichets do together, by indicator: the shares are those of all their demandes, not averages."""
    sommes: dict[str, Mesure] = {}
    for mesure in mesures:
        avant = sommes.get(mesure.indicateur, Mesure("", mesure.indicateur, 0))
        sommes[mesure.indicateur] = Mesure(
            "", mesure.indicateur, avant.nombre + mesure.nombre, avant.base + mesure.base
        )
    return sommes
