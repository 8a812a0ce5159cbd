"""Who a demande is about, as keys that can be compared (regles §3, doublons). Pure.

The SNE identifies a person by name, first name and birth date, and holds that case, accents, hyphens, spaces
and the inversion of name and first name do not matter; its exact keys are not published. Ours:
`<name>|<first name>|<birth date>`, the two names normalised then sorted, so that an inversion gives the same
key. A person gives one key by name borne: nom d'usage and nom patronymique.

The demandeur and the one who lives with him count; a colocataire does not: he must hold his own demande. An
association has no key: it may hold several demandes, one by household it will house.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from schemas.demande import Demande
from schemas.menage import Personne

LIENS_DE_COUPLE: Final = frozenset({"M", "P", "C"})
"""Codes of ListeLienDemandeur: conjoint, pacsé, concubin. `L`, colocataire, is not among them."""

# Letters that Unicode does not decompose, as French registers transcribe them.
_LIGATURES: Final = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ħ": "h", "ı": "i"}
)


class Role(StrEnum):
    """Place of a person in a demande."""

    DEMANDEUR = "demandeur"
    CONJOINT = "conjoint"


@dataclass(frozen=True, slots=True)
class CleIdentite:
    """One key of one person.

    rang: 0 for the demandeur, then the place of the cotitulaire in the document, from 1.
    """

    rang: int
    role: Role
    cle: str


def normalise(texte: str) -> str:
    """Letters and digits only, without case nor accents; empty when there is none.

    >>> normalise("Éloïse-Anne  d’Œuvre")
    'eloiseannedoeuvre'
    """
    if texte.isascii():
        # Nearly all names of nearly all demandes: twenty times cheaper than what follows.
        return "".join(filter(str.isalnum, texte.lower()))
    minuscules = unicodedata.normalize("NFKD", texte.casefold()).translate(_LIGATURES)
    # The decomposition of compatibility characters may give capitals back: hence casefold again.
    return "".join(filter(str.isalnum, minuscules)).casefold()


def cles_of_personne(nom: str, nom_patronymique: str, prenom: str, naissance: date) -> tuple[str, ...]:
    """The keys of one person, the nom d'usage first; a blank name gives none."""
    prenom_normal = normalise(prenom)
    cles = []
    for porte in (nom, nom_patronymique):
        nom_normal = normalise(porte)
        if nom_normal:
            premier, second = sorted((nom_normal, prenom_normal))
            cles.append(f"{premier}|{second}|{naissance.isoformat()}")
    return tuple(dict.fromkeys(cles))


def cles_of(demande: Demande) -> tuple[CleIdentite, ...]:
    """The keys of a demande: demandeur, then conjoint, pacsé or concubin. Empty for an association
    ([ENR-20] [DBL-1])."""
    cles: list[CleIdentite] = []
    if demande.demandeur is not None:
        cles.extend(_cles(0, Role.DEMANDEUR, demande.demandeur))
    for rang, cotitulaire in enumerate(demande.cotitulaires, start=1):
        if cotitulaire.lien in LIENS_DE_COUPLE:
            cles.extend(_cles(rang, Role.CONJOINT, cotitulaire))
    return tuple(cles)


def _cles(rang: int, role: Role, personne: Personne) -> Iterator[CleIdentite]:
    for cle in cles_of_personne(
        personne.nom, personne.nom_patronymique, personne.prenom, personne.date_naissance
    ):
        yield CleIdentite(rang, role, cle)
