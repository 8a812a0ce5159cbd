"""The controls of a creation: everything that can be said of a demande without looking at the others. Pure.

All the anomalies are told at once, in the order of the document: a partner corrects his file in one go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from registry import anomalies_demande as catalogue
from registry import anomalies_vie, numero_unique
from registry.actes import Acte
from registry.anomalies import Anomalie
from registry.droits import may_do
from registry.guichets import Guichet
from registry.identites import normalise
from registry.lifecycle import CREATIONS, SUITES, Fait
from schemas import cog, territoires
from schemas.demande import Demande
from schemas.menage import Personne
from schemas.violations import Violation

PARIS: Final = ZoneInfo("Europe/Paris")
"""Days and file names are those of Paris, overseas guichets included: one registry, one calendar."""

PREMIER_DEPOT: Final = date(1990, 1, 1)
"""No demande can be older: the year has two digits in the numéro unique, and a household that renewed every
year since 1990 is already a typing error rather than a wait."""

COPIE: Final = "COP"
"""typeFichier that asks for the digital copy of a demande and changes nothing ([VIE-80])."""

_EMISES: Final = frozenset({"DIS", "RET"})
"""Codes of ListeTypeFichier that only the hub writes (regles §16)."""

_ENVOYEES: Final = ("CRE", "CRS", "MOD", "REN", "RAD", "SUP", COPIE)

_CORPS: Final = "/interfaceNuu/demande/demandeLogement"
_LOCALISATION: Final = f"{_CORPS}/logementRecherche/listeLocalisationSouhaite/localisationSouhaite"
_FOYER: Final = f"{_CORPS}/personnePhysique"


def territoire_of(demande: Demande) -> str | None:
    """The territory of the wished communes, or None when they name none or several."""
    trouves = {territoires.territoire_of(code) for code in demande.communes_souhaitees}
    return trouves.pop() if len(trouves) == 1 else None


def check_guichet(demande: Demande, guichet: Guichet) -> tuple[Anomalie, ...]:
    """The document must name the guichet of the certificate (regles §14) ([ENR-4])."""
    if demande.num_guichet == guichet.code:
        return ()
    return (catalogue.GUICHET_DISCORDANT(demande.num_guichet, guichet.code, f"{_CORPS}/numGuichet"),)


def searched_territoires(demande: Demande, guichet: Guichet) -> frozenset[str]:
    """Where to look for doublons of a demande: the territories of its wished communes, else all those of the
    guichet; never outside them.
    """
    souhaites = {territoires.territoire_of(code) for code in demande.communes_souhaitees} - {None}
    return guichet.territoires.intersection(souhaites) if souhaites else guichet.territoires


def check_search(demande: Demande, guichet: Guichet) -> tuple[Anomalie, ...]:
    """The anomalies of a demande sent to look for doublons; empty when the search makes sense."""
    anomalies = [*check_guichet(demande, guichet)]
    if demande.association is not None:
        anomalies.append(catalogue.DOUBLON_SANS_PERSONNE(propriete=f"{_CORPS}/association"))
    if not searched_territoires(demande, guichet):
        anomalies.extend(_lieux(demande, guichet))
    return tuple(anomalies)


def check_creation(
    demande: Demande, guichet: Guichet, recu_le: date, codes: Sequence[Violation] = ()
) -> tuple[Anomalie, ...]:
    """The anomalies of a demande sent by `guichet` for creation; empty when it may be registered
    ([ENR-5] [ENR-6] [ENR-11]).

    recu_le: day of reception, in Paris. codes: violations of the code lists (schemas.codes).
    What depends on the other demandes (doublons, number already taken) is seen at registration.
    """
    return (
        *_operation(demande, codes),
        *check_guichet(demande, guichet),
        *_acte(demande, guichet),
        *_numero(demande, guichet),
        *_vie(demande, recu_le),
        *_dates(demande, recu_le),
        *_lieux(demande, guichet),
        *_personnes(demande),
        *(catalogue.CODE_INCONNU(v.message, v.expected, v.path) for v in codes),
    )


def check_content(demande: Demande, guichet: Guichet, codes: Sequence[Violation]) -> tuple[Anomalie, ...]:
    """The anomalies of what a demande says, whatever the fact that brings it: places, persons, codes."""
    return (
        *_lieux(demande, guichet),
        *_personnes(demande),
        *(catalogue.CODE_INCONNU(v.message, v.expected, v.path) for v in codes),
    )


def _operation(demande: Demande, codes: Sequence[Violation]) -> Iterator[Anomalie]:
    type_fichier = demande.type_fichier
    element = "/interfaceNuu/entete/typeFichier"
    if type_fichier in CREATIONS | SUITES or type_fichier == COPIE:
        return
    if type_fichier in _EMISES:
        yield catalogue.OPERATION_RESERVEE(type_fichier, ", ".join(_ENVOYEES), element)
    elif not any(v.path == element for v in codes):
        # A code that joined the list after this program was written.
        yield catalogue.OPERATION_NON_ASSUREE(type_fichier, ", ".join(_ENVOYEES), element)


def _acte(demande: Demande, guichet: Guichet) -> Iterator[Anomalie]:
    separation = demande.type_fichier == Fait.CREATION_SEPARATION
    if separation and not may_do(guichet, Acte.CREER_APRES_SEPARATION):
        yield catalogue.ACTE_REFUSE(guichet.type, "", "/interfaceNuu/entete/typeFichier")


def _numero(demande: Demande, guichet: Guichet) -> Iterator[Anomalie]:
    if demande.type_fichier not in CREATIONS:
        return
    element = f"{_CORPS}/numUnique"
    texte = demande.num_unique
    if texte is None:
        if guichet.numerote:
            yield catalogue.NUMERO_ABSENT("", guichet.code, element)
        return
    if not guichet.numerote:
        yield catalogue.NUMERO_PRESENT(texte, guichet.code, element)
        return
    numero = numero_unique.parse(texte)
    if numero is None:
        yield catalogue.NUMERO_MALFORME(texte, numero_unique.FORME, element)
        return
    territoire = territoire_of(demande)
    if territoire is not None and numero.territoire != territoire:
        yield catalogue.NUMERO_AUTRE_TERRITOIRE(texte, territoire, element)
    if not numero.agrees_with(demande.date_creation):
        yield catalogue.NUMERO_AUTRE_MOIS(texte, format_jour(demande.date_creation), element)


def _vie(demande: Demande, recu_le: date) -> Iterator[Anomalie]:
    """What a creation may tell of the life of the demande before it: its last renewal, and no radiation."""
    jour = demande.date_renouvellement
    if demande.type_fichier == Fait.CREATION_SEPARATION and demande.num_unique_associe is None:
        yield anomalies_vie.SANS_ORIGINE(propriete=f"{_CORPS}/numUniqueAssocie")
    if jour is not None and not demande.date_creation <= jour <= recu_le:
        yield anomalies_vie.DATE_RENOUVELLEMENT(
            format_jour(jour),
            f"du dépôt, {format_jour(demande.date_creation)}, au jour de réception, {format_jour(recu_le)}",
            f"{_CORPS}/renouvellement/dateRenouvellement",
        )
    if demande.radiation is not None:
        yield anomalies_vie.PARTIE_RESERVEE(
            "la radiation", "Une création n'en porte pas.", f"{_CORPS}/radiation"
        )


def _dates(demande: Demande, recu_le: date) -> Iterator[Anomalie]:
    depot = demande.date_creation
    element = f"{_CORPS}/dateCreationDemande"
    if depot > recu_le:
        yield catalogue.DEPOT_FUTUR(format_jour(depot), format_jour(recu_le), element)
    elif depot < PREMIER_DEPOT:
        yield catalogue.DEPOT_TROP_ANCIEN(format_jour(depot), format_jour(PREMIER_DEPOT), element)


def _lieux(demande: Demande, guichet: Guichet) -> Iterator[Anomalie]:
    if not demande.logement_recherche:
        yield catalogue.SANS_LOGEMENT_RECHERCHE(propriete=f"{_CORPS}/logementRecherche")
        return
    element = f"{_LOCALISATION}/commune"
    if any(code is None for code, _ in demande.localisations) or not demande.localisations:
        yield catalogue.SANS_COMMUNE(propriete=element)
    trouves: dict[str, str] = {}
    for code in demande.communes_souhaitees:
        territoire = territoires.territoire_of(code)
        if territoire is not None:
            trouves.setdefault(territoire, code)
        elif cog.commune(code) is None:
            yield catalogue.COMMUNE_INCONNUE(code, "", element)
        else:
            yield catalogue.SANS_TERRITOIRE(code, "", element)
    if len(trouves) > 1:
        yield catalogue.PLUSIEURS_TERRITOIRES(", ".join(sorted(trouves)), "", element)
    for territoire, code in trouves.items():
        if territoire not in guichet.territoires:
            yield catalogue.HORS_TERRITOIRES(code, ", ".join(sorted(guichet.territoires)), element)


def _personnes(demande: Demande) -> Iterator[Anomalie]:
    association = demande.association
    if association is not None and not normalise(association.nom):
        yield catalogue.NOM_VIDE(association.nom, "", f"{_CORPS}/association/nom")
    if demande.demandeur is not None:
        yield from _personne(demande, demande.demandeur, f"{_FOYER}/demandeur")
    for rang, cotitulaire in enumerate(demande.cotitulaires, start=1):
        yield from _personne(demande, cotitulaire, f"{_FOYER}/listeCotitulaire/cotitulaire[{rang}]")


def _personne(demande: Demande, personne: Personne, element: str) -> Iterator[Anomalie]:
    for nom, valeur in (("nom", personne.nom), ("prenom", personne.prenom)):
        if not normalise(valeur):
            yield catalogue.NOM_VIDE(valeur, "", f"{element}/{nom}")
    if personne.date_naissance > demande.date_creation:
        yield catalogue.NAISSANCE_APRES_DEPOT(
            format_jour(personne.date_naissance),
            format_jour(demande.date_creation),
            f"{element}/dateNaissance",
        )


def format_jour(jour: date) -> str:
    """A day as people write it: 22/11/2026."""
    return f"{jour.day:02d}/{jour.month:02d}/{jour.year:04d}"
