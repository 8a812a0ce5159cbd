"""Reading a demande by its number, within the rights of the one who asks (regles §5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, text

from registry.droits import may_read
from registry.guichets import Guichet
from schemas.emission import PARIS, TYPE_RETOUR, rehead
from schemas.indicateurs import Indicateurs, set_indicateurs


@dataclass(frozen=True, slots=True)
class Lecture:
    """What is asked: a number, by a guichet."""

    guichet: Guichet
    numero: str


@dataclass(frozen=True, slots=True)
class DemandeLue:
    """The current version of a demande. document: emitted form, to be given the header of the answer.

    suivie: False when the registry computes nothing of it (registry.projection). active: its state.
    anormal_le: first day on which its wait is abnormally long, or None. attributions: dwellings attributed
    under condition.
    """

    numero: str
    version: int
    document: bytes
    suivie: bool = False
    active: bool = True
    anormal_le: date | None = None
    attributions: int = 0


# Each number asked by each guichet, once; the holder is looked up with it.
_READ: Final = text("""
    SELECT t.numero, t.guichet, d.territoire, d.communes, d.version, v.document,
        d.etat = 'active' AS active, r.numero IS NOT NULL AS suivie, r.anormal_le,
        coalesce(r.attributions, 0) AS attributions,
        EXISTS (
            SELECT FROM detention h WHERE h.numero = t.numero AND h.guichet = t.guichet
        ) AS detenteur
    FROM unnest(CAST(:numero AS text[]), CAST(:guichet AS text[])) AS t(numero, guichet)
    JOIN demande d ON d.numero = t.numero
    JOIN demande_version v ON v.numero = d.numero AND v.version = d.version
    LEFT JOIN recherche r ON r.numero = d.numero
""")


def read(conn: Connection, lectures: Sequence[Lecture]) -> list[DemandeLue | None]:
    """The demandes asked, in order; None for one that does not exist or that the guichet may not read
    ([ENR-32]).

    The two cases are one on purpose: telling them apart would tell who has a demande.
    """
    cles = sorted({(lecture.numero, lecture.guichet.code) for lecture in lectures})
    lignes = {
        (ligne.numero, ligne.guichet): ligne
        for ligne in conn.execute(
            _READ,
            {"numero": [numero for numero, _ in cles], "guichet": [guichet for _, guichet in cles]},
        )
    }
    lues: list[DemandeLue | None] = []
    for lecture in lectures:
        ligne = lignes.get((lecture.numero, lecture.guichet.code))
        if ligne is not None and (
            may_read(lecture.guichet, ligne.territoire, ligne.communes, detenteur=ligne.detenteur).accorde
        ):
            lues.append(
                DemandeLue(
                    ligne.numero,
                    ligne.version,
                    ligne.document,
                    ligne.suivie,
                    ligne.active,
                    ligne.anormal_le,
                    ligne.attributions,
                )
            )
        else:
            lues.append(None)
    return lues


def answer(lue: DemandeLue, maintenant: datetime, type_fichier: str = TYPE_RETOUR) -> bytes:
    """The document that answers a reading: our header, and the indicators as they are now
    ([ENR-30] [GPE-32])."""
    contenu = rehead(lue.document, type_fichier=type_fichier, date_fichier=maintenant)
    if not lue.suivie:
        return contenu
    jour = maintenant.astimezone(PARIS).date()
    delai = lue.active and lue.anormal_le is not None and lue.anormal_le <= jour
    return set_indicateurs(contenu, Indicateurs(delai, lue.attributions > 1), maintenant)
