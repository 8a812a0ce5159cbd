"""The events of shared management: what may be written about a demande, by whom, and what follows. Pure.

Clauses [GPE-…] of docs/specification/51-gestion-partagee.md. A file is taken whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

from registry import anomalies_partagee as catalogue
from registry.anomalies import Anomalie
from registry.controles import PARIS
from registry.guichets import Guichet
from registry.lifecycle import Etat
from registry.moments import say_second
from schemas.gestion_partagee import EvenementRecu
from schemas.types_evenements import TypeEvenement

EVENEMENTS_MAX: Final = 500
"""Events of one demande. Threat: an answer and a transaction that grow without end; a demande that waits ten
years with an event a week has as many."""

LOGEMENT: Final = "LOGEMENT"
"""The field by which the events of one dwelling are known."""

_CLOS_UN: Final = frozenset({"CALATT", "CALNON", "REFUS"})
"""National types that end what was attributed under condition for their dwelling."""
_CLOS_TOUT: Final = frozenset({"CALIRR", "BAIL"})
"""Those that end it for all the dwellings."""

_ELEMENT: Final = "/interfaceNuu/listeEvenements/evenement"


class Action(StrEnum):
    """What is done with an event; the values are natureModification, at most 6 characters."""

    AJOUT = "AJOUT"
    MODIFICATION = "MODIF"
    SUPPRESSION = "SUPPR"


@dataclass(frozen=True, slots=True)
class EvenementPartage:
    """One version of an event. id: 0 until the journal gives it. champs: values by code of field."""

    id: int
    version: int
    type: str
    territoire: str
    action: Action
    auteur: str
    cree_le: datetime
    auteur_modification: str | None
    modifie_le: datetime | None
    survenance: date
    commentaire: str
    champs: Mapping[str, str]

    @property
    def marque(self) -> datetime:
        """The instant by which a partner proves that he saw this version [GPE-22]."""
        return self.modifie_le or self.cree_le


@dataclass(frozen=True, slots=True)
class DemandeSuivie:
    """What must be known of the demande that events are about."""

    numero: str
    territoire: str
    etat: str
    depot: date


@dataclass(frozen=True, slots=True)
class Ecriture:
    """What a guichet asks: an action on the events of a demande, received at an instant (aware)."""

    action: Action
    recus: Sequence[EvenementRecu]
    guichet: Guichet
    recu_le: datetime


def evaluate(
    ecriture: Ecriture,
    demande: DemandeSuivie,
    types: Mapping[str, TypeEvenement],
    presents: Mapping[int, EvenementPartage],
) -> tuple[EvenementPartage, ...] | tuple[Anomalie, ...]:
    """The versions to write, in the order of the file, or the anomalies, at least one.

    types: those that the demande may have, by code. presents: its current events, by identifier.
    """
    if demande.etat != Etat.ACTIVE:
        return (catalogue.DEMANDE_NON_ACTIVE(demande.numero, "", "/interfaceNuu/operation/numUnique"),)
    if not ecriture.recus:
        return (catalogue.SANS_EVENEMENT(propriete="/interfaceNuu/listeEvenements"),)
    versions: list[EvenementPartage] = []
    anomalies: list[Anomalie] = []
    vus: set[int] = set()
    for rang, recu in enumerate(ecriture.recus, start=1):
        element = f"{_ELEMENT}[{rang}]"
        if ecriture.action is Action.AJOUT:
            anomalies.extend(_check_new(recu, element))
            version = _new(recu, ecriture, types)
        else:
            trouve = _target(recu, ecriture, presents, vus, element)
            if isinstance(trouve, Anomalie):
                anomalies.append(trouve)
                continue
            version = _changed(trouve, recu, ecriture)
        if ecriture.action is not Action.SUPPRESSION:
            anomalies.extend(_check(version, recu, ecriture, demande, types, element))
        versions.append(version)
    if ecriture.action is Action.AJOUT and len(presents) + len(versions) > EVENEMENTS_MAX:
        anomalies.append(catalogue.TROP_D_EVENEMENTS("", str(EVENEMENTS_MAX), _ELEMENT))
    return tuple(anomalies) or tuple(versions)


def count_attributions(presents: Iterable[EvenementPartage], types: Mapping[str, TypeEvenement]) -> int:
    """How many dwellings are attributed under condition at this time [GPE-31]."""
    ouverts: set[str] = set()
    for present in sorted(presents, key=lambda each: (each.survenance, each.id)):
        logement = present.champs.get(LOGEMENT) or f"n° {present.id}"
        connu = types.get(present.type)
        if connu is not None and connu.multiples:
            ouverts.add(logement)
        elif present.type in _CLOS_UN:
            ouverts.discard(logement)
        elif present.type in _CLOS_TOUT:
            ouverts.clear()
    return len(ouverts)


def _check_new(recu: EvenementRecu, element: str) -> Iterator[Anomalie]:
    if recu.id is not None:
        yield catalogue.IDENTIFIANT_PRESENT(str(recu.id), "", f"{element}/idEvenement")


def _new(recu: EvenementRecu, ecriture: Ecriture, types: Mapping[str, TypeEvenement]) -> EvenementPartage:
    connu = types.get(recu.type or "")
    return EvenementPartage(
        id=0,
        version=1,
        type=recu.type or "",
        territoire="" if connu is None else connu.territoire,
        action=Action.AJOUT,
        auteur=ecriture.guichet.code,
        cree_le=ecriture.recu_le,
        auteur_modification=None,
        modifie_le=None,
        survenance=recu.survenance or date.min,
        commentaire=recu.commentaire or "",
        champs=_champs(recu),
    )


def _target(
    recu: EvenementRecu,
    ecriture: Ecriture,
    presents: Mapping[int, EvenementPartage],
    vus: set[int],
    element: str,
) -> EvenementPartage | Anomalie:
    """The event to change, if this guichet may change it as he saw it."""
    chemin = f"{element}/idEvenement"
    if recu.id is None:
        return catalogue.IDENTIFIANT_ABSENT(propriete=chemin)
    if recu.id in vus:
        return catalogue.EVENEMENT_REPETE(str(recu.id), "", chemin)
    vus.add(recu.id)
    present = presents.get(recu.id)
    if present is None:
        return catalogue.EVENEMENT_INCONNU(str(recu.id), "", chemin)
    if present.auteur != ecriture.guichet.code:
        return catalogue.AUTRE_AUTEUR(str(recu.id), present.auteur, chemin)
    if recu.type is not None and recu.type != present.type:
        return catalogue.TYPE_IMMUABLE(recu.type, present.type, f"{element}/codeTypeEvenement")
    vu = recu.modifie_le or recu.cree_le
    if vu is not None and _milliseconds(vu) != _milliseconds(present.marque):
        quand = f"le {say_second(present.marque)}"
        return catalogue.MODIFIE_DEPUIS(str(recu.id), quand, f"{element}/dateModification")
    return present


def _changed(present: EvenementPartage, recu: EvenementRecu, ecriture: Ecriture) -> EvenementPartage:
    """What is absent stays as it was [GPE-23]."""
    suite = replace(
        present,
        version=present.version + 1,
        action=ecriture.action,
        auteur_modification=ecriture.guichet.code,
        modifie_le=ecriture.recu_le,
    )
    if ecriture.action is Action.SUPPRESSION:
        return suite
    return replace(
        suite,
        survenance=recu.survenance or present.survenance,
        commentaire=present.commentaire if recu.commentaire is None else recu.commentaire,
        champs=present.champs if recu.caracteristiques is None else _champs(recu),
    )


def _check(
    version: EvenementPartage,
    recu: EvenementRecu,
    ecriture: Ecriture,
    demande: DemandeSuivie,
    types: Mapping[str, TypeEvenement],
    element: str,
) -> Iterator[Anomalie]:
    connu = types.get(version.type)
    if connu is None:
        attendu = ", ".join(sorted(types))
        yield catalogue.TYPE_INCONNU(version.type, attendu, f"{element}/codeTypeEvenement")
        return
    guichet = ecriture.guichet
    if connu.auteurs and guichet.type not in connu.auteurs:
        attendu = ", ".join(sorted(connu.auteurs))
        yield catalogue.AUTEUR_NON_HABILITE(guichet.type, attendu, f"{element}/codeTypeEvenement")
    jour, chemin = version.survenance, f"{element}/dateSurvenance"
    recu_le = ecriture.recu_le.astimezone(PARIS).date()
    if jour == date.min:
        yield catalogue.SURVENANCE_ABSENTE(propriete=chemin)
        return
    if jour > recu_le:
        yield catalogue.SURVENANCE_FUTURE(_jour(jour), _jour(recu_le), chemin)
    elif jour < demande.depot:
        yield catalogue.SURVENANCE_AVANT_DEPOT(_jour(jour), _jour(demande.depot), chemin)
    elif not connu.validite.holds(jour):
        yield catalogue.TYPE_PERIME(version.type, _jour(jour), f"{element}/codeTypeEvenement")
    yield from _check_champs(version, recu, connu, f"{element}/listeCaracteristiquesSpecifiques")


def _check_champs(
    version: EvenementPartage, recu: EvenementRecu, connu: TypeEvenement, element: str
) -> Iterator[Anomalie]:
    donnes = [each.code for each in recu.caracteristiques or ()]
    for code in dict.fromkeys(donnes):
        if donnes.count(code) > 1:
            yield catalogue.CHAMP_REPETE(code, "", element)
    ouverts = {c: champ for c, champ in connu.champs.items() if champ.validite.holds(version.survenance)}
    for code, valeur in version.champs.items():
        champ = ouverts.get(code)
        if champ is None:
            yield catalogue.CHAMP_INCONNU(code, ", ".join(ouverts) or "aucun", element)
        elif valeur and not champ.format.accepts(valeur):
            yield catalogue.CHAMP_MALFORME(code, champ.format.attendu, element)
    for code, champ in ouverts.items():
        if champ.obligatoire and not version.champs.get(code):
            yield catalogue.CHAMP_ABSENT(code, "", element)


def _champs(recu: EvenementRecu) -> dict[str, str]:
    return {each.code: each.valeur for each in recu.caracteristiques or ()}


def _milliseconds(instant: datetime) -> int:
    """To the millisecond, which is what our answers write; an instant without a zone is that of Paris."""
    aware = instant.replace(tzinfo=PARIS) if instant.tzinfo is None else instant
    return int(aware.astimezone(UTC).timestamp() * 1000)


def _jour(jour: date) -> str:
    return f"{jour.day:02d}/{jour.month:02d}/{jour.year:04d}"
