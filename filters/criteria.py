"""The criteria on which a filter may put a condition: the vocabulary of the filter language, as data.

Language, naive evaluation, index, explanation, published JSON Schema and reference page all walk this table:
a new criterion is one more line here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from filters.fabrique import (
    critere_communes,
    critere_liste,
    critere_oui_non,
    critere_parmi,
    known,
    names_departement,
    names_epci,
    names_territoire,
)
from filters.genres import Critere, CritereCodes, CritereNombre
from filters.lieux import departements_of, epci_of, lieux_of, territoires_of
from filters.source import Connu, Source
from registry.guichets import CODE_GUICHET, PORTAIL
from registry.releves import ACTIF
from schemas import cog, territoires
from schemas.codes import label

_LIEU: Final = "Lieu souhaité"
_LOGEMENT: Final = "Logement souhaité"
_MENAGE: Final = "Ménage"
_RESSOURCES: Final = "Ressources"
_ACTUEL: Final = "Situation actuelle"
_PRIORITE: Final = "Handicap et priorité"
_EVENEMENT: Final = "Événement et ancienneté"

_COMPOSITIONS: Final = {
    "SEUL": "une personne sans enfant",
    "COUPLE": "un couple sans enfant",
    "MONO": "une personne avec enfant",
    "FAMILLE": "un couple avec enfant",
    "COLOC": "des colocataires",
}
_NATURES: Final = {"PERSONNE": "une personne", "ASSOCIATION": "une association"}


def _categories(source: Source) -> Iterable[str | None]:
    found = source.demande.categorie
    return ("I", "A", "M") if found == "I" else (found,)


def _residences(source: Source) -> frozenset[str]:
    adresse = source.demande.adresse_logement
    if adresse is None and source.demande.demandeur is not None:
        adresse = source.demande.demandeur.adresse_postale
    return known(adresse.commune if adresse is not None else None)


def _travail(source: Source) -> frozenset[str]:
    emplois = (adulte.situation_professionnelle for adulte in source.adultes)
    return known(*(emploi.commune for emploi in emplois if emploi is not None))


def _contrats(source: Source) -> Iterable[str | None]:
    emplois = (adulte.situation_professionnelle for adulte in source.adultes)
    return (emploi.type_contrat for emploi in emplois if emploi is not None)


def _nature(source: Source) -> Iterable[str | None]:
    if source.demande.association is not None:
        return ("ASSOCIATION",)
    return ("PERSONNE",) if source.adultes else ()


def _handicap(source: Source) -> bool | None:
    return bool(source.demande.handicaps) if source.adultes else None


def _statut_dalo(source: Source) -> Iterable[str | None]:
    dalo = source.demande.dalo
    return ("NON",) if dalo is None or not dalo.statut else (dalo.statut,)


def prioritaire(connu: Connu, *, dalo_actif: bool) -> bool:
    """Whether the priority of a demande is recognised ([FIL-13])."""
    return connu.prioritaire or dalo_actif


def _prioritaire(source: Source) -> bool | None:
    connu, dalo = source.contexte.connu, source.demande.dalo
    return None if connu is None else prioritaire(connu, dalo_actif=dalo is not None and dalo.statut == ACTIF)


def _delai_anormal(source: Source) -> bool | None:
    connu = source.contexte.connu
    return None if connu is None else connu.delai_anormal


def _portail(source: Source) -> bool | None:
    return source.contexte.auteur == PORTAIL if source.contexte.auteur else None


CRITERES: Final[tuple[Critere, ...]] = (
    critere_communes(
        "communes", _LIEU, "commune souhaitée",
        "Les communes souhaitées ; un arrondissement de Paris, Lyon ou Marseille compte aussi pour sa ville.",
        lambda s: lieux_of(s.demande.communes_souhaitees), lieu=True,
    ),
    CritereCodes(
        "epci", _LIEU, "EPCI des communes souhaitées",
        "Les EPCI de ces communes, et l'établissement public territorial dans la métropole du Grand Paris.",
        "^[0-9]{9}$", "le numéro SIREN d'un EPCI, 9 chiffres",
        lambda s: epci_of(s.demande.communes_souhaitees),
        lambda code: cog.epci(code) is not None, names_epci, lieu=True,
    ),
    CritereCodes(
        "departements", _LIEU, "département des communes souhaitées", "Les départements de ces communes.",
        "^[0-9][0-9AB][0-9]?$", "un code de département (75, 2A, 974…)",
        lambda s: departements_of(s.demande.communes_souhaitees),
        lambda code: code in cog.departements(), names_departement, lieu=True,
    ),
    CritereCodes(
        "territoires", _LIEU, "territoire des communes souhaitées",
        "Les territoires du registre où sont ces communes.",
        "^[0-9][0-9AB][0-9AB]$", "un code de territoire, 3 caractères (111, 059, 02A, 971…)",
        lambda s: territoires_of(s.demande.communes_souhaitees),
        territoires.exists, names_territoire, lieu=True,
    ),
    critere_oui_non(
        "demande_elargie", _LIEU, "demande élargie",
        "Accepte-t-il d'autres communes que celles qu'il nomme ?",
        lambda s: s.demande.demande_elargie,
    ),
    critere_liste(
        "types_logement", _LOGEMENT, "type de logement recherché", "ListeTypeLogement",
        "Les types souhaités.", lambda s: s.demande.types_logement, multiple=True,
    ),
    critere_liste(
        "categories", _LOGEMENT, "catégorie de logement recherchée", "ListeCategorieLogementRecherche",
        "La catégorie souhaitée ; qui est indifférent (I) souhaite aussi un appartement et une maison.",
        _categories, multiple=True,
    ),
    CritereNombre(
        "loyer_max", _LOGEMENT, "loyer maximal", "Le loyer mensuel que le demandeur accepte au plus.",
        "euros", 0, 100_000, lambda s: s.demande.loyer_max,
    ),
    critere_oui_non(
        "parking", _LOGEMENT, "parking souhaité", "Souhaite-t-il un parking ?",
        lambda s: s.demande.avec_parking,
    ),
    critere_oui_non(
        "rez_de_chaussee", _LOGEMENT, "rez-de-chaussée accepté", "Accepte-t-il un rez-de-chaussée ?",
        lambda s: s.demande.rez_de_chaussee,
    ),
    critere_oui_non(
        "sans_ascenseur", _LOGEMENT, "absence d'ascenseur acceptée",
        "Accepte-t-il un immeuble sans ascenseur ?",
        lambda s: s.demande.sans_ascenseur,
    ),
    critere_liste(
        "motifs", _LOGEMENT, "motif de la demande", "ListeMotifDemande", "Les motifs de la demande.",
        lambda s: s.demande.motifs, multiple=True,
    ),
    critere_parmi(
        "nature_demandeur", _MENAGE, "nature du demandeur", "une nature",
        "Une personne ou une association. D'une association, rien d'autre n'est dit du ménage.",
        _NATURES, _nature,
    ),
    CritereNombre(
        "nombre_personnes", _MENAGE, "nombre de personnes à loger",
        "Le demandeur, ses cotitulaires et les personnes à charge, sans les enfants à naître ou en garde.",
        "personnes", 0, 50, lambda s: s.nombre_personnes,
    ),
    critere_parmi(
        "composition", _MENAGE, "composition du ménage", "une composition",
        "D'après les liens des cotitulaires et les enfants à charge.",
        _COMPOSITIONS, lambda s: (s.composition,),
    ),
    CritereNombre(
        "nombre_enfants", _MENAGE, "nombre d'enfants à charge", "Les personnes à charge de lien « enfant ».",
        "enfants", 0, 50, lambda s: s.nombre_enfants,
    ),
    CritereNombre(
        "naissances", _MENAGE, "naissances attendues",
        "Le nombre d'enfants à naître ; 0 quand rien n'est annoncé.",
        "enfants", 0, 10, lambda s: s.naissances,
    ),
    CritereNombre(
        "age_demandeur", _MENAGE, "âge du demandeur", "En années révolues au jour de la décision.",
        "ans", 0, 150, lambda s: s.age_demandeur,
    ),
    CritereNombre(
        "age_plus_jeune", _MENAGE, "âge de la plus jeune personne", "La plus jeune des personnes à loger.",
        "ans", 0, 150, lambda s: min(s.ages, default=None),
    ),
    CritereNombre(
        "age_plus_age", _MENAGE, "âge de la personne la plus âgée", "La plus âgée des personnes à loger.",
        "ans", 0, 150, lambda s: max(s.ages, default=None),
    ),
    critere_liste(
        "situation_familiale", _MENAGE, "situation familiale", "ListeSituationFamiliale",
        "Celle du demandeur.",
        lambda s: (s.demande.demandeur.situation_familiale,) if s.demande.demandeur else (),
    ),
    critere_liste(
        "nationalite", _MENAGE, "nationalité", "ListeNationalite", "La classe de nationalité du demandeur.",
        lambda s: (s.demande.demandeur.nationalite,) if s.demande.demandeur else (),
    ),
    CritereNombre(
        "revenu_fiscal", _RESSOURCES, "revenu fiscal",
        "La somme pour le demandeur et ses cotitulaires, chacun pour la dernière année qu'il donne.",
        "euros", 0, 10_000_000, lambda s: s.revenu_fiscal,
    ),
    CritereNombre(
        "ressources_mensuelles", _RESSOURCES, "ressources mensuelles",
        "Ce que le ménage reçoit chaque mois, moins ce qu'il verse.",
        "euros", -100_000, 1_000_000, lambda s: s.ressources,
    ),
    CritereNombre(
        "ressources_uc", _RESSOURCES, "ressources annuelles par unité de consommation",
        "Douze fois les ressources mensuelles, pour une unité : 1 pour le premier adulte, 0,5 par autre "
        "personne de 14 ans ou plus, 0,3 par personne de moins de 14 ans.",
        "euros", -1_000_000, 10_000_000, lambda s: s.ressources_uc,
    ),
    critere_liste(
        "types_ressources", _RESSOURCES, "type de ressource", "ListeRessourceRecue",
        "Les ressources mensuelles reçues par le ménage.",
        lambda s: (r.code for r in s.ressources_recues), multiple=True,
    ),
    critere_liste(
        "contrats", _RESSOURCES, "contrat de travail", "ListeTypeContratTravail",
        "Les contrats du demandeur et de ses cotitulaires.", _contrats, multiple=True,
    ),
    critere_communes(
        "communes_travail", _RESSOURCES, "commune du lieu de travail",
        "Celles du demandeur et de ses cotitulaires.", _travail,
    ),
    critere_communes(
        "communes_residence", _ACTUEL, "commune de résidence",
        "Celle du logement actuel, à défaut celle de l'adresse postale du demandeur.", _residences,
    ),
    critere_liste(
        "logement_actuel", _ACTUEL, "logement actuel", "ListeModeleLogement",
        "La situation de logement actuelle.",
        lambda s: s.logement.modeles if s.logement else (), multiple=True,
    ),
    critere_liste(
        "type_logement_actuel", _ACTUEL, "type du logement actuel", "ListeTypeLogement",
        "Celui du logement actuel.",
        lambda s: (s.logement.type_logement,) if s.logement else (),
    ),
    CritereNombre(
        "loyer_actuel", _ACTUEL, "loyer actuel", "Le loyer mensuel du logement actuel.",
        "euros", 0, 100_000, lambda s: s.logement.montant_loyer if s.logement else None,
    ),
    CritereNombre(
        "surface_actuelle", _ACTUEL, "surface du logement actuel", "Celle du logement actuel.",
        "m²", 0, 10_000, lambda s: s.logement.surface if s.logement else None,
    ),
    CritereNombre(
        "habitants_actuels", _ACTUEL, "habitants du logement actuel",
        "Le nombre d'habitants du logement actuel.",
        "personnes", 0, 100, lambda s: s.logement.nombre_habitants if s.logement else None,
    ),
    critere_oui_non(
        "proprietaire", _ACTUEL, "propriétaire d'un logement", "Est-il propriétaire d'un autre logement ?",
        lambda s: s.logement.proprietaire if s.logement else None,
    ),
    critere_oui_non(
        "handicap", _PRIORITE, "handicap dans le ménage",
        "La demande porte-t-elle un volet handicap ? Sans volet, c'est non.", _handicap,
    ),
    critere_liste(
        "equipements_handicap", _PRIORITE, "équipement lié au handicap", "ListeEquipementHandicap",
        "Les équipements nécessaires.", lambda s: (e for h in s.demande.handicaps for e in h.equipements),
        multiple=True,
    ),
    critere_liste(
        "dalo", _PRIORITE, "statut DALO", "ListeStatutDalo",
        "Le statut ; NON quand la demande n'en porte pas.",
        _statut_dalo,
    ),
    critere_liste(
        "typologies_dalo", _PRIORITE, "typologie DALO", "ListeTypologieLogementDalo",
        "La typologie retenue par la décision.",
        lambda s: (s.demande.dalo.typologie,) if s.demande.dalo else (),
    ),
    critere_oui_non(
        "prioritaire", _PRIORITE, "priorité reconnue",
        "Le statut DALO est-il ACTIF, ou un événement partagé dit-il la priorité reconnue (PRIORITE) ?",
        _prioritaire,
    ),
    critere_oui_non(
        "delai_anormal", _EVENEMENT, "délai anormalement long",
        "Le délai fixé pour les communes et les types souhaités est-il atteint ? Sans délai fixé, c'est non.",
        _delai_anormal,
    ),
    CritereNombre(
        "anciennete", _EVENEMENT, "ancienneté", "Les mois entiers depuis le dépôt, au jour de la décision.",
        "mois", 0, 1_200, lambda s: s.anciennete,
    ),
    critere_parmi(
        "evenements", _EVENEMENT, "nature de l'événement", "une nature d'événement",
        "Ce qui est arrivé à la demande.",
        {code: label("ListeTypeFichier", code) or "" for code in ("CRE", "CRS", "MOD", "REN", "RAD", "SUP")},
        lambda s: (s.contexte.nature,),
    ),
    critere_liste(
        "motifs_radiation", _EVENEMENT, "motif de radiation", "ListeMotifsRadiation",
        "Le motif, quand la demande est radiée.",
        lambda s: (s.demande.radiation.motif,) if s.demande.radiation else (),
    ),
    CritereCodes(
        "auteurs", _EVENEMENT, "guichet auteur de l'événement", "Le guichet qui a envoyé l'événement.",
        f"^{CODE_GUICHET.pattern}$", "un code de guichet, 5 caractères", lambda s: known(s.contexte.auteur),
        lambda _: True, lambda code: code, multiple=False,
    ),
    critere_oui_non(
        "portail", _EVENEMENT, "événement venu du portail grand public",
        f"L'auteur est-il le portail grand public ({PORTAIL}) ?", _portail,
    ),
)  # fmt: skip

CRITERE: Final = {critere.nom: critere for critere in CRITERES}
"""The criteria by name."""

LIEUX: Final = tuple(
    critere.nom for critere in CRITERES if isinstance(critere, CritereCodes) and critere.lieu
)
"""The names of those whose values follow from the wished communes, the narrowest first."""

CONNUS: Final = frozenset({"prioritaire", "delai_anormal"})
"""The names of those that are not in the document ([FIL-13])."""
