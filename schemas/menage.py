"""The household of a demande: applicant, cotitulaires, dependants, work, resources, dwelling."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import final

from schemas.adresses import Adresse, read_adresse
from schemas.lecture import Noeud


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
class Personne:
    """The applicant or, with `lien` (ListeLienDemandeur), a cotitulaire, who has no mail and no address.

    nom: nom d'usage. nom_patronymique: birth name, often empty. date_naissance: `date.min` when absent.
    Identity is read at once, the rest when asked for: registering a demande asks for the identity only.
    """

    def __init__(self, noeud: Noeud) -> None:
        self._noeud = noeud
        self.nom: str = noeud.texte("nom")
        self.nom_patronymique: str = noeud.texte("nomPatronymique")
        self.prenom: str = noeud.texte("prenom")
        self.date_naissance: date = noeud.jour("dateNaissance") or date.min
        self.lien: str | None = noeud.code("lienDemandeur")

    @property
    def civilite(self) -> str | None:
        return self._noeud.code("civilite")

    @property
    def nationalite(self) -> str | None:
        """ListeNationalite."""
        return self._noeud.code("nationalite")

    @property
    def situation_familiale(self) -> str | None:
        """ListeSituationFamiliale."""
        return self._noeud.code("situationFamiliale")

    @property
    def tel_domicile(self) -> str:
        return self._noeud.texte("telDomicile")

    @property
    def tel_portable(self) -> str:
        return self._noeud.texte("telPortable")

    @property
    def tel_travail(self) -> str:
        return self._noeud.texte("telTravail")

    @property
    def mel(self) -> str:
        return self._noeud.texte("mel")

    @property
    def notif_sms(self) -> bool | None:
        """Accepts notifications by SMS (02.01 only)."""
        return self._noeud.booleen("notifSms")

    @property
    def notif_evt(self) -> bool | None:
        """Accepts notifications of events (02.01 only)."""
        return self._noeud.booleen("notifEvt")

    @cached_property
    def adresse_postale(self) -> Adresse | None:
        return read_adresse(self._noeud.noeud("adressePostale"))

    @cached_property
    def situation_professionnelle(self) -> SituationProfessionnelle | None:
        return _read_travail(self._noeud.noeud("situationProfessionnelle"))

    @cached_property
    def revenu_fiscal(self) -> RevenuFiscal | None:
        return _read_revenu(self._noeud.noeud("revenuFiscal"))

    @cached_property
    def ressources_recues(self) -> tuple[Ressource, ...]:
        return _read_ressources(self._noeud, "listeRessourceRecue")

    @cached_property
    def ressources_versees(self) -> tuple[Ressource, ...]:
        return _read_ressources(self._noeud, "listeRessourceVersee")

    @cached_property
    def ressources_recues_pers_a_charge(self) -> tuple[Ressource, ...]:
        return _read_ressources(self._noeud, "listeRessourceRecuePersACharge")

    @cached_property
    def ressources_versees_pers_a_charge(self) -> tuple[Ressource, ...]:
        return _read_ressources(self._noeud, "listeRessourceVerseePersACharge")


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
    return Personne(noeud)


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
