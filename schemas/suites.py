"""What happens to a demande: right to housing (DALO), disabilities, renewal, radiation, attribution."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import final

from schemas.lecture import Noeud


@final
@dataclass(frozen=True, slots=True)
class Dalo:
    """Enforceable right to housing. statut: ListeStatutDalo; typologie: ListeTypologieLogementDalo."""

    statut: str | None
    date_decision: date | None
    diagnostic_social: bool | None
    accompagnement_social: bool | None
    typologie: str | None


@final
@dataclass(frozen=True, slots=True)
class Handicap:
    """A disabled person of the household, and what the dwelling needs."""

    date_naissance: date | None
    etat: str | None
    capacite_marche: str | None
    accompagne: bool | None
    moteur: bool | None
    sensoriel: bool | None
    autre: bool | None
    aides_techniques: tuple[str, ...]
    equipements: tuple[str, ...]
    besoin_particulier: str


@final
@dataclass(frozen=True, slots=True)
class Attribution:
    """The dwelling that ends a demande. Codes: ListeBooleen, ListeAccordCollectif, ListeTypeReservataire."""

    date_signature_bail: date | None
    deja_loge_parc_bailleur: str | None
    numero_rpls: str
    accord_collectif: str | None
    type_reservataire: str | None
    siren_bailleur: str
    type_logement: str | None
    surface: int | None
    montant_loyer: int | None
    commune: str | None


@final
@dataclass(frozen=True, slots=True)
class Radiation:
    """End of a demande. motif: ListeMotifsRadiation, None for a déradiation (interface/wire §11)."""

    date_radiation: date
    motif: str | None
    sous_motif_irrecevabilite: str | None
    date_courrier: date | None
    attribution: Attribution | None


def read_dalo(noeud: Noeud | None) -> Dalo | None:
    """The element `informationDalo`."""
    return noeud and Dalo(
        statut=noeud.code("statutDalo"),
        date_decision=noeud.jour("dateDecisionDalo"),
        diagnostic_social=noeud.booleen("diagnosticSocialDalo"),
        accompagnement_social=noeud.booleen("accompagnementSocialDalo"),
        typologie=noeud.code("typologieLogementDalo"),
    )


def read_handicap(noeud: Noeud) -> Handicap:
    """The element `handicap`."""
    return Handicap(
        date_naissance=noeud.jour("dateNaissance"),
        etat=noeud.code("etatHandicap"),
        capacite_marche=noeud.code("capaciteMarcheHandicap"),
        accompagne=noeud.booleen("accompagne"),
        moteur=noeud.booleen("handicapMoteur"),
        sensoriel=noeud.booleen("handicapSensoriel"),
        autre=noeud.booleen("handicapAutre"),
        aides_techniques=noeud.codes("listeAideTechniqueHandicap", "aideTechniqueHandicap"),
        equipements=noeud.codes("listeEquipementHandicap", "equipementHandicap"),
        besoin_particulier=noeud.texte("besoinParticulier"),
    )


def read_radiation(noeud: Noeud | None) -> Radiation | None:
    """The element `radiation`."""
    if noeud is None:
        return None
    courrier = noeud.noeud("absenceReponse")
    return Radiation(
        date_radiation=noeud.jour("dateRadiation") or date.min,
        motif=noeud.code("motifRadiation"),
        sous_motif_irrecevabilite=noeud.code("sousMotifIrrecevabilite"),
        date_courrier=courrier and courrier.jour("dateCourrier"),
        attribution=_read_attribution(noeud.noeud("attributionLogement")),
    )


def _read_attribution(noeud: Noeud | None) -> Attribution | None:
    if noeud is None:
        return None
    adresse = noeud.noeud("adresse")
    return Attribution(
        date_signature_bail=noeud.jour("dateSignatureBail"),
        deja_loge_parc_bailleur=noeud.code("dejaLogeParcBailleur"),
        numero_rpls=noeud.texte("numeroRpls"),
        accord_collectif=noeud.code("accordCollectif"),
        type_reservataire=noeud.code("typeReservataire"),
        siren_bailleur=noeud.texte("codeSirenBailleur"),
        type_logement=noeud.code("typeLogement"),
        surface=noeud.entier("surface"),
        montant_loyer=noeud.entier("montantLoyer"),
        commune=adresse and adresse.code("commune"),
    )
