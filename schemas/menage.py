"""The household of a demande: applicant, cotitulaires, dependants, addresses, work, resources, dwelling."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import final

from schemas.lecture import Noeud


@final
@dataclass(frozen=True, slots=True)
class Adresse:
    """A postal address; `commune` is an INSEE code, `pays` and the two others only abroad."""

    etranger: bool
    appartement: str = ""
    etage: str = ""
    escalier: str = ""
    batiment: str = ""
    comp_adresse: str = ""
    numero: str = ""
    voie: str = ""
    lieu_dit: str = ""
    code_postal: str = ""
    commune: str | None = None
    code_postal_etranger: str = ""
    commune_etranger: str = ""
    pays: str = ""
    nom_hebergeant: str = ""


@final
@dataclass(frozen=True, slots=True)
class Association:
    """An applicant that is a legal person (regles §5: identity, address and wished housing only)."""

    nom: str
    tel_domicile: str
    tel_portable: str
    tel_travail: str
    mel: str
    adresse_postale: Adresse | None


@final
@dataclass(frozen=True, slots=True)
class Ressource:
    """A monthly resource. code: ListeRessourceRecue or ListeRessourceVersee; montant: euros, any sign."""

    code: str | None
    montant: int | None


@final
@dataclass(frozen=True, slots=True)
class RevenuFiscal:
    """Tax incomes of the two last known years, euros."""

    annee_moins1: int | None
    montant_moins1: int | None
    annee_moins2: int | None
    montant_moins2: int | None


@final
@dataclass(frozen=True, slots=True)
class SituationProfessionnelle:
    """Work. type_contrat: ListeTypeContratTravail; commune: INSEE code of the work place."""

    profession: str
    type_contrat: str | None
    multi_employeur: bool | None
    nom_employeur: str
    etranger: bool | None
    code_postal: str
    commune: str | None
    pays: str


@final
@dataclass(frozen=True, slots=True)
class Personne:
    """The applicant or, with `lien` (ListeLienDemandeur), a cotitulaire, who has no mail and no address.

    nom: nom d'usage. nom_patronymique: birth name, often empty. date_naissance: `date.min` when absent.
    """

    civilite: str | None
    nom: str
    nom_patronymique: str
    prenom: str
    date_naissance: date
    nationalite: str | None
    situation_familiale: str | None
    tel_domicile: str
    tel_portable: str
    tel_travail: str
    situation_professionnelle: SituationProfessionnelle | None
    revenu_fiscal: RevenuFiscal | None
    ressources_recues: tuple[Ressource, ...]
    ressources_versees: tuple[Ressource, ...]
    mel: str = ""
    notif_sms: bool | None = None
    notif_evt: bool | None = None
    adresse_postale: Adresse | None = None
    ressources_recues_pers_a_charge: tuple[Ressource, ...] = ()
    ressources_versees_pers_a_charge: tuple[Ressource, ...] = ()
    lien: str | None = None


Cotitulaire = Personne
"""A cotitulaire is a person whose `lien` says what he is to the applicant: M, P, C or L."""


@final
@dataclass(frozen=True, slots=True)
class PersonneACharge:
    """A dependant (`lien_parente`) or a child in shared custody (`co_parentalite`, without a name)."""

    nom: str
    prenom: str
    date_naissance: date | None
    sexe: str | None
    lien_parente: str | None
    co_parentalite: str | None


@final
@dataclass(frozen=True, slots=True)
class Naissances:
    """Expected births."""

    nombre: int | None
    date_prevue: date | None


@final
@dataclass(frozen=True, slots=True)
class LogementActuel:
    """The dwelling of today. modeles: ListeModeleLogement; amounts in euros per month; surface in m²."""

    modeles: tuple[str, ...]
    nom_bailleur: str
    nom_structure: str
    montant_loyer: int | None
    montant_apl: int | None
    nombre_habitants: int | None
    categorie: str | None
    type_logement: str | None
    surface: int | None
    proprietaire: bool | None
    commune_possede: str | None
    type_logement_possede: str | None


def read_adresse(noeud: Noeud | None) -> Adresse | None:
    """An address, of the demande or of a doublon; None when there is none."""
    if noeud is None:
        return None
    texte = noeud.texte
    return Adresse(
        etranger=noeud.booleen("etranger") or False,
        appartement=texte("appartement"),
        etage=texte("etage"),
        escalier=texte("escalier"),
        batiment=texte("batiment"),
        comp_adresse=texte("compAdresse"),
        numero=texte("numero"),
        voie=texte("voie"),
        lieu_dit=texte("lieuDit"),
        code_postal=texte("codePostal"),
        commune=noeud.code("commune"),
        code_postal_etranger=texte("codePostalEtranger"),
        commune_etranger=texte("communeEtranger"),
        pays=texte("pays"),
        nom_hebergeant=texte("nomHebergeant"),
    )


def read_association(noeud: Noeud) -> Association:
    """The element `association`."""
    return Association(
        nom=noeud.texte("nom"),
        tel_domicile=noeud.texte("telDomicile"),
        tel_portable=noeud.texte("telPortable"),
        tel_travail=noeud.texte("telTravail"),
        mel=noeud.texte("mel"),
        adresse_postale=read_adresse(noeud.noeud("adressePostale")),
    )


def read_personne(noeud: Noeud) -> Personne:
    """The element `demandeur` or `cotitulaire`."""
    return Personne(
        civilite=noeud.code("civilite"),
        nom=noeud.texte("nom"),
        nom_patronymique=noeud.texte("nomPatronymique"),
        prenom=noeud.texte("prenom"),
        date_naissance=noeud.jour("dateNaissance") or date.min,
        nationalite=noeud.code("nationalite"),
        situation_familiale=noeud.code("situationFamiliale"),
        tel_domicile=noeud.texte("telDomicile"),
        tel_portable=noeud.texte("telPortable"),
        tel_travail=noeud.texte("telTravail"),
        situation_professionnelle=_read_travail(noeud.noeud("situationProfessionnelle")),
        revenu_fiscal=_read_revenu(noeud.noeud("revenuFiscal")),
        ressources_recues=_read_ressources(noeud, "listeRessourceRecue"),
        ressources_versees=_read_ressources(noeud, "listeRessourceVersee"),
        mel=noeud.texte("mel"),
        notif_sms=noeud.booleen("notifSms"),
        notif_evt=noeud.booleen("notifEvt"),
        adresse_postale=read_adresse(noeud.noeud("adressePostale")),
        ressources_recues_pers_a_charge=_read_ressources(noeud, "listeRessourceRecuePersACharge"),
        ressources_versees_pers_a_charge=_read_ressources(noeud, "listeRessourceVerseePersACharge"),
        lien=noeud.code("lienDemandeur"),
    )


def read_personne_a_charge(noeud: Noeud) -> PersonneACharge:
    """The element `personneACharge` or `personneEnGarde`."""
    return PersonneACharge(
        nom=noeud.texte("nom"),
        prenom=noeud.texte("prenom"),
        date_naissance=noeud.jour("dateNaissance"),
        sexe=noeud.code("sexe"),
        lien_parente=noeud.code("lienParente"),
        co_parentalite=noeud.code("coParentalite"),
    )


def read_naissances(noeud: Noeud | None) -> Naissances | None:
    """The element `personneANaitre`."""
    return noeud and Naissances(noeud.entier("nombre"), noeud.jour("dateNaissancePrevue"))


def read_logement_actuel(noeud: Noeud) -> LogementActuel:
    """The element `logementActuel`."""
    return LogementActuel(
        modeles=noeud.codes("listeModeleLogement", "modeleLogement"),
        nom_bailleur=noeud.texte("compNomOrgBailleur"),
        nom_structure=noeud.texte("compNomStructure"),
        montant_loyer=noeud.entier("montantMensuelLoyer"),
        montant_apl=noeud.entier("montantMensuelAPL"),
        nombre_habitants=noeud.entier("nombreHabitant"),
        categorie=noeud.code("categorieLogement"),
        type_logement=noeud.code("typeLogementActuel"),
        surface=noeud.entier("surface"),
        proprietaire=noeud.booleen("proprietaire"),
        commune_possede=noeud.code("commune"),
        type_logement_possede=noeud.code("typeLogementPossede"),
    )


def _read_travail(noeud: Noeud | None) -> SituationProfessionnelle | None:
    return noeud and SituationProfessionnelle(
        profession=noeud.texte("profession"),
        type_contrat=noeud.code("typeContratTravail"),
        multi_employeur=noeud.booleen("multiEmployeur"),
        nom_employeur=noeud.texte("nomEmployeurPrincipal"),
        etranger=noeud.booleen("etranger"),
        code_postal=noeud.texte("codePostal"),
        commune=noeud.code("commune"),
        pays=noeud.texte("pays"),
    )


def _read_revenu(noeud: Noeud | None) -> RevenuFiscal | None:
    return noeud and RevenuFiscal(
        noeud.entier("anneeMoins1"),
        noeud.entier("montantMoins1"),
        noeud.entier("anneeMoins2"),
        noeud.entier("montantMoins2"),
    )


def _read_ressources(noeud: Noeud, liste: str) -> tuple[Ressource, ...]:
    return tuple(
        Ressource(item.code("ressource"), item.entier("montant"))
        for item in noeud.noeuds(liste, "detailRessource")
    )
