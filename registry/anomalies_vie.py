"""The part of the catalogue about the life of a demande: what may be wrong with a fact that concerns it."""

from __future__ import annotations

from typing import Final

from registry.anomalies import CATALOGUE, Tour, TypeAnomalie


def _declare(code: str, texte: str, conduite: str, source: str, tour: Tour = Tour.PARTENAIRE) -> TypeAnomalie:
    return CATALOGUE.declare(code, texte, tour=tour, conduite=conduite, source=source)


SANS_NUMERO: Final = _declare(
    "VIE201",
    "Le fichier de type {constat} ne porte pas de numéro unique : il concerne une demande existante.",
    "Ajouter numUnique et renvoyer.",
    "VIE-1",
)
ETAT_INCOMPATIBLE: Final = _declare(
    "VIE202",
    "La demande est {constat} ; ce type de fichier attend une demande {attendu}.",
    "Lire la demande par getDemandeLogement ; une demande radiée se réactive d'abord, si le délai le permet.",
    "VIE-2",
)
DEPOT_DISCORDANT: Final = _declare(
    "VIE203",
    "La date de dépôt {constat} n'est pas celle de la demande, {attendu} : elle ne change jamais.",
    "Remettre dans dateCreationDemande la date enregistrée et renvoyer.",
    "VIE-12",
)
CONFLIT: Final = _declare(
    "VIE204",
    "La demande a changé depuis la version d'où part ce fichier : {constat}. {attendu}",
    "Relire la demande par getDemandeLogement, y refaire le changement et renvoyer ; rien n'a été perdu : la "
    "version du registre est intacte et le fichier refusé est conservé.",
    "VIE-14",
)
PARTIE_RESERVEE: Final = _declare(
    "VIE205",
    "Ce type de fichier ne peut pas changer {constat}. {attendu}",
    "Retirer cet élément ou y remettre la valeur enregistrée, et renvoyer ; employer le type de fichier "
    "prévu pour ce changement.",
    "VIE-12",
)
AUTRE_TERRITOIRE: Final = _declare(
    "VIE206",
    "Les communes souhaitées sont du territoire {constat}, la demande est du territoire {attendu}.",
    "Corriger les communes souhaitées ; pour un autre territoire, déposer une autre demande.",
    "VIE-12",
)
SANS_RENOUVELLEMENT: Final = _declare(
    "VIE207",
    "Le fichier de type REN ne porte pas la date du renouvellement.",
    "Ajouter renouvellement/dateRenouvellement et renvoyer.",
    "VIE-21",
)
DATE_RENOUVELLEMENT: Final = _declare(
    "VIE208",
    "La date de renouvellement {constat} ne convient pas ; attendu : {attendu}.",
    "Corriger renouvellement/dateRenouvellement et renvoyer.",
    "VIE-21",
)
SANS_RADIATION: Final = _declare(
    "VIE209",
    "Le fichier de type RAD ne porte pas l'élément radiation.",
    "Ajouter radiation, avec sa date et son motif, et renvoyer.",
    "VIE-30",
)
DATE_RADIATION: Final = _declare(
    "VIE210",
    "La date de radiation {constat} ne convient pas ; attendu : {attendu}.",
    "Corriger radiation/dateRadiation et renvoyer.",
    "VIE-30",
)
ACTEUR: Final = _declare(
    "VIE211",
    "Le guichet {constat} ne peut pas faire ce changement ; qui le peut : {attendu}.",
    "Vérifier le type de fichier et le motif ; s'ils sont justes, s'adresser à un guichet qui le peut ou au "
    "gestionnaire territorial.",
    "VIE-3",
)
SANS_ATTRIBUTION: Final = _declare(
    "VIE212",
    "La radiation pour attribution ne décrit pas le logement attribué.",
    "Ajouter radiation/attributionLogement et renvoyer.",
    "VIE-31",
)
ATTRIBUTION_INCOMPLETE: Final = _declare(
    "VIE213",
    "L'attribution ne dit pas : {constat}. Attendu : {attendu}.",
    "Compléter radiation/attributionLogement et renvoyer.",
    "VIE-31",
)
DATE_BAIL: Final = _declare(
    "VIE214",
    "La date de signature du bail {constat} ne convient pas ; attendu : {attendu}.",
    "Corriger dateSignatureBail ou dateRadiation et renvoyer.",
    "VIE-31",
)
RPLS_MALFORME: Final = _declare(
    "VIE215",
    "« {constat} » n'est pas un identifiant de logement du RPLS : {attendu}.",
    "Corriger numeroRpls ; si le logement n'en a pas encore, le laisser vide et décrire le logement.",
    "VIE-32",
)
SOUS_MOTIF: Final = _declare(
    "VIE216",
    "Le sous-motif d'irrecevabilité est {constat} ; attendu : {attendu}.",
    "Corriger sousMotifIrrecevabilite et renvoyer.",
    "VIE-33",
)
COURRIER: Final = _declare(
    "VIE217",
    "La date du courrier resté sans réponse est {constat} ; attendu : {attendu}.",
    "Donner absenceReponse/dateCourrier, et attendre la fin du délai si elle n'est pas atteinte.",
    "VIE-34",
)
REACTIVATION_EXCLUE: Final = _declare(
    "VIE218",
    "Une radiation de motif {constat} ne s'annule pas ; motifs qui le permettent : {attendu}.",
    "Déposer une nouvelle demande, ou demander une correction au gestionnaire territorial.",
    "VIE-41",
)
REACTIVATION_TARDIVE: Final = _declare(
    "VIE219",
    "La demande ne peut plus être réactivée le {constat} : le délai allait jusqu'au {attendu}.",
    "Déposer une nouvelle demande ; son ancienneté repart de son dépôt.",
    "VIE-41",
)
SUPPRESSION_TARDIVE: Final = _declare(
    "VIE220",
    "La demande ne peut plus être supprimée : {constat}. Attendu : {attendu}.",
    "Radier la demande avec le motif qui convient.",
    "VIE-50",
)
SANS_ORIGINE: Final = _declare(
    "VIE221",
    "La création après séparation ne nomme pas la demande d'origine.",
    "Ajouter numUniqueAssocie, le numéro de la demande du couple, et renvoyer.",
    "VIE-70",
)
ORIGINE_INCOMPATIBLE: Final = _declare(
    "VIE222",
    "La demande d'origine {constat} ne permet pas cette création après séparation ; attendu : {attendu}.",
    "Vérifier numUniqueAssocie ; à défaut de demande du couple encore active, déposer une création (CRE).",
    "VIE-71",
)
DEMANDEUR_ETRANGER: Final = _declare(
    "VIE223",
    "Le demandeur n'est pas le conjoint, pacsé ou concubin de la demande d'origine {constat}.",
    "Vérifier l'identité du demandeur et numUniqueAssocie ; une autre personne dépose une création (CRE).",
    "VIE-72",
)
ETAT_CIVIL_FIXE: Final = _declare(
    "VIE230",
    "Le portail ne change ni le nom de naissance ni les prénoms du demandeur.",
    "Rétablir ces noms et renvoyer ; pour les corriger, le demandeur présente ses justificatifs à un guichet "
    "enregistreur.",
    "POR-4",
)
