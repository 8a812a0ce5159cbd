"""The business part of the catalogue: what may be wrong with a demande, its number, its guichet.

Codes of this part have a family and a number from 101. The official texts of the controls `CTRL_DEM_NNNN` are
not public and their ids do not fit in the 10 characters of anomalie/@code (regles §14, §16): these are ours.
"""

from __future__ import annotations

from typing import Final

from registry.anomalies import CATALOGUE, Tour

# --- DEM: the demande itself --------------------------------------------------------------------------------

OPERATION_NON_ASSUREE: Final = CATALOGUE.declare(
    "DEM101",
    "L'opération « {constat} » n'est pas encore assurée par l'échangeur ; opérations assurées : {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Conserver le fichier et le renvoyer quand l'opération sera annoncée ; d'ici là, la saisir dans "
    "l'application nationale.",
    source="regles §16",
)
OPERATION_RESERVEE: Final = CATALOGUE.declare(
    "DEM102",
    "Le type de fichier « {constat} » est réservé à ce que l'échangeur envoie ; attendu : {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Corriger entete/typeFichier ; un fichier reçu de l'échangeur ne se renvoie pas tel quel.",
    source="regles §16",
)
DEPOT_FUTUR: Final = CATALOGUE.declare(
    "DEM103",
    "La date de dépôt {constat} est postérieure au jour de réception, {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Corriger dateCreationDemande et renvoyer.",
    source="regles §14",
)
DEPOT_TROP_ANCIEN: Final = CATALOGUE.declare(
    "DEM104",
    "La date de dépôt {constat} est antérieure au {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Corriger dateCreationDemande et renvoyer.",
    source="docs/decisions/0033",
)
NAISSANCE_APRES_DEPOT: Final = CATALOGUE.declare(
    "DEM105",
    "La date de naissance {constat} est postérieure à la date de dépôt {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Corriger la date de naissance ou dateCreationDemande et renvoyer.",
    source="regles §14",
)
NOM_VIDE: Final = CATALOGUE.declare(
    "DEM106",
    "« {constat} » ne contient ni lettre ni chiffre : l'identité doit être renseignée.",
    tour=Tour.PARTENAIRE,
    conduite="Renseigner l'élément indiqué et renvoyer.",
    source="regles §3 (doublons)",
)
SANS_LOGEMENT_RECHERCHE: Final = CATALOGUE.declare(
    "DEM107",
    "La demande ne dit pas le logement recherché : l'élément logementRecherche est absent.",
    tour=Tour.PARTENAIRE,
    conduite="Ajouter logementRecherche, avec au moins un type de logement et une commune, et renvoyer.",
    source="regles §14",
)
SANS_COMMUNE: Final = CATALOGUE.declare(
    "DEM108",
    "Une localisation souhaitée n'a pas de code de commune.",
    tour=Tour.PARTENAIRE,
    conduite="Donner le code officiel géographique de chaque commune souhaitée et renvoyer.",
    source="regles §14",
)
COMMUNE_INCONNUE: Final = CATALOGUE.declare(
    "DEM109",
    "La commune souhaitée « {constat} » n'existe pas au code officiel géographique.",
    tour=Tour.PARTENAIRE,
    conduite="Remplacer le code de la commune par celui en vigueur et renvoyer.",
    source="interface/document-tree §1",
)
PLUSIEURS_TERRITOIRES: Final = CATALOGUE.declare(
    "DEM110",
    "Les communes souhaitées sont de plusieurs territoires : {constat}. Une demande porte sur un seul.",
    tour=Tour.PARTENAIRE,
    conduite="Déposer une demande par territoire.",
    source="regles §3",
)
SANS_TERRITOIRE: Final = CATALOGUE.declare(
    "DEM111",
    "La commune souhaitée « {constat} » n'est d'aucun territoire du registre.",
    tour=Tour.PARTENAIRE,
    conduite="Retirer cette commune et renvoyer.",
    source="regles §1",
)

# --- COD: code lists ----------------------------------------------------------------------------------------

CODE_INCONNU: Final = CATALOGUE.declare(
    "COD101",
    "{constat} Attendu : {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Employer un code de la liste en vigueur et renvoyer.",
    source="interface/wire §11",
)

# --- GUI: guichet and rights --------------------------------------------------------------------------------

