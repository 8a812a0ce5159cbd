"""Creation after a separation (CRS): the co-applicant leaves with the seniority, under a new number.

CCH L441-1: when a member of the couple filed before the separation and named the other, the other keeps the
seniority, by a demande of his own while the first one stays (regles §3). Pure, but for `read_origines`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from registry import anomalies_demande, anomalies_vie
from registry.anomalies import Anomalie
from registry.controles import format_jour
from registry.cycle import LIBELLES
from registry.documents_gardes import read_kept
from registry.droits import may_read
from registry.guichets import Guichet
from registry.identites import CleIdentite, Role, cles_of
from registry.lifecycle import Etat
from registry.situation import Situation, read_situations
from schemas.demande import Demande

_CORPS: Final = "/interfaceNuu/demande/demandeLogement"


@dataclass(frozen=True, slots=True)
class Origine:
    """The demande of the couple. detenteurs: the guichets that hold it."""

    situation: Situation
    detenteurs: frozenset[str]


_HOLDERS: Final = text("SELECT numero, guichet FROM detention WHERE numero = ANY(CAST(:numeros AS text[]))")


def read_origines(conn: Connection, numeros: Collection[str]) -> dict[str, Origine]:
    """The demandes of these numbers, by number; the caller holds the lock of the chain."""
    if not numeros:
        return {}
    detenteurs: dict[str, set[str]] = {}
    for ligne in conn.execute(_HOLDERS, {"numeros": sorted(numeros)}):
        detenteurs.setdefault(ligne.numero, set()).add(ligne.guichet)
    return {
        numero: Origine(situation, frozenset(detenteurs.get(numero, ())))
        for numero, situation in read_situations(conn, numeros).items()
    }


def demande_of_origin(origine: Origine) -> Demande:
    """The demande of the couple as it is."""
    return read_kept(origine.situation.document)


def check_separation(
    demande: Demande,
    guichet: Guichet,
    territoire: str,
    cles: Collection[CleIdentite],
    origine: Origine | None,
) -> tuple[Anomalie, ...]:
    """What the demande of the couple has against the creation ([VIE-71], [VIE-72])."""
    numero = demande.num_unique_associe or ""
    if origine is None or not _readable(guichet, origine):
        return (anomalies_demande.DEMANDE_HORS_PORTEE(f"« {numero} »", guichet.code),)
    return tuple(_anomalies(demande, territoire, cles, origine))


def _anomalies(
    demande: Demande, territoire: str, cles: Collection[CleIdentite], origine: Origine
) -> Iterator[Anomalie]:
    situation = origine.situation
    if situation.etat is not Etat.ACTIVE:
        yield anomalies_vie.ORIGINE_INCOMPATIBLE(
            f"{situation.numero}, {LIBELLES[situation.etat]},",
            "une demande active",
            f"{_CORPS}/numUniqueAssocie",
        )
    if territoire != situation.territoire:
        yield anomalies_vie.AUTRE_TERRITOIRE(
            territoire,
            situation.territoire,
            f"{_CORPS}/logementRecherche/listeLocalisationSouhaite",
        )
    if demande.date_creation != situation.date_depot:
        yield anomalies_vie.DEPOT_DISCORDANT(
            format_jour(demande.date_creation),
            format_jour(situation.date_depot),
            f"{_CORPS}/dateCreationDemande",
        )
    conjoints = {cle.cle for cle in cles_of(demande_of_origin(origine)) if cle.role is Role.CONJOINT}
    if not conjoints.intersection(cle.cle for cle in cles if cle.role is Role.DEMANDEUR):
        yield anomalies_vie.DEMANDEUR_ETRANGER(
            situation.numero, "", f"{_CORPS}/personnePhysique/demandeur/nom"
        )


def _readable(guichet: Guichet, origine: Origine) -> bool:
    situation = origine.situation
    detenteur = guichet.code in origine.detenteurs
    return may_read(guichet, situation.territoire, situation.communes, detenteur=detenteur).accorde
