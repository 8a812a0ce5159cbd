"""The life cycle as a table: state × fact (× motive) → state, who, conditions (regles §2).

From these lines come what the code does (registry/changement.py), docs/cycle-de-vie.md and tests. They follow
registry/lifecycle.py, and say more of each of its transitions that a partner can send.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from registry import anomalies_vie as catalogue
from registry import conditions as c
from registry.actes import Acte
from registry.anomalies import Anomalie
from registry.conditions import Cas, Condition
from registry.lifecycle import Etat, Fait

LIBELLES: Final = {
    Etat.BROUILLON: "en brouillon",
    Etat.ATTENTE: "en attente de validation",
    Etat.ACTIVE: "active",
    Etat.RADIEE: "radiée",
    Etat.INVALIDEE: "invalidée",
    Etat.SUPPRIMEE: "supprimée",
    Etat.PURGEE: "effacée",
}
"""States, as anomalies name them."""


@dataclass(frozen=True, slots=True)
class Ligne:
    """One line. motif: code of ListeMotifsRadiation for a radiation, otherwise empty."""

    depuis: Etat
    fait: Fait
    motif: str
    vers: Etat
    qui: Condition
    conditions: tuple[Condition, ...] = ()


_RADIATION = (Etat.ACTIVE, Fait.RADIATION)

TABLE: Final = (
    Ligne(Etat.ACTIVE, Fait.MODIFICATION, "", Etat.ACTIVE, c.tout_guichet(Acte.MODIFIER), (c.ETAT_CIVIL,)),
    Ligne(
        Etat.ACTIVE,
        Fait.RENOUVELLEMENT,
        "",
        Etat.ACTIVE,
        c.tout_guichet(Acte.RENOUVELER),
        (c.RENOUVELLEMENT_PRESENT, c.DATE_RENOUVELLEMENT, c.ETAT_CIVIL),
    ),
    Ligne(
        *_RADIATION,
        "RADATT",
        Etat.RADIEE,
        c.BAILLEUR_ATTRIBUTAIRE,
        (
            c.DATE_RADIATION,
            c.ATTRIBUTION_PRESENTE,
            c.ATTRIBUTION_COMPLETE,
            c.RPLS_BIEN_FORME,
            c.DATE_BAIL,
        ),
    ),
    Ligne(*_RADIATION, "RADABA", Etat.RADIEE, c.tout_guichet(Acte.ABANDONNER), (c.DATE_RADIATION,)),
    Ligne(
        *_RADIATION,
        "RADCON",
        Etat.RADIEE,
        c.tout_guichet(Acte.RADIER_SANS_REPONSE),
        (c.DATE_RADIATION, c.COURRIER),
    ),
    Ligne(*_RADIATION, "RADIRR", Etat.RADIEE, c.BAILLEUR, (c.DATE_RADIATION, c.SOUS_MOTIF)),
    Ligne(*_RADIATION, "RADREN", Etat.RADIEE, c.ECHANGEUR, (c.DATE_RADIATION,)),
    Ligne(
        Etat.RADIEE,
        Fait.DERADIATION,
        "",
        Etat.ACTIVE,
        c.tout_guichet(Acte.REACTIVER),
        (c.MOTIF_ANNULABLE, c.DANS_LE_DELAI),
    ),
    Ligne(
        Etat.ACTIVE,
        Fait.SUPPRESSION,
        "",
        Etat.SUPPRIMEE,
        c.ENREGISTREUR,
        (c.RECENTE, c.SANS_AUTRE_AUTEUR),
    ),
)
"""What a partner may make happen to a demande that exists; what is not here is refused."""

_LIGNES: Final = {(ligne.depuis, ligne.fait, ligne.motif): ligne for ligne in TABLE}


def line_of(etat: Etat, fait: Fait, motif: str) -> Ligne | None:
    """The line of a fact, or None when the state does not allow it."""
    return _LIGNES.get((etat, fait, motif if fait is Fait.RADIATION else ""))


def follow(cas: Cas, fait: Fait, motif: str) -> Ligne | tuple[Anomalie, ...]:
    """The line that the case follows, or what the table has against it ([VIE-4])."""
    ligne = line_of(cas.situation.etat, fait, motif)
    if ligne is None:
        attendus = sorted({LIBELLES[one.depuis] for one in TABLE if one.fait is fait})
        return (catalogue.ETAT_INCOMPATIBLE(LIBELLES[cas.situation.etat], " ou ".join(attendus)),)
    return tuple(_anomalies(ligne, cas)) or ligne


def _anomalies(ligne: Ligne, cas: Cas) -> Iterator[Anomalie]:
    for condition in (ligne.qui, *ligne.conditions):
        yield from condition.check(cas)
