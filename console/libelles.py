"""How the states, reasons and causes of the folders below are said to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dispatching.attempts import INTERROMPUE, REMISE
from dispatching.deliveries import NATURE_SORTIE, Etat
from dispatching.disjoncteur import EtatDisjoncteur
from dispatching.incidents import GenreIncident
from dispatching.recipients import Raison
from dispatching.transport import Cause, GenreEchec, Statut
from mailflows.entrants import EtatEntrant
from mailflows.etats import Etat as EtatCourrier
from registry.anomalies import Tour, TypeAnomalie
from registry.echanges import Canal
from registry.exchanges_store import Statut as StatutEchange
from registry.guichets import CanalDistribution
from registry.pieces import Marque
from schemas.codes import label


@dataclass(frozen=True, slots=True)
class Badge:
    """A state in a colour: kind of the badge of the design system, or empty."""

    texte: str
    genre: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Why something failed: what was found, what to do, whose turn it is."""

    constat: str
    conduite: str
    tour: Tour


ETATS: Final = {
    Etat.EN_ATTENTE: Badge("en attente", "info"),
    Etat.ACQUITTEE: Badge("acquittée", "success"),
    Etat.ECHEC: Badge("en échec", "error"),
    Etat.RETIREE: Badge("retirée"),
}
RAISONS: Final = {
    Raison.FILTRE: "un de ses filtres la retient",
    Raison.DETENTEUR: "le guichet la détenait déjà",
    Raison.SORTIE_DROITS: "le guichet n'a plus le droit de la lire",
    Raison.SORTIE_FILTRES: "aucun de ses filtres ne la retient plus",
    Raison.BALAYAGE: "un de ses filtres la retient depuis ce jour",
    Raison.RATTRAPAGE: "offerte avec le stock : un de ses filtres la retient",
    Raison.REPRISE: "numéro donné avant une restauration de la base, à ce qu'elle ne connaît plus",
    Raison.AUTEUR: "le guichet est l'auteur de l'événement",
    Raison.SANS_DROIT: "le guichet n'a pas le droit de la lire",
    Raison.HORS_FILTRES: "aucun de ses filtres ne la retient",
}
CANAUX: Final = {
    CanalDistribution.PUSH: "appel du service du guichet",
    CanalDistribution.RETRAIT: "retrait par le guichet",
    CanalDistribution.COURRIER: "courrier signé",
}
CANAUX_ECHANGE: Final = {
    Canal.SOAP: "service web",
    Canal.COURRIER: "courrier",
    Canal.TACHE: "tâche de l'échangeur",
    Canal.CONSOLE: "console",
}
DISJONCTEURS: Final = {
    EtatDisjoncteur.FERME: Badge("fermé : tout part", "success"),
    EtatDisjoncteur.OUVERT: Badge("ouvert : rien ne part", "error"),
    EtatDisjoncteur.DEMI_OUVERT: Badge("demi-ouvert : un envoi de sonde", "warning"),
}
INCIDENTS: Final = {
    GenreIncident.OUVERTURE: "disjoncteur ouvert",
    GenreIncident.FERMETURE: "disjoncteur fermé",
    GenreIncident.LEVEE: "disjoncteur levé",
    GenreIncident.BASCULE: "servi par son secours",
    GenreIncident.RETOUR: "servi de nouveau par son canal",
}
STATUTS: Final = {
    StatutEchange.RECU: Badge("en cours", "info"),
    StatutEchange.ACCEPTE: Badge("accepté", "success"),
    StatutEchange.REJEU: Badge("déjà reçu", "new"),
    StatutEchange.REFUSE: Badge("refusé", "warning"),
    StatutEchange.ECHEC: Badge("en échec", "error"),
}
ISSUES: Final = {
    "": Badge("en cours", "info"),
    Statut.RECU.value: Badge("acquittée", "success"),
    Statut.DEJA_RECU.value: Badge("déjà reçue", "success"),
    REMISE: Badge("partie, accusé attendu", "info"),
    INTERROMPUE: Badge("interrompue", "warning"),
    GenreEchec.INJOIGNABLE.value: Badge("injoignable", "error"),
    GenreEchec.CERTIFICAT.value: Badge("certificats", "error"),
    GenreEchec.DELAI.value: Badge("sans réponse à temps", "error"),
    GenreEchec.REFUS.value: Badge("document refusé", "error"),
    GenreEchec.PANNE.value: Badge("guichet en panne", "error"),
    GenreEchec.REPONSE_INVALIDE.value: Badge("réponse invalide", "error"),
    GenreEchec.INTERNE.value: Badge("faute de l'échangeur", "error"),
}
"""How an attempt ended."""
ENTRANTS: Final = {
    EtatEntrant.RECU: Badge("à traiter", "info"),
    EtatEntrant.TRAITE: Badge("traité", "success"),
    EtatEntrant.QUARANTAINE: Badge("en quarantaine", "warning"),
}
SORTANTS: Final = {
    EtatCourrier.A_ENVOYER: Badge("à envoyer", "info"),
    EtatCourrier.ATTEND_ACCUSE: Badge("accusé attendu", "info"),
    EtatCourrier.ENVOYE: Badge("envoyé", "success"),
    EtatCourrier.ACQUITTE: Badge("accusé reçu", "success"),
    EtatCourrier.ECHEC: Badge("en échec", "error"),
}
MARQUES: Final = {
    Marque.VALIDE: Badge("sans réserve", "success"),
    Marque.INEXPLOITABLE: Badge("inexploitable", "warning"),
    Marque.HORS_PERIMETRE: Badge("hors périmètre", "warning"),
    Marque.OBSOLETE: Badge("obsolète", "warning"),
}
DETENTIONS: Final = {
    "auteur": "il a enregistré la demande, ou un de ses événements",
    "distribution": "elle lui a été distribuée",
    "fusion": "il détenait une demande fusionnée dans celle-ci",
}
CAUSES: Final = {
    Cause.INJOIGNABLE: Diagnostic(
        "Le serveur du guichet ne répond pas, ou coupe avant de répondre.",
        "Voir avec le guichet si son service est ouvert à l'adresse enregistrée, puis rejouer.",
        Tour.PARTENAIRE,
    ),
    Cause.CERTIFICAT: Diagnostic(
        "L'échangeur et le serveur du guichet n'ont pas pu se faire confiance (TLS).",
        "Comparer les certificats des deux côtés (page Certificats), puis rejouer.",
        Tour.EXPLOITANT,
    ),
    Cause.DELAI: Diagnostic(
        "Le serveur du guichet n'a pas répondu à temps.",
        "Voir avec le guichet la charge de son service, puis rejouer.",
        Tour.PARTENAIRE,
    ),
    Cause.REFUS: Diagnostic(
        "Le guichet a refusé ce document-ci ; d'autres peuvent passer.",
        "Lire le détail du dernier essai, faire corriger chez le guichet, puis rejouer.",
        Tour.PARTENAIRE,
    ),
    Cause.PANNE: Diagnostic(
        "Le serveur du guichet a dit qu'il ne pouvait rien prendre.",
        "Attendre que le guichet soit rétabli, puis rejouer.",
        Tour.PARTENAIRE,
    ),
    Cause.REPONSE_INVALIDE: Diagnostic(
        "La réponse du guichet n'acquitte pas ce qui lui a été envoyé.",
        "Faire corriger la réponse de son service (guide du partenaire), puis rejouer.",
        Tour.PARTENAIRE,
    ),
    Cause.INTERNE: Diagnostic(
        "L'échangeur n'a pas pu envoyer : la faute est de son côté.",
        "Lire son journal technique, corriger, puis rejouer.",
        Tour.EXPLOITANT,
    ),
    Cause.SANS_ACCUSE: Diagnostic(
        "Elle est partie à chaque essai, et aucun accusé n'est jamais venu.",
        "Voir avec le guichet si son robot de courrier répond, puis rejouer.",
        Tour.PARTENAIRE,
    ),
    Cause.ECHEANCE: Diagnostic(
        "Son échéance est passée pendant qu'elle attendait.",
        "Rétablir le canal du guichet, puis rejouer.",
        Tour.PARTENAIRE,
    ),
}
"""Why a distribution failed for good."""
TOURS: Final = {
    Tour.PARTENAIRE: "au guichet partenaire d'agir",
    Tour.GESTIONNAIRE: "au gestionnaire territorial d'agir",
    Tour.EXPLOITANT: "à l'exploitant d'agir",
}


_NATURES: Final = {NATURE_SORTIE: "Sortie de périmètre"}


def nature(code: str) -> str:
    """What an event was: label of ListeTypeFichier, or the code itself for what is none."""
    return _NATURES.get(code) or label("ListeTypeFichier", code) or code


def plainly(entry: TypeAnomalie) -> str:
    """What an anomaly says, without the values: the answer to the partner alone bore them."""
    return entry.texte.format(constat="…", attendu="…")
