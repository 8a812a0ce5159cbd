"""What an alert may be about: entries of the catalogue of anomalies, with how each is told.

Codes are stable. ALE1: certificates and reports; ALE2: silence; ALE3: backlog; ALE4: processes; ALE5: tasks
and proofs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from registry.anomalies import CATALOGUE, Tour, TypeAnomalie


@dataclass(frozen=True, slots=True)
class Genre:
    """A kind of alert. courrier: it may be told by mail. rappele: it is told again at a stated pace;
    otherwise only when it grows worse."""

    type: TypeAnomalie
    courrier: bool = True
    rappele: bool = True

    @property
    def code(self) -> str:
        return self.type.code


GENRES: Final[dict[str, Genre]] = {}
"""All of them, by code."""


def _declare(
    code: str,
    texte: str,
    tour: Tour,
    conduite: str,
    regle: str,
    *,
    courrier: bool = True,
    rappele: bool = True,
) -> Genre:
    source = f"spécification, {regle}"
    entry = CATALOGUE.declare(code, texte, tour=tour, conduite=conduite, source=source, rejouable=True)
    GENRES[code] = Genre(entry, courrier, rappele)
    return GENRES[code]


CERTIFICAT: Final = _declare(
    "ALE101",
    "{constat} Attendu : {attendu}.",
    Tour.PARTENAIRE,
    "Obtenir le certificat suivant et le proposer dans la console, ou l'envoyer au gestionnaire.",
    "ALE-10",
    rappele=False,
)
CERTIFICAT_HUB: Final = _declare(
    "ALE102",
    "{constat} Attendu : {attendu}.",
    Tour.EXPLOITANT,
    "Préparer le certificat suivant de l'échangeur et l'annoncer aux partenaires (page des clés).",
    "ALE-10",
    rappele=False,
)
RAPPORT: Final = _declare(
    "ALE103",
    "{constat} Attendu : {attendu}.",
    Tour.PARTENAIRE,
    "Passer le kit de conformité et déposer le rapport signé (console, Mon guichet, Conformité).",
    "CNF-13",
    rappele=False,
)
SILENCE: Final = _declare(
    "ALE201",
    "Plus rien ne vient du guichet : {constat} (attendu : {attendu}).",
    Tour.PARTENAIRE,
    "Vérifier que le logiciel du guichet tourne et atteint l'échangeur ; si l'arrêt est voulu, le dire à"
    " l'exploitant.",
    "ALE-11",
)
NON_RETIREES: Final = _declare(
    "ALE202",
    "Le guichet ne vient plus chercher ses distributions : {constat} (attendu : {attendu}).",
    Tour.PARTENAIRE,
    "Relancer le retrait des distributions dans le logiciel du guichet.",
    "ALE-11",
)
NON_ACQUITTEES: Final = _declare(
    "ALE203",
    "Le guichet vient chercher ses distributions et ne les acquitte pas : {constat} (attendu : {attendu}).",
    Tour.PARTENAIRE,
    "Lire dans le logiciel du guichet pourquoi elles ne sont pas acquittées, et les acquitter.",
    "ALE-11",
)
SANS_ECHANGE: Final = _declare(
    "ALE204",
    "Aucun message d'aucun guichet : {constat} (attendu : {attendu}).",
    Tour.EXPLOITANT,
    "Vérifier que l'échangeur est joignable de l'extérieur : réseau, nom, répartiteur, certificat.",
    "ALE-12",
)
RETARD: Final = _declare(
    "ALE301",
    "Des distributions attendent : {constat} (attendu : {attendu}).",
    Tour.EXPLOITANT,
    "Vérifier qu'un processus sert ce canal, et le débit du guichet.",
    "ALE-13",
)
CANAL_COUPE: Final = _declare(
    "ALE302",
    "Le canal du guichet ne répond plus : {constat} (attendu : {attendu}).",
    Tour.PARTENAIRE,
    "Rétablir le service qui reçoit les distributions ; elles attendent, et repartent d'elles-mêmes.",
    "ALE-13",
)
ECHECS: Final = _declare(
    "ALE303",
    "Des distributions ont échoué pour de bon : {constat} (attendu : {attendu}).",
    Tour.EXPLOITANT,
    "Lire la cause de chacune dans la console, faire corriger, puis les rejouer.",
    "ALE-13",
)
NON_PRET: Final = _declare(
    "ALE401",
    "Un processus de l'échangeur n'est pas prêt : {constat} (attendu : {attendu}).",
    Tour.EXPLOITANT,
    "Lancer echangeur sante sur sa machine, qui dit ce qui manque et quoi faire.",
    "ALE-14",
)
ROLE_ABSENT: Final = _declare(
    "ALE402",
    "Plus aucun processus n'a ce rôle : {constat} (attendu : {attendu}).",
    Tour.EXPLOITANT,
    "Relancer le processus, ou l'arrêter proprement s'il ne doit plus servir.",
    "ALE-14",
)
COURRIER_BLOQUE: Final = _declare(
    "ALE403",
    "Les courriers d'alerte ne partent pas : {constat} (attendu : {attendu}).",
    Tour.EXPLOITANT,
    "Vérifier le relais ([relais]) et les adresses de [alertes] ; ce qui attend partira de soi-même.",
    "ALE-7",
    courrier=False,
)
TACHE_MANQUEE: Final = _declare(
    "ALE501",
    "Une tâche quotidienne n'est pas faite : {constat} (attendu : {attendu}).",
    Tour.EXPLOITANT,
    "Lancer echangeur registre taches, et vérifier ce qui devait le faire cette nuit.",
    "ALE-15",
)
MANIFESTE_ABSENT: Final = _declare(
    "ALE502",
    "Des manifestes ne sont pas signés : {constat} (attendu : {attendu}).",
    Tour.EXPLOITANT,
    "Lancer echangeur registre taches manifestes, qui dit ce qui l'empêche.",
    "ALE-15",
)
CHAINE_ROMPUE: Final = _declare(
    "ALE503",
    "Le journal ne tient plus : {constat} (attendu : {attendu}).",
    Tour.EXPLOITANT,
    "Ne rien écrire ni effacer à la main ; lancer echangeur registre verifier, puis restaurer la base.",
    "ALE-16",
)
DISQUE: Final = _declare(
    "ALE504",
    "Le disque de la base se remplit : {constat} (attendu : {attendu}).",
    Tour.EXPLOITANT,
    "Libérer de la place ou agrandir le disque avant que la base s'arrête.",
    "ALE-17",
)