GUICHET_DISCORDANT: Final = CATALOGUE.declare(
    "GUI101",
    "Le fichier porte le guichet « {constat} » alors que le certificat est celui du guichet {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Corriger numGuichet, ou présenter le certificat de ce guichet.",
    source="regles §14",
)
HORS_TERRITOIRES: Final = CATALOGUE.declare(
    "GUI102",
    "La commune souhaitée « {constat} » est hors des territoires du guichet : {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Vérifier la commune ; si elle est juste, demander au gestionnaire territorial d'ouvrir le "
    "territoire au guichet.",
    source="regles §14",
)
DEMANDE_HORS_PORTEE: Final = CATALOGUE.declare(
    "GUI103",
    "La demande {constat} n'existe pas, ou n'est pas dans le périmètre du guichet {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Vérifier le numéro unique ; s'il est juste, voir avec le gestionnaire territorial le périmètre "
    "du guichet.",
    source="regles §5",
)
PROFIL_INSUFFISANT: Final = CATALOGUE.declare(
    "GUI104",
    "Le profil {constat} ne permet pas cette action. Profils qui la permettent : {attendu}.",
    tour=Tour.GESTIONNAIRE,
    conduite="Faire agir un utilisateur habilité, ou demander un autre profil au gestionnaire territorial.",
    source="regles §1, §11",
)

ACTE_REFUSE: Final = CATALOGUE.declare(
    "GUI105",
    "Un guichet de type « {constat} » ne fait pas cela.",
    tour=Tour.PARTENAIRE,
    conduite="Voir docs/droits.md ; ce que le portail ne fait pas, le demandeur l'obtient d'un guichet.",
    source="regles §1",
)

# --- DBL: doublons ------------------------------------------------------------------------------------------

DOUBLON: Final = CATALOGUE.declare(
    "DBL101",
    "Le demandeur ou son conjoint a déjà une demande active dans le territoire {attendu} : {constat}.",
    tour=Tour.PARTENAIRE,
    conduite="Mettre à jour la demande existante ; s'il s'agit d'une autre personne, renvoyer avec "
    "forcerDoublon à true.",
    source="regles §3",
)
DOUBLON_HORS_PERIMETRE: Final = CATALOGUE.declare(
    "DBL102",
    "Demandes ressemblantes hors du périmètre du guichet {attendu} : {constat}. Elles ne peuvent pas lui "
    "être montrées.",
    tour=Tour.GESTIONNAIRE,
    conduite="S'adresser au gestionnaire territorial, qui peut rapprocher les demandes.",
    source="regles §3, §5",
)
DOUBLON_SANS_PERSONNE: Final = CATALOGUE.declare(
    "DBL103",
    "La recherche de doublons porte sur des personnes physiques ; cette demande est celle d'une association.",
    tour=Tour.PARTENAIRE,
    conduite="Ne pas rechercher de doublons pour une association : elle peut avoir plusieurs demandes.",
    source="interface/wire §5",
)

# --- NUM: numéro unique -------------------------------------------------------------------------------------

NUMERO_PRESENT: Final = CATALOGUE.declare(
    "NUM101",
    "La création porte déjà le numéro unique « {constat} » ; le guichet {attendu} ne numérote pas ses "
    "demandes.",
    tour=Tour.PARTENAIRE,
    conduite="Retirer numUnique : l'échangeur l'attribue ; pour changer une demande existante, envoyer une "
    "modification.",
    source="regles §14",
)
NUMERO_MALFORME: Final = CATALOGUE.declare(
    "NUM102",
    "« {constat} » n'a pas la forme d'un numéro unique : {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Corriger numUnique et renvoyer.",
    source="regles §3",
)
NUMERO_AUTRE_TERRITOIRE: Final = CATALOGUE.declare(
    "NUM103",
    "Le numéro unique « {constat} » n'est pas du territoire des communes souhaitées, {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Corriger numUnique ou les communes souhaitées et renvoyer.",
    source="regles §3",
)
NUMERO_AUTRE_MOIS: Final = CATALOGUE.declare(
    "NUM104",
    "Le numéro unique « {constat} » ne porte pas le mois de la date de dépôt {attendu}.",
    tour=Tour.PARTENAIRE,
    conduite="Corriger numUnique ou dateCreationDemande et renvoyer.",
    source="regles §14",
)
NUMERO_PRIS: Final = CATALOGUE.declare(
    "NUM105",
    "Le numéro unique « {constat} » est déjà celui d'une autre demande.",
    tour=Tour.PARTENAIRE,
    conduite="Numéroter à nouveau cette demande et renvoyer ; prévenir le gestionnaire territorial si le "
    "numéro a déjà été remis au demandeur.",
    source="regles §7",
)
NUMERO_ABSENT: Final = CATALOGUE.declare(
    "NUM106",
    "La création ne porte pas de numéro unique ; le guichet {attendu}, système particulier, numérote ses "
    "demandes.",
    tour=Tour.PARTENAIRE,
    conduite="Ajouter numUnique et renvoyer.",
    source="regles §7",
)
NUMEROS_EPUISES: Final = CATALOGUE.declare(
    "NUM107",
    "Les 999 999 numéros du territoire {constat} pour le mois {attendu} sont tous attribués.",
    tour=Tour.EXPLOITANT,
    conduite="Prévenir l'exploitant de l'échangeur ; garder la demande, dont la date de dépôt reste acquise.",
    source="regles §3",
)
