"""Typed, read-only view of a demande document (versions 02.00 and 02.01).

Lenient, as the real system's own documents lack elements that its schema makes mandatory
(interface/wire §8): a missing text reads as `""`, a missing code, number or boolean as None, a missing
mandatory date as `date.min`. Texts keep their blanks and their case; comparing them is the registry's affair.
Each part is read from the tree when first asked for, once: the tree must not change meanwhile.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cached_property

from lxml import etree

from schemas.adresses import Adresse, read_adresse
from schemas.lecture import PREFIX, Noeud, codes_of
from schemas.menage import (
    Association,
    Cotitulaire,
    LogementActuel,
    Naissances,
    Personne,
    PersonneACharge,
    Ressource,
    RevenuFiscal,
    read_association,
    read_logement_actuel,
    read_naissances,
    read_personne,
    read_personne_a_charge,
)
from schemas.suites import Dalo, Handicap, Radiation, read_dalo, read_handicap, read_radiation


class Demande:
    """One demande document. Build it with `read_demande`."""

    def __init__(self, root: etree._Element) -> None:
        empty = Noeud(etree.Element(PREFIX + "demandeLogement"))
        document = Noeud(root)
        entete = document.noeud("entete") or empty
        demande = document.noeud("demande") or empty
        corps = demande.noeud("demandeLogement") or empty
        self.root = root
        self._demande = demande
        self._corps = corps
        self.version_interface: str = root.get("versionInterface", "")
        self.type_fichier: str = entete.texte("typeFichier")
        self.date_fichier: datetime | None = entete.instant("dateFichier")
        self.num_guichet: str = corps.texte("numGuichet")
        self.num_unique: str | None = corps.texte("numUnique").strip() or None
        self.num_unique_associe: str | None = corps.texte("numUniqueAssocie").strip() or None
        self.ref_interne: str = corps.texte("refInterne")
        self.date_creation: date = corps.jour("dateCreationDemande") or date.min
        self.forcer_doublon: bool = corps.booleen("forcerDoublon") or False

    # -- identity -------------------------------------------------------------------------------------------

    @cached_property
    def association(self) -> Association | None:
        """The applicant, when it is a legal person."""
        noeud = self._corps.noeud("association")
        return noeud and read_association(noeud)

    @cached_property
    def _foyer(self) -> Noeud | None:
        return self._corps.noeud("personnePhysique")

    @cached_property
    def demandeur(self) -> Personne | None:
        """The applicant, when it is a person."""
        noeud = self._foyer and self._foyer.noeud("demandeur")
        return noeud and read_personne(noeud)

    @cached_property
    def cotitulaires(self) -> tuple[Cotitulaire, ...]:
        """Cotitulaires with their `lien`, in the order of the document."""
        found = self._foyer.noeuds("listeCotitulaire", "cotitulaire") if self._foyer else ()
        return tuple(map(read_personne, found))

    @cached_property
    def adresse_logement(self) -> Adresse | None:
        """Address of the current dwelling when it is not the postal one."""
        return read_adresse(self._foyer and self._foyer.noeud("adresseLogement"))

    # -- what is wanted -------------------------------------------------------------------------------------

    @cached_property
    def logement_recherche(self) -> bool:
        """True when the document says what is wanted; both versions make it optional."""
        return "logementRecherche" in self._corps

    @cached_property
    def _recherche(self) -> Noeud:
        return self._corps.noeud("logementRecherche") or Noeud(etree.Element(PREFIX + "logementRecherche"))

    @cached_property
    def localisations(self) -> tuple[tuple[str | None, str], ...]:
        """Wished places in order of preference: INSEE code (None when the document omits it) and quartier."""
        found = self._recherche.noeuds("listeLocalisationSouhaite", "localisationSouhaite")
        return tuple((place.code("commune"), place.texte("quartier")) for place in found)

    @cached_property
    def communes_souhaitees(self) -> tuple[str, ...]:
        """INSEE codes of the wished communes in order of preference, each once."""
        return tuple(dict.fromkeys(code for code, _ in self.localisations if code is not None))

    @cached_property
    def types_logement(self) -> tuple[str, ...]:
        """Wanted sizes (ListeTypeLogement)."""
        return self._recherche.codes("listeTypeLogement", "typeLogement")

    @property
    def categorie(self) -> str | None:
        """ListeCategorieLogementRecherche."""
        return self._recherche.code("categorieLogementRecherche")

    @property
    def loyer_max(self) -> int | None:
        """Highest accepted rent, euros per month."""
        return self._recherche.entier("montantLoyer")

    @property
    def demande_elargie(self) -> bool | None:
        """Accepts other communes than those named."""
        return self._recherche.booleen("demandeElargie")

    @property
    def avec_parking(self) -> bool | None:
        return self._recherche.booleen("avecParking")

    @property
    def rez_de_chaussee(self) -> bool | None:
        return self._recherche.booleen("rezDeChaussee")

    @property
    def sans_ascenseur(self) -> bool | None:
        return self._recherche.booleen("sansAscenseur")

    @cached_property
    def motifs(self) -> tuple[str, ...]:
        """ListeMotifDemande, in the order of the document."""
        noeud = self._corps.noeud("principauxMotifDemande")
        return codes_of(noeud.element, "motifDemande") if noeud else ()

    # -- household ------------------------------------------------------------------------------------------

    @cached_property
    def personnes_a_charge(self) -> tuple[PersonneACharge, ...]:
        found = self._foyer.noeuds("listePersonneACharge", "personneACharge") if self._foyer else ()
        return tuple(map(read_personne_a_charge, found))

    @cached_property
    def personnes_en_garde(self) -> tuple[PersonneACharge, ...]:
        """Children in shared custody or with visiting right."""
        found = self._foyer.noeuds("listePersonneEnGarde", "personneEnGarde") if self._foyer else ()
        return tuple(map(read_personne_a_charge, found))

    @cached_property
    def naissances(self) -> Naissances | None:
        return read_naissances(self._foyer and self._foyer.noeud("personneANaitre"))

    @cached_property
    def logement_actuel(self) -> LogementActuel | None:
        noeud = self._foyer and self._foyer.noeud("logementActuel")
        return noeud and read_logement_actuel(noeud)

    @property
    def revenu_fiscal(self) -> RevenuFiscal | None:
        """Of the applicant."""
        return self.demandeur and self.demandeur.revenu_fiscal

    @property
    def ressources(self) -> tuple[Ressource, ...]:
        """Monthly resources received by the applicant."""
        return self.demandeur.ressources_recues if self.demandeur else ()

    @cached_property
    def handicaps(self) -> tuple[Handicap, ...]:
        return tuple(map(read_handicap, self._corps.noeuds("listeHandicap", "handicap")))

    # -- life of the demande --------------------------------------------------------------------------------

    @property
    def precision(self) -> str:
        return self._corps.texte("precision")

    @property
    def renouvellement_elec(self) -> bool | None:
        """Agrees to be reminded of the renewal by electronic means."""
        return self._corps.booleen("renouvellementElec")

    @property
    def increment_fichier(self) -> str:
        return self._corps.texte("incrementFichier")

    @cached_property
    def dalo(self) -> Dalo | None:
        return read_dalo(self._demande.noeud("informationDalo"))

    @cached_property
    def date_renouvellement(self) -> date | None:
        noeud = self._corps.noeud("renouvellement")
        return noeud and noeud.jour("dateRenouvellement")

    @cached_property
    def radiation(self) -> Radiation | None:
        return read_radiation(self._corps.noeud("radiation"))


def read_demande(root: etree._Element) -> Demande:
    """The typed view of a demande document.

    root: its `interfaceNuu` element. Another document reads as an empty demande: identify it first.
    """
    return Demande(root)
