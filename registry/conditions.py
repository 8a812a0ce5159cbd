"""Who may make a fact happen to a demande, and on what conditions: each with its text, its anomaly, its test.

The lines of registry/cycle.py put them together; the documentation prints their texts; the code runs their
tests. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from registry import anomalies_vie as catalogue
from registry import etat_civil
from registry.actes import ACTEURS, Acte
from registry.anomalies import Anomalie, TypeAnomalie
from registry.controles import PARIS, format_jour
from registry.documents_gardes import read_kept
from registry.droits import may_do
from registry.guichets import Guichet, TypeGuichet
from registry.regles import Regles
from registry.situation import Situation
from registry.validite import SANS_RENOUVELLEMENT, SANS_REPONSE, add_months, reactivation_limit
from schemas.demande import Demande
from schemas.suites import Attribution

_CORPS: Final = "/interfaceNuu/demande/demandeLogement"
_RADIATION: Final = f"{_CORPS}/radiation"
_ATTRIBUTION: Final = f"{_RADIATION}/attributionLogement"
_RPLS: Final = re.compile(r"[0-9A-Za-z]{10}", re.ASCII)
_SIREN: Final = re.compile(r"[0-9]{9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cas:
    """A fact that arrives about a demande. jour: day of reception, in Paris."""

    demande: Demande
    guichet: Guichet
    situation: Situation
    jour: date
    regles: Regles


Constat = tuple[str, str, str]
"""What was found, what was expected, the element."""


@dataclass(frozen=True, slots=True)
class Condition:
    """texte: French, as the documentation prints it. test: gives what breaks the condition, if anything."""

    texte: str
    anomalie: TypeAnomalie
    test: Callable[[Cas], Iterator[Constat]]

    def check(self, cas: Cas) -> Iterator[Anomalie]:
        """The anomalies of a case; none when the condition holds."""
        for constat, attendu, propriete in self.test(cas):
            yield self.anomalie(constat, attendu, propriete)


# --- who ----------------------------------------------------------------------------------------------------


def _nobody(cas: Cas) -> Iterator[Constat]:
    if not may_do(cas.guichet, Acte.RADIER_NON_RENOUVELEE):
        yield cas.guichet.code, "l'échangeur, par la tâche quotidienne ; un système particulier", _RADIATION


def _bailleur(cas: Cas, acte: Acte = Acte.DECLARER_IRRECEVABLE) -> Iterator[Constat]:
    if not may_do(cas.guichet, acte):
        yield f"{cas.guichet.code} ({cas.guichet.type})", "un bailleur", _RADIATION


def _bailleur_if_configured(cas: Cas) -> Iterator[Constat]:
    if cas.regles.irrecevabilite_bailleur_seul or cas.guichet.type is TypeGuichet.PORTAIL:
        yield from _bailleur(cas)


def _bailleur_of_attribution(cas: Cas) -> Iterator[Constat]:
    yield from _bailleur(cas, Acte.ATTRIBUER)
    attribution = _attribution(cas)
    siren = attribution.siren_bailleur if attribution else ""
    if cas.guichet.siren and siren and siren != cas.guichet.siren and not cas.guichet.numerote:
        yield (
            f"{cas.guichet.code} (SIREN {cas.guichet.siren})",
            f"le bailleur qui a attribué le logement, SIREN {siren}",
            f"{_ATTRIBUTION}/codeSirenBailleur",
        )


def _author(cas: Cas) -> Iterator[Constat]:
    if not may_do(cas.guichet, Acte.SUPPRIMER):
        yield f"{cas.guichet.code} ({cas.guichet.type})", _names_of(Acte.SUPPRIMER), ""
    elif cas.guichet.code != cas.situation.guichet:
        yield cas.guichet.code, f"le guichet qui l'a enregistrée, {cas.situation.guichet}", ""


def _names_of(acte: Acte) -> str:
    return "tout guichet" if len(ACTEURS[acte]) == len(TypeGuichet) else "tout guichet, le portail excepté"


def tout_guichet(acte: Acte) -> Condition:
    """Any guichet that may do the act. The right to read comes before any condition: without it the demande
    is not even known to exist."""

    def test(cas: Cas) -> Iterator[Constat]:
        if not may_do(cas.guichet, acte):
            yield f"{cas.guichet.code} ({cas.guichet.type})", _names_of(acte), ""

    who, _, but = _names_of(acte).partition(",")
    return Condition(f"{who} qui peut lire la demande{',' * bool(but)}{but}", catalogue.ACTEUR, test)


ECHANGEUR: Final = Condition(
    "l'échangeur, par la tâche quotidienne ; un système particulier pour les siennes",
    catalogue.ACTEUR,
    _nobody,
)
BAILLEUR: Final = Condition(
    "un bailleur (réglable : tout guichet) ou un système particulier",
    catalogue.ACTEUR,
    _bailleur_if_configured,
)
BAILLEUR_ATTRIBUTAIRE: Final = Condition(
    "le bailleur qui a attribué le logement (son SIREN) ou un système particulier",
    catalogue.ACTEUR,
    _bailleur_of_attribution,
)
ENREGISTREUR: Final = Condition(
    "le guichet qui a enregistré la demande, le portail excepté", catalogue.ACTEUR, _author
)


# --- what -------------------------------------------------------------------------------------------------


def _renewal_present(cas: Cas) -> Iterator[Constat]:
    if cas.demande.date_renouvellement is None:
        yield "", "", f"{_CORPS}/renouvellement"


def _renewal_date(cas: Cas) -> Iterator[Constat]:
    jour = cas.demande.date_renouvellement
    if jour is None:
        return
    element = f"{_CORPS}/renouvellement/dateRenouvellement"
    depuis = cas.situation.date_renouvellement or cas.situation.date_depot
    if jour > cas.jour:
        yield format_jour(jour), f"au plus tard le jour de réception, {format_jour(cas.jour)}", element
    elif jour < depuis:
        yield format_jour(jour), f"pas avant le {format_jour(depuis)}", element


def _etat_civil(cas: Cas) -> Iterator[Constat]:
    if cas.guichet.type is not TypeGuichet.PORTAIL or not cas.regles.portail_etat_civil_fixe:
        return
    if etat_civil.changes(read_kept(cas.situation.document), cas.demande):
        yield "", "", f"{_CORPS}/personnePhysique/demandeur"


def _radiation_date(cas: Cas) -> Iterator[Constat]:
    radiation = cas.demande.radiation
    if radiation is None:
        return
    jour, element = radiation.date_radiation, f"{_RADIATION}/dateRadiation"
    if jour > cas.jour:
        yield format_jour(jour), f"au plus tard le jour de réception, {format_jour(cas.jour)}", element
    elif jour < cas.situation.date_depot:
        yield format_jour(jour), f"pas avant le dépôt, {format_jour(cas.situation.date_depot)}", element


def _attribution(cas: Cas) -> Attribution | None:
    return cas.demande.radiation.attribution if cas.demande.radiation else None


def _attribution_present(cas: Cas) -> Iterator[Constat]:
    if _attribution(cas) is None:
        yield "", "", _ATTRIBUTION


def _attribution_complete(cas: Cas) -> Iterator[Constat]:
    attribution = _attribution(cas)
    if attribution is None:
        return
    if not _SIREN.fullmatch(attribution.siren_bailleur):
        yield "le SIREN du bailleur", "9 chiffres", f"{_ATTRIBUTION}/codeSirenBailleur"
    for valeur, quoi, element in (
        (attribution.deja_loge_parc_bailleur, "si le ménage était déjà locataire", "dejaLogeParcBailleur"),
        (attribution.accord_collectif, "l'accord collectif", "accordCollectif"),
        (attribution.type_reservataire, "le contingent", "typeReservataire"),
    ):
        if not valeur:
            yield quoi, "un code de la liste", f"{_ATTRIBUTION}/{element}"
    if attribution.numero_rpls.strip():
        return
    for present, quoi, element in (
        (attribution.commune, "la commune du logement sans identifiant RPLS", "adresse/commune"),
        (attribution.type_logement, "la taille du logement sans identifiant RPLS", "typeLogement"),
        (attribution.surface is not None, "la surface du logement sans identifiant RPLS", "surface"),
        (attribution.montant_loyer is not None, "le loyer du logement sans identifiant RPLS", "montantLoyer"),
    ):
        if not present:
            yield quoi, "l'identifiant RPLS, ou la description du logement", f"{_ATTRIBUTION}/{element}"


def _rpls_form(cas: Cas) -> Iterator[Constat]:
    attribution = _attribution(cas)
    numero = attribution.numero_rpls.strip() if attribution else ""
    if numero and not _RPLS.fullmatch(numero):
        yield numero, "10 positions, chiffres ou lettres", f"{_ATTRIBUTION}/numeroRpls"


def _lease_date(cas: Cas) -> Iterator[Constat]:
    attribution = _attribution(cas)
    if attribution is None or cas.demande.radiation is None:
        return
    jour, element = attribution.date_signature_bail, f"{_ATTRIBUTION}/dateSignatureBail"
    if jour is None:
        yield "absente", "le jour de la signature", element
    elif jour > cas.demande.radiation.date_radiation:
        limite = cas.demande.radiation.date_radiation
        yield format_jour(jour), f"au plus tard le jour de la radiation, {format_jour(limite)}", element


def _sub_motive_present(cas: Cas) -> Iterator[Constat]:
    radiation = cas.demande.radiation
    if radiation is not None and not radiation.sous_motif_irrecevabilite:
        yield "absent", "IRRSEJ ou IRRRES", f"{_RADIATION}/sousMotifIrrecevabilite"


def _letter(cas: Cas) -> Iterator[Constat]:
    radiation = cas.demande.radiation
    if radiation is None:
        return
    element, mois = f"{_RADIATION}/absenceReponse/dateCourrier", cas.regles.delai_sans_reponse_mois
    if radiation.date_courrier is None:
        yield "absente", f"un courrier envoyé au moins {mois} mois avant la radiation", element
    elif add_months(radiation.date_courrier, mois) > radiation.date_radiation:
        yield (
            format_jour(radiation.date_courrier),
            f"au moins {mois} mois avant la radiation du {format_jour(radiation.date_radiation)}",
            element,
        )


def _undoable(cas: Cas) -> Iterator[Constat]:
    motif = cas.situation.motif_radiation or ""
    if motif not in (SANS_RENOUVELLEMENT, SANS_REPONSE):
        yield motif, f"{SANS_RENOUVELLEMENT}, {SANS_REPONSE}", _RADIATION


def _in_time(cas: Cas) -> Iterator[Constat]:
    situation = cas.situation
    limite = reactivation_limit(
        situation.motif_radiation or "",
        situation.date_radiation or situation.date_depot,
        situation.echeance(cas.regles),
        cas.regles,
    )
    if limite is not None and cas.jour > limite:
        yield format_jour(cas.jour), format_jour(limite), _RADIATION


def _recent(cas: Cas) -> Iterator[Constat]:
    enregistree = cas.situation.recue_le.astimezone(PARIS).date()
    limite = enregistree + timedelta(days=cas.regles.suppression_jours)
    if cas.jour > limite:
        yield f"enregistrée le {format_jour(enregistree)}", f"jusqu'au {format_jour(limite)}", ""


def _untouched(cas: Cas) -> Iterator[Constat]:
    if cas.situation.auteur != cas.situation.guichet:
        yield f"modifiée par le guichet {cas.situation.auteur}", "aucun autre guichet ne l'a changée", ""


RENOUVELLEMENT_PRESENT: Final = Condition(
    "le fichier porte la date du renouvellement", catalogue.SANS_RENOUVELLEMENT, _renewal_present
)
DATE_RENOUVELLEMENT: Final = Condition(
    "cette date va du dépôt, ou du renouvellement précédent, au jour de réception",
    catalogue.DATE_RENOUVELLEMENT,
    _renewal_date,
)
ETAT_CIVIL: Final = Condition(
    "le portail ne change ni le nom de naissance ni les prénoms (réglable)",
    catalogue.ETAT_CIVIL_FIXE,
    _etat_civil,
)
DATE_RADIATION: Final = Condition(
    "la date de radiation va du dépôt au jour de réception", catalogue.DATE_RADIATION, _radiation_date
)
ATTRIBUTION_PRESENTE: Final = Condition(
    "le logement attribué est décrit", catalogue.SANS_ATTRIBUTION, _attribution_present
)
ATTRIBUTION_COMPLETE: Final = Condition(
    "SIREN du bailleur, déjà locataire, accord collectif, contingent ; à défaut d'identifiant RPLS : commune,"
    " taille, surface, loyer",
    catalogue.ATTRIBUTION_INCOMPLETE,
    _attribution_complete,
)
RPLS_BIEN_FORME: Final = Condition(
    "l'identifiant RPLS, s'il est donné, a 10 positions", catalogue.RPLS_MALFORME, _rpls_form
)
DATE_BAIL: Final = Condition(
    "le bail est signé au plus tard le jour de la radiation", catalogue.DATE_BAIL, _lease_date
)
SOUS_MOTIF: Final = Condition("le sous-motif est donné", catalogue.SOUS_MOTIF, _sub_motive_present)
COURRIER: Final = Condition(
    "un courrier est resté sans réponse depuis le délai réglé (1 mois)", catalogue.COURRIER, _letter
)
MOTIF_ANNULABLE: Final = Condition(
    "le motif était RADREN ou RADCON", catalogue.REACTIVATION_EXCLUE, _undoable
)
DANS_LE_DELAI: Final = Condition(
    "RADREN : jusqu'à 6 mois après l'échéance ; RADCON : jusqu'à 5 mois après la radiation (réglables)",
    catalogue.REACTIVATION_TARDIVE,
    _in_time,
)
RECENTE: Final = Condition(
    "enregistrée depuis 30 jours au plus (réglable)", catalogue.SUPPRESSION_TARDIVE, _recent
)
SANS_AUTRE_AUTEUR: Final = Condition(
    "sa version courante est du même guichet", catalogue.SUPPRESSION_TARDIVE, _untouched
)
